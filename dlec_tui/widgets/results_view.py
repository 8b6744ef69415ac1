"""What was measured of a plan: all of it where there is room, else as much as one line holds."""

from collections.abc import Sequence

from textual.events import Resize

from dlec_tui.jobs.lines import Span
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.widgets.facts_view import FactsView
from dlec_tui.wording import clipped


class ResultsView(FactsView):
    """Lines with tones, of which the first is the most important."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._every: tuple[Span, ...] = ()

    def show(self, lines: Sequence[Span]) -> None:
        self._every = tuple(lines)
        self._fit()

    def on_resize(self, _event: Resize) -> None:
        self._fit()

    def _fit(self) -> None:
        super().show(self._every if self.size.height > 1 else self._in_one_line())

    def _in_one_line(self) -> list[Span]:
        joined = f" {GLYPHS.dot} ".join(" ".join(text.split("\n")) for text, _ in self._every)
        return [(clipped(joined, self.size.width), tone) for _, tone in self._every[:1]]
