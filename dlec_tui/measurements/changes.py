"""Weight changes of a model: the map that is shown, its values as text, and the plan that takes marked cells back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from engine.checkpoint.reference import directory_name
from engine.comparison.change_map import Cell, ChangeMap, Quantity, Scale, change_map
from engine.errors import UsageError, shown
from engine.store.comparisons import Comparison, TensorDifference

LENSES = (
    (Quantity.RELATIVE, Scale.TYPE),
    (Quantity.RMS, Scale.TYPE),
    (Quantity.EXPECTED, Scale.TYPE),
    (Quantity.IDENTICAL, Scale.TYPE),
    (Quantity.RELATIVE, Scale.SHARED),
    (Quantity.RMS, Scale.SHARED),
)
"""Quantities and scales of the map, in the order of the key for the next one."""


def map_of(comparison: Comparison, lens: int) -> ChangeMap:
    """Return the map of a comparison through one of LENSES."""
    quantity, scale = LENSES[lens % len(LENSES)]
    return change_map(comparison.tensors, comparison.layers, quantity, scale)


_TITLES: Mapping[Quantity, str] = {
    Quantity.RELATIVE: "relative change",
    Quantity.RMS: "RMS of the change",
    Quantity.EXPECTED: "change against its median, log2",
    Quantity.IDENTICAL: "identical elements",
}


def map_title(comparison: Comparison, lens: int) -> str:
    """Return the title of the map."""
    quantity, scale = LENSES[lens % len(LENSES)]
    colours = "one scale" if scale is Scale.SHARED else "ranks in each row"
    ends = "" if quantity is Quantity.EXPECTED else f"; {colours}"
    return f"{_TITLES[quantity]} since {shown(directory_name(comparison.a_reference))}{ends}"


def cell_values(comparison: Comparison, cell: Cell | None) -> Iterator[str]:
    """Yield everything known of the tensors of a cell."""
    if cell is None:
        yield "nothing compared"
        return
    type_, layer = cell
    tensors = [tensor for tensor in comparison.tensors if (tensor.type, tensor.layer) == (type_, layer)]
    yield f"layer {layer}, {shown(type_)}"
    if not tensors:
        yield "not compared"
    elif len(tensors) > 1:
        yield from _pooled_values(tensors, comparison)
    else:
        yield from _values(tensors[0])


def _values(tensor: TensorDifference) -> Iterator[str]:
    source = "" if tensor.base_layer in (None, tensor.layer) else f"from layer {tensor.base_layer}"
    scale = "" if tensor.factor == 1 else f"scaled by {tensor.factor:g}"
    if origin := ", ".join(filter(None, (tensor.group, source, scale))):
        yield origin
    yield f"relative {_number(tensor.relative)}, rms {_number(tensor.rms)}"
    yield f"identical {tensor.identical:.2%}"
    yield f"largest {_number(tensor.max)}, cosine {_number(tensor.cosine)}, fit {_number(tensor.fit)}"
    yield f"sign flips {tensor.sign_flips:.3%}"
    if tensor.not_finite:
        yield f"NaN or infinite: {tensor.not_finite:,} elements"
    if tensor.stable_rank is not None and tensor.effective_rank is not None:
        yield f"stable rank {tensor.stable_rank:.1f}, effective rank {tensor.effective_rank:.0f}"


def _pooled_values(tensors: list[TensorDifference], comparison: Comparison) -> Iterator[str]:
    yield f"{len(tensors)} tensors together"
    for quantity in Quantity:
        value = change_map(tensors, comparison.layers, quantity).values.get((tensors[0].type, tensors[0].layer or 0))
        yield f"{quantity} {_number(value)}"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4g}"


def graft_text(reference: str, other: str, cells: Iterable[Cell]) -> str:
    """Return the plan that takes these cells of `other` into `reference`. Opens both by their headers.

    Raises UsageError if they do not fit, and the errors of opening them.
    """
    from engine.checkpoint.find import opener  # late: it imports what planning needs
    from engine.comparison.sides import Place
    from engine.plan.recipes.graft import write_cells

    open_checkpoint = opener()
    checkpoint = open_checkpoint(reference)
    types: dict[int, set[str]] = defaultdict(set)
    for type_, layer in cells:
        types[layer].add(type_)
    if any(layer >= checkpoint.layer_count for layer in types):
        raise UsageError(f"{shown(reference)} has {checkpoint.layer_count} layers", fix="Compare it again.")
    chosen = {
        layer: frozenset(
            suffix for suffix in checkpoint.anatomy.layers[layer] if Place(layer, suffix).type in types[layer]
        )
        for layer in types
    }
    return write_cells(checkpoint, open_checkpoint(other), chosen)
