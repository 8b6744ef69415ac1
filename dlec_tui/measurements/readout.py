"""What stands under the measurements: the figures at the cursor, what is marked, and on what it was measured."""

from collections.abc import Iterator, Sequence

from dlec_tui.measurements.heat import LEVELS, Block
from dlec_tui.measurements.looking import Looking
from dlec_tui.measurements.marks import Marks, in_words, marks_text, short
from dlec_tui.measurements.neuron_text import neuron_details
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import packed
from engine.errors import shown
from engine.store.neurons import NeuronStatistics


def of_layer(looking: Looking, layer: int) -> Iterator[str]:
    """The value of each metric there, the drawn ones first."""
    yield f"layer {layer} of 0 to {looking.model.layers - 1}"
    for curve, block, value in looking.values_at(layer):
        where = f" ({short(block)})" if curve.width > 1 else ""
        yield f"{curve.name}{where} {value:.4g}"


def of_block(looking: Looking, block: Block) -> Iterator[str]:
    """The value of each map there, the drawn one first."""
    drawn = looking.block_map
    yield f"{short(block)}: {in_words(block)}"
    if drawn is None:
        return
    level = drawn.level(block)
    for each in (drawn, *(other for other in looking.measured.maps if other is not drawn)):
        value = each.values.get(block)
        heat = f", level {level} of 0 to {LEVELS - 1}" if each is drawn and level is not None else ""
        yield f"{each.name} not measured" if value is None else f"{each.name} {value:.4g}{heat}"


def of_histogram(looking: Looking, layer: int) -> Iterator[str]:
    """Which layer it is, and how many have one."""
    yield f"layer {layer} of 0 to {looking.model.layers - 1}"


def of_neuron(neuron: NeuronStatistics | None) -> Iterator[str]:
    """All that is known of the neuron under the cursor."""
    if neuron is None:
        yield "no neuron"
    else:
        yield from neuron_details(neuron)


def of_marks(marks: Marks) -> str:
    """What is marked, and what can be done with it."""
    if not marks:
        return "Space marks what is under the cursor"
    return f"{GLYPHS.mark} marked: {marks_text(marks)}; a puts them into the plan"


def of_text(looking: Looking) -> str:
    """What the figures were measured on, and whether there is more."""
    others = len(looking.model.texts) - 1
    more = "; t: another" if others else ""
    return f"on {shown(looking.measured.text)}{more}"


def fitted(parts: Sequence[str], width: int, height: int) -> list[str]:
    """A line for each part where there is room for that, else as many on a line as fit."""
    if len(parts) <= height:
        return list(parts)
    return packed(parts, f" {GLYPHS.dot} ", width, height)
