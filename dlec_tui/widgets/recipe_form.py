"""Asks for the options of a recipe, or of a new slice; each with what it means."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.events import DescendantFocus
from textual.widgets import Static

from dlec_tui.measurements.fields import Field, Values
from dlec_tui.widgets.measure_form import MeasureForm


class RecipeForm(MeasureForm):
    """Gives the values of all fields, or None when it was left with Esc."""

    HINT: ClassVar[str] = "Enter makes it, Tab goes to the next field, Esc leaves it"
    DEFAULT_CSS = """
    RecipeForm #about { color: $text-muted; margin-bottom: 1; }
    RecipeForm #field-about { height: 2; margin-top: 1; }
    """

    def __init__(self, title: str, about: str, fields: Sequence[Field], check: Callable[[Values], object]) -> None:
        """check: raises DlecError for values that cannot be used."""
        super().__init__(title, fields, check)
        self._about = about

    def on_mount(self) -> None:
        box = self.query_one(".box")
        box.mount(Static(self._about, id="about", markup=False), before=0)
        box.mount(Static(id="field-about", markup=False), before="#wrong")

    @on(DescendantFocus)
    def _tell(self, event: DescendantFocus) -> None:
        """What the field means that has the focus."""
        about = next((field.about for field in self._fields if event.widget.id == f"field-{field.name}"), "")
        self.query_one("#field-about", Static).update(about)
