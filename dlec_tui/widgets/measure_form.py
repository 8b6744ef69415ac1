"""Asks how to measure: a field for each option."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from dlec_tui.measurements.fields import Field, Values
from dlec_tui.widgets.choice import Choice
from dlec_tui.widgets.overlay import Overlay
from engine.errors import DlecError


class MeasureForm(Overlay[Values | None]):
    """Gives the values of all fields, or None when it was left with Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "queue", id="form.submit"),
        Binding("down", "app.focus_next", "next field", id="form.next"),
        Binding("up", "app.focus_previous", "field before", id="form.before"),
        Binding("escape,ctrl+c", "dismiss(None)", "back", id="form.back"),
    ]
    DEFAULT_CSS = """
    MeasureForm Horizontal { height: 1; }
    MeasureForm .label { width: 20; color: $text-muted; }
    MeasureForm .hint { color: $text-muted; margin-top: 1; }
    MeasureForm #wrong { color: $error; display: none; }
    """
    HINT: ClassVar[str] = "Enter queues it, Tab goes to the next field, left and right choose, Esc leaves it"

    def __init__(self, title: str, fields: Sequence[Field], check: Callable[[Values], object]) -> None:
        """check: raises DlecError for values that cannot be used."""
        super().__init__()
        self._title, self._fields, self._check = title, fields, check

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box", can_focus=False) as box:
            box.border_title = self._title
            for field in self._fields:
                with Horizontal():
                    yield Static(field.label, classes="label", markup=False)
                    yield _widget_of(field)
            yield Static("", id="wrong", markup=False)
            yield Static(self.HINT, classes="hint", markup=False)

    @on(Input.Submitted)
    def action_submit(self) -> None:
        values = {field.name: _value_of(self.query_one(f"#field-{field.name}")) for field in self._fields}
        try:
            self._check(values)
        except DlecError as error:
            self.query_one("#wrong", Static).update(str(error))
            self.query_one("#wrong").display = True
        else:
            self.dismiss(values)


def _widget_of(field: Field) -> Widget:
    name = f"field-{field.name}"
    if field.choices:
        return Choice(field.choices, field.value, id=name)
    line = Input(field.value, id=name, compact=True, select_on_focus=True)
    line.cursor_blink = False  # an idle screen sends nothing
    return line


def _value_of(widget: Widget) -> str:
    assert isinstance(widget, Choice | Input)
    return widget.value
