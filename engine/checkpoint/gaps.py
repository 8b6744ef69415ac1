"""Tensors that a checkpoint seems to have lost: names and shapes of its layers are compared.

Used if transformers cannot check it. Only what hardly any architecture does by design is called lost: one layer that
lacks, or has in another shape, what all others of its kind have; and a head that neither exists nor is tied.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from engine.checkpoint.anatomy import End, is_output_head, is_token_embedding
from engine.checkpoint.attention import attention_of
from engine.checkpoint.checkpoint import Checkpoint

_FEWEST_ALIKE = 3
"""Layers that have a tensor, for one that lacks it to be odd."""
_MOST_ODD_SHAPES = 2
"""A layer with more tensors of other shapes was made so: pruning gives each layer its own widths."""
_WITH_HEAD = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "ForImageTextToText")


class Gap(NamedTuple):
    """A tensor that is not there, or not in the shape that it has in the other layers."""

    layer: int | None
    """None outside the layers."""
    name: str
    shape: tuple[int, ...] | None = None
    """Its shape; None for a tensor that is not there."""
    usual: tuple[int, ...] | None = None


@lru_cache(maxsize=8)
def gaps_in(checkpoint: Checkpoint) -> tuple[Gap, ...]:
    """Everything that seems to be lost, those outside the layers first."""
    gaps = [*_lost_ends(checkpoint)]
    for layers in _alike(checkpoint):
        gaps += [*_lost_tensors(checkpoint, layers), *_odd_shapes(checkpoint, layers)]
    return tuple(gaps)


def _lost_ends(checkpoint: Checkpoint) -> Iterator[Gap]:
    anatomy = checkpoint.anatomy
    if not anatomy.names_of_end(End.EMBEDDING) and not any(_is_embedding(checkpoint, name) for name in anatomy.ends):
        yield Gap(None, ".".join(filter(None, [anatomy.parent, "embed_tokens.weight"])))
    if _wants_head(checkpoint) and not any(_is_head(checkpoint, name) for name in anatomy.ends):
        yield Gap(None, "lm_head.weight")


def _wants_head(checkpoint: Checkpoint) -> bool:
    """Only where the config says so: what it leaves out is the family's to decide."""
    named = checkpoint.config.data.get("architectures")
    classes = named if isinstance(named, list) else []
    return checkpoint.config.ties_embeddings is False and any(str(each).endswith(_WITH_HEAD) for each in classes)


def _is_embedding(checkpoint: Checkpoint, name: str) -> bool:
    """Under a name that is not usual: a matrix with a row for each token."""
    return _has_vocabulary(checkpoint, name) and not is_output_head(name)


def _is_head(checkpoint: Checkpoint, name: str) -> bool:
    """Return True if the tensor is a language head: by name, or as a vocabulary-sized matrix besides the embeddings."""
    return is_output_head(name) or (_has_vocabulary(checkpoint, name) and not is_token_embedding(name))


def _has_vocabulary(checkpoint: Checkpoint, name: str) -> bool:
    shape = checkpoint.tensors[name].shape
    return len(shape) == 2 and shape[0] == checkpoint.config.decoder.get("vocab_size")


def _alike(checkpoint: Checkpoint) -> Iterator[list[int]]:
    """Layers of each kind, as far as the config distinguishes them; kinds with too few to compare are skipped."""
    attention = attention_of(checkpoint.config)
    kinds: Sequence[str] = attention.kinds if attention else [""] * checkpoint.layer_count
    groups: dict[str, list[int]] = defaultdict(list)
    for layer, kind in enumerate(kinds):
        groups[kind].append(layer)
    yield from (layers for layers in groups.values() if len(layers) > _FEWEST_ALIKE)


def _lost_tensors(checkpoint: Checkpoint, layers: Sequence[int]) -> Iterator[Gap]:
    held = {layer: frozenset(checkpoint.anatomy.layers[layer]) for layer in layers}
    counts = Counter(held.values())
    common = [suffixes for suffixes, count in counts.most_common() if count >= _FEWEST_ALIKE]
    for layer, suffixes in held.items():
        whole = next((each for each in common if suffixes < each), None)
        if counts[suffixes] == 1 and whole is not None and not _is_an_end_by_design(checkpoint, layer, suffixes, whole):
            yield from (
                Gap(layer, checkpoint.anatomy.layer_tensor(layer, suffix)) for suffix in sorted(whole - suffixes)
            )


def _is_an_end_by_design(checkpoint: Checkpoint, layer: int, held: frozenset[str], whole: frozenset[str]) -> bool:
    """The first and the last layer may lack whole modules (a norm that the embeddings have already), and parameters
    that replace the output of the layer before."""
    modules = {suffix.partition(".")[0] for suffix in held}
    is_end = layer in (0, checkpoint.layer_count - 1)
    return is_end and any(
        suffix.partition(".")[0] not in modules or not suffix.endswith(".weight") for suffix in whole - held
    )


def _odd_shapes(checkpoint: Checkpoint, layers: Sequence[int]) -> Iterator[Gap]:
    odd: dict[int, list[Gap]] = defaultdict(list)
    for suffix in checkpoint.anatomy.layers[layers[0]]:
        names = {layer: checkpoint.anatomy.layer_tensor(layer, suffix) for layer in layers}
        if all(name in checkpoint.tensors for name in names.values()):
            shapes = {layer: checkpoint.tensors[name].shape for layer, name in names.items()}
            for layer, usual in _odd_ones(shapes):
                odd[layer].append(Gap(layer, names[layer], shapes[layer], usual))
    for gaps in odd.values():
        if len(gaps) <= _MOST_ODD_SHAPES:
            yield from gaps


def _odd_ones(shapes: dict[int, tuple[int, ...]]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """A layer whose shape is like no other's where all others' are one, and that shape."""
    counts = Counter(shapes.values()).most_common()
    if len(counts) == 2 and counts[1][1] == 1 and counts[0][1] >= _FEWEST_ALIKE:
        yield from ((layer, counts[0][0]) for layer, shape in shapes.items() if shape == counts[1][0])
