"""The slices of a plan, a line each; of 500 only those in view are put into words."""

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from dlec_tui.jobs.lines import Span
from dlec_tui.plans.slice_lines import HEADER, SliceRow, slice_line
from dlec_tui.widgets.line_list import LineList

NOTHING = """\
No slices yet.

N   make a plan with a recipe
a   add the first slice
o   open a plan from a file
v   write the text"""


class SliceList(LineList[SliceRow], inherit_bindings=False):
    """The cursor stays on its place. g is the pane's, for generating; Home goes to the first line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding, key="home") if isinstance(binding, Binding) and binding.id == "lines.first" else binding
        for binding in LineList.BINDINGS
    ]

    def key_of(self, item: SliceRow) -> int:
        return item.number

    def line_of(self, item: SliceRow) -> list[Span]:
        return slice_line(item, self.width)

    def header(self) -> str:
        return HEADER[: self.width]

    def otherwise(self) -> str:
        return NOTHING
