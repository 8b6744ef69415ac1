"""Profiles a model: what one forward pass over a text tells of its layers and of their neurons.

S sequences of T tokens, in batches of B; N layers, D the hidden size, I the neurons of a layer. B_l is the residual
stream that enters layer l, B_N what the last one leaves. Means are over all tokens of text, not over the tokenizer's
marks, whose activations are often larger by orders of magnitude:

    block influence      1 - cos(B_l, B_l+1), 0 to 2; Men et al., "ShortGPT", https://arxiv.org/abs/2403.03853
    relative update      |B_l+1 - B_l| / |B_l|
    update norm          |B_l+1 - B_l|, in the model's own units
    input norm           |B_l|, in the model's own units
    angular distance     arccos(cos(B_i, B_j)) / pi, 0 to 1, of every block (i, j); Gromov et al., "The Unreasonable
                         Ineffectiveness of the Deeper Layers", https://arxiv.org/abs/2403.17887 (there: last token)

A neuron is one number of the input of a layer's down projection. Cost: the forward pass without the language head, and
about a tenth of it. Memory beside the model's own: the boundaries of one batch, B * T * (N + 1) * D numbers of the
model's dtype, and about 50 bytes for each neuron, twice.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.inference.capture import DownProjections, contexts
from engine.inference.passes import Passes
from engine.inference.profile_sums import ACTIVE_ABOVE, LOG2_HIGH, LOG2_LOW, BoundarySums, NeuronSums
from engine.inference.sequences import Sequences, in_batches, require_fit
from engine.protocol import Report
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

_NOT_HEARD = "not every token goes through the module that is known as a down projection"


@dataclass(frozen=True, slots=True)
class LayerFigures:
    """What a layer does to the residual stream; means over all tokens, see the module's text for formulas."""

    layer: int
    block_influence: float
    relative_update: float
    update_norm: float
    input_norm: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often log2 |x| of a layer's activations fell into each of equally wide bins."""

    low: float
    """Where the first bin begins, in octaves. It also counts everything smaller, zeros included."""
    high: float
    """Where the last bin ends. It also counts everything larger."""
    counts: list[int]


@dataclass(frozen=True, slots=True)
class NeuronFigures:
    """Statistics of a layer's neurons: columns of equal length, one entry for each neuron."""

    modules: tuple[str, ...]
    """The down projections whose inputs they are; neurons are counted through them one after another."""
    left_out: str
    """Why some or all neurons of the layer are not among them; "" when all are."""
    count: int
    """Tokens that each neuron saw."""
    mean: "array[float]"
    variance: "array[float]"
    """Of the population."""
    peak: "array[float]"
    """The activation of largest magnitude, with its sign."""
    peak_sequence: "array[int]"
    """-1, like the position, where the neuron was always 0."""
    peak_position: "array[int]"
    """Of the token at which the peak occurred, in its sequence."""
    peak_context: list[str]
    """The text around that token, at most 60 characters; "" without a tokenizer."""
    share_active: "array[float]"
    """Share of tokens at which the magnitude is above `Profile.active_above`."""
    histogram: Histogram | None
    """Of all neurons together; None where none is recorded."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What one pass over a text tells of a model."""

    layers: tuple[LayerFigures, ...]
    neurons: tuple[NeuronFigures, ...]
    """One for each layer; empty columns where a layer's neurons cannot be recorded."""
    angular_distance: dict[tuple[int, int], float]
    """Of every block (i, j), 0 <= i < j <= N."""
    active_above: float
    sequences: int
    tokens: int
    """Number of text tokens; the tokenizer's special tokens are not counted."""
    batch_size: int
    """What was used in the end: less than asked for where the memory did not suffice."""


def profile_model(model: Any, tokenizer: Any, sequences: Sequences, batch_size: int, report: Report) -> Profile:
    """Profile `model` on `sequences`; `tokenizer` (or None) gives the text around peaks.

    Raises CheckpointError when a layer computes NaN or infinity (named) or the model is not understood, UsageError when
    the sequences are longer than its context, MachineError when the memory does not suffice for one sequence.
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
    heard = list(passes.neuron_sums())
    places = [*sequences.is_text.flatten().nonzero().flatten().tolist(), -1]  # -1 stays what it is
    peaks = [[places[token] for token in _peak_tokens(layer)] for layer in heard]
    texts = _texts(tokenizer, sequences.tokens, peaks)
    return tuple(
        _layer_neurons(projections, layer, tokens, texts, sequences.seq_len)
        for projections, layer, tokens in zip(passes.projections, heard, peaks, strict=True)
    )


def _peak_tokens(layer: Mapping[str, NeuronSums]) -> list[int]:
    """Token at which each neuron peaks, counted through all text tokens."""
    tokens: list[int] = _joined([sums.peak_token for sums in layer.values()]).long().tolist()
    return tokens


def _texts(tokenizer: Any, sequences: "torch.Tensor", peaks: Sequence[Sequence[int]]) -> dict[int, str]:
    """By token."""
    if tokenizer is None:
        return {}
    return contexts(tokenizer, sequences, {token for layer in peaks for token in layer if token >= 0})


def _layer_neurons(
    projections: DownProjections,
    heard: Mapping[str, NeuronSums],
    peaks: Sequence[int],
    texts: Mapping[int, str],
    seq_len: int,
) -> NeuronFigures:
    sums = list(heard.values())
    count = sums[0].count if sums else 0
    return NeuronFigures(
        modules=tuple(heard),
        left_out=projections.left_out or ("" if len(heard) == len(projections.modules) else _NOT_HEARD),
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
