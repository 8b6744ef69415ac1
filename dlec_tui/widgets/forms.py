"""Forms: one field for each option."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Input, Static

from dlec_tui.measurements.requests import Field, Values
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.widgets.dialogs import Overlay
from engine.errors import DlecError


class Choice(Static, can_focus=True):
    """Shows the word that is chosen, and how many others there are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "next(1)", "next value", show=False, id="choice.next"),
        Binding("left,h", "next(-1)", "previous value", show=False, id="choice.before"),
    ]
    DEFAULT_CSS = """
    Choice { height: 1; }
    Choice:focus { color: $accent; text-style: bold; }
    """

    def __init__(self, choices: Sequence[str], value: str, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._choices = tuple(choices)
        self.value = value
        """The one that is chosen."""

    def on_mount(self) -> None:
        self.action_next(0)

    def action_next(self, by: int) -> None:
        at = (self._choices.index(self.value) + by) % len(self._choices)
        self.value = self._choices[at]
        line = GLYPHS.dot.join(f" {'[' + each + ']' if each == self.value else each} " for each in self._choices)
        self.update(line.strip())


class MeasureForm(Overlay[Values | None]):
    """Gives the values of all fields, or None when it was left with Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "queue", id="form.submit"),
        Binding("down", "app.focus_next", "next field", id="form.next"),
        Binding("up", "app.focus_previous", "previous field", id="form.before"),
        Binding("escape,ctrl+c", "dismiss(None)", "back", id="form.back"),
    ]
    DEFAULT_CSS = """
    MeasureForm Horizontal { height: 1; }
    MeasureForm .label { width: 20; color: $text-muted; }
    MeasureForm .hint { color: $text-muted; margin-top: 1; }
    MeasureForm #wrong { color: $error; display: none; }
    """
    HINT: ClassVar[str] = "Enter: queue   Tab: next field   Left/Right: change   Esc: cancel"

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


class RecipeForm(MeasureForm):
    """Gives the values of all fields, or None when it was left with Esc."""

    HINT: ClassVar[str] = "Enter: create   Tab: next field   Left/Right: change   Esc: cancel"
    DEFAULT_CSS = """
    RecipeForm #about { color: $text-muted; margin-bottom: 1; }
    RecipeForm #field-about { height: 2; margin-top: 1; }
    """

    def __init__(
        self, title: str, explanation: str, fields: Sequence[Field], check: Callable[[Values], object]
    ) -> None:
        """check: raises DlecError for values that cannot be used."""
        super().__init__(title, fields, check)
        self._explanation = explanation

    def on_mount(self) -> None:
        box = self.query_one(".box")
        box.mount(Static(self._explanation, id="about", markup=False), before=0)
        box.mount(Static(id="field-about", markup=False), before="#wrong")

    @on(DescendantFocus)
    def _tell(self, event: DescendantFocus) -> None:
        """Show the explanation of the focused field."""
        explanation = next(
            (field.explanation for field in self._fields if event.widget.id == f"field-{field.name}"), ""
        )
        self.query_one("#field-about", Static).update(explanation)
