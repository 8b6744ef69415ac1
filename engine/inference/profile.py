"""Profile of a model: statistics of its layers and neurons from one forward pass over a text.

S sequences of T tokens, in batches of B; N layers, hidden size D, I neurons per layer. B_l is the residual stream that
enters layer l, B_N the output of the last layer. Means are over all text tokens, without the tokenizer's special
tokens, whose activations are often larger by orders of magnitude:

    block influence      1 - cos(B_l, B_l+1), 0 to 2; Men et al., "ShortGPT", https://arxiv.org/abs/2403.03853
    relative update      |B_l+1 - B_l| / |B_l|
    update norm          |B_l+1 - B_l|, in the model's own units
    input norm           |B_l|, in the model's own units
    angular distance     arccos(cos(B_i, B_j)) / pi, 0 to 1, of every block (i, j); Gromov et al., "The Unreasonable
                         Ineffectiveness of the Deeper Layers", https://arxiv.org/abs/2403.17887 (there: last token)

A neuron is one element of the input of a layer's down projection. Cost: the forward pass without the language head plus
about 10 %. Memory in addition to the model: the boundaries of one batch, B * T * (N + 1) * D elements of the model's
dtype, and about 100 bytes per neuron.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.inference.forward_hooks import DownProjections, Passes
from engine.inference.running_statistics import ACTIVE_ABOVE, LOG2_HIGH, LOG2_LOW, BoundarySums, NeuronSums
from engine.inference.sequences import Sequences, in_batches, require_fit
from engine.inference.tokenizer import contexts
from engine.protocol import Report
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

_NOT_ALL_TOKENS = "not every token goes through the module that is known as a down projection"


@dataclass(frozen=True, slots=True)
class LayerFigures:
    """Effect of a layer on the residual stream; means over all tokens, formulas in the module's docstring."""

    layer: int
    block_influence: float
    relative_update: float
    update_norm: float
    input_norm: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Histogram of log2 |x| of a layer's activations, with bins of equal width."""

    low: float
    """Lower edge of the first bin in octaves. The bin also counts smaller values, zeros included."""
    high: float
    """Upper edge of the last bin in octaves. The bin also counts larger values."""
    counts: list[int]


@dataclass(frozen=True, slots=True)
class NeuronFigures:
    """Statistics of a layer's neurons: columns of equal length, one entry for each neuron."""

    modules: tuple[str, ...]
    """Down projections whose inputs are the neurons; neurons are numbered across them in this order."""
    left_out: str
    """Reason why some or all neurons of the layer are missing; "" if all are recorded."""
    count: int
    """Number of tokens."""
    mean: "array[float]"
    variance: "array[float]"
    """Population variance."""
    peak: "array[float]"
    """Activation of largest magnitude, with its sign."""
    peak_sequence: "array[int]"
    """Index of the sequence with the peak; -1, like the position, if the neuron was always 0."""
    peak_position: "array[int]"
    """Index of the peak's token in its sequence."""
    peak_context: list[str]
    """Text around that token, at most 60 characters; "" without a tokenizer."""
    share_active: "array[float]"
    """Share of tokens at which the magnitude is above `Profile.active_above`."""
    histogram: Histogram | None
    """Histogram over all neurons; None if no neuron is recorded."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Result of one pass over a text."""

    layers: tuple[LayerFigures, ...]
    neurons: tuple[NeuronFigures, ...]
    """Statistics per layer; empty columns if a layer's neurons cannot be recorded."""
    angular_distance: dict[tuple[int, int], float]
    """Mean angular distance of every block (i, j), 0 <= i < j <= N."""
    active_above: float
    sequences: int
    tokens: int
    """Number of text tokens; the tokenizer's special tokens are not counted."""
    batch_size: int
    """Final batch size; smaller than requested if memory ran out."""


def profile_model(model: Any, tokenizer: Any, sequences: Sequences, batch_size: int, report: Report) -> Profile:
    """Profile `model` on `sequences`; `tokenizer` (or None) decodes the text around peaks.

    Raises CheckpointError if a layer computes NaN or infinity or the model is not supported, UsageError if the
    sequences are longer than its context, MachineError if the memory does not suffice for one sequence.
    """
    require_fit(model, sequences.tokens)
    passes = Passes(model, sequences)
    total = len(sequences)

    def one_batch(start: int, batch: Sequences) -> None:
        report(start, total, "sequences profiled")
        passes.add(start, batch)

    with torch_library().inference_mode():
        used = in_batches(sequences, batch_size, one_batch)
        report(total, total, "sequences profiled")
        return Profile(
            layers=_layer_figures(passes.sums.boundaries),
            neurons=_neuron_figures(passes, tokenizer, sequences),
            angular_distance=_angular_distance(passes.sums.boundaries),
            active_above=ACTIVE_ABOVE,
            sequences=total,
            tokens=int(sequences.is_text.sum()),
            batch_size=used,
        )


def _layer_figures(sums: BoundarySums) -> tuple[LayerFigures, ...]:
    means = [(each / sums.count).tolist() for each in (sums.influence, sums.relative, sums.update, sums.norm[:-1])]
    return tuple(LayerFigures(layer, *figures) for layer, figures in enumerate(zip(*means, strict=True)))


def _angular_distance(sums: BoundarySums) -> dict[tuple[int, int], float]:
    means = (sums.angle / sums.count).tolist()
    return {(i, j): row[j] for i, row in enumerate(means) for j in range(i + 1, len(row))}


def _neuron_figures(passes: Passes, tokenizer: Any, sequences: Sequences) -> tuple[NeuronFigures, ...]:
    neuron_sums = list(passes.neuron_sums())
    places = [*sequences.is_text.flatten().nonzero().flatten().tolist(), -1]  # -1 maps to -1
    peaks = [[places[token] for token in _peak_tokens(layer)] for layer in neuron_sums]
    texts = _texts(tokenizer, sequences.tokens, peaks)
    return tuple(
        _layer_neurons(projections, layer, tokens, texts, sequences.seq_len)
        for projections, layer, tokens in zip(passes.projections, neuron_sums, peaks, strict=True)
    )


def _peak_tokens(layer: Mapping[str, NeuronSums]) -> list[int]:
    """Return the index of each neuron's peak among all text tokens."""
    tokens: list[int] = _joined([sums.peak_token for sums in layer.values()]).long().tolist()
    return tokens


def _texts(tokenizer: Any, sequences: "torch.Tensor", peaks: Sequence[Sequence[int]]) -> dict[int, str]:
    """Return excerpts by index of the token."""
    if tokenizer is None:
        return {}
    return contexts(tokenizer, sequences, {token for layer in peaks for token in layer if token >= 0})


def _layer_neurons(
    projections: DownProjections,
    neuron_sums: Mapping[str, NeuronSums],
    peaks: Sequence[int],
    texts: Mapping[int, str],
    seq_len: int,
) -> NeuronFigures:
    sums = list(neuron_sums.values())
    count = sums[0].count if sums else 0
    return NeuronFigures(
        modules=tuple(neuron_sums),
        left_out=projections.left_out or ("" if len(neuron_sums) == len(projections.modules) else _NOT_ALL_TOKENS),
        count=count,
        mean=_column([each.mean for each in sums]),
        variance=_column([each.variance() for each in sums]),
        peak=_column([each.peak for each in sums]),
        peak_sequence=array("q", [token // seq_len if token >= 0 else -1 for token in peaks]),
        peak_position=array("q", [token % seq_len if token >= 0 else -1 for token in peaks]),
        peak_context=[texts.get(token, "") for token in peaks],
        share_active=_column([each.active / each.count for each in sums]),
        histogram=_histogram(sums),
    )


def _histogram(sums: Sequence[NeuronSums]) -> Histogram | None:
    if not sums:
        return None
    counts = [sum(bins) for bins in zip(*(each.histogram() for each in sums), strict=True)]
    return Histogram(LOG2_LOW, LOG2_HIGH, counts)


def _column(parts: Sequence["torch.Tensor"]) -> "array[float]":
    return array("d", _joined(parts).double().tolist())


def _joined(parts: Sequence["torch.Tensor"]) -> "torch.Tensor":
    joined: torch.Tensor = torch_library().cat(list(parts)) if parts else torch_library().empty(0)
    return joined
