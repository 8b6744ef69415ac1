"""The plans that were marked to be merged together."""

from collections.abc import Sequence

from dlec_tui.batches.lines import BatchItem, batch_line
from dlec_tui.jobs.lines import Span
from dlec_tui.widgets.line_list import LineList

NOTHING = """\
No plans are marked.
a adds files, names or patterns; b in the plan pane
adds the plan that is edited there."""


class BatchList(LineList[BatchItem]):
    """In the order in which they go."""

    def show(self, items: Sequence[BatchItem]) -> None:
        self.put(items)

    def key_of(self, item: BatchItem) -> str:
        return str(item.target.plan)

    def line_of(self, item: BatchItem) -> list[Span]:
        return batch_line(item, self.items.index(item) + 1, self.width)

    def header(self) -> str:
        return "    plan"

    def otherwise(self) -> str:
        return NOTHING
