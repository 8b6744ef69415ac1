"""Neurons as text: a line of the table, and all that is known of one."""

import math
from collections.abc import Iterator

from dlec_tui.measurements.neuron_filter import conditions_from, in_words
from dlec_tui.measurements.neurons import NeuronView
from dlec_tui.terminal.glyphs import GLYPHS
from engine.errors import escaped
from engine.store.neurons import NeuronOrder, NeuronStatistics

_COLUMNS = (
    ("layer", 6, NeuronOrder.LAYER),
    ("neuron", 8, None),
    ("peak", 9, NeuronOrder.PEAK),
    ("mean", 8, NeuronOrder.MEAN),
    ("variance", 10, NeuronOrder.VARIANCE),
    ("active", 8, NeuronOrder.SHARE_ACTIVE),
    ("count", 8, NeuronOrder.COUNT),
)
"""Title, width, and the order that it stands for; the text around the peak follows."""
_LARGE, _HUGE = 1000, 1e6
"""Between them numbers are written out."""


def header_line(view: NeuronView, width: int) -> str:
    """The titles, with an arrow at the one that rows are sorted by."""
    arrow = GLYPHS.down if view.descending else GLYPHS.up
    titles = (f"{title}{arrow if order is view.order else ''}".rjust(wide) for title, wide, order in _COLUMNS)
    return f"{''.join(titles)}  peaks at"[:width]


def neuron_line(neuron: NeuronStatistics, width: int) -> str:
    """One line of the table."""
    figures = (
        str(neuron.layer),
        f"{neuron.neuron:,}",
        figure(neuron.peak),
        figure(neuron.mean),
        figure(neuron.variance),
        share(neuron.share_active),
        f"{neuron.count:,}",
    )
    cells = "".join(text.rjust(wide) for text, (_, wide, _) in zip(figures, _COLUMNS, strict=True))
    return f"{cells}  {escaped(neuron.peak_context)}"[:width]


def otherwise(view: NeuronView) -> tuple[str, ...]:
    """What stands there when a view has no rows."""
    if not view.wanted:
        return ("No neurons: this profile has none.",)
    found = tuple(in_words(conditions_from(view.wanted)))
    return ("No neuron meets all of this:", *(f"  {each}" for each in found), "", "/ Ctrl+U Enter shows all neurons.")


def neuron_details(neuron: NeuronStatistics) -> Iterator[str]:
    """Its statistics, and where it peaked."""
    deviation = math.sqrt(neuron.variance) if neuron.variance >= 0 else math.nan
    yield (
        f"layer {neuron.layer}, neuron {neuron.neuron:,}: peak {figure(neuron.peak)}, "
        f"mean {figure(neuron.mean)} ± {figure(deviation)}, "
        f"active {share(neuron.share_active)} of {neuron.count:,}"
    )
    if neuron.peak_sequence >= 0:
        where = f"sequence {neuron.peak_sequence}, token {neuron.peak_position}"
        yield f"peaked at {where}: {escaped(neuron.peak_context)}"


def figure(number: float) -> str:
    """Three digits, or all of a large number; nothing for what is not known."""
    if math.isnan(number):
        return ""
    return f"{number:,.0f}" if _LARGE <= abs(number) < _HUGE else f"{number:.3g}"


def share(number: float) -> str:
    """A share as percent: "12.3 %"."""
    return "" if math.isnan(number) else f"{100 * number:.1f} %"
