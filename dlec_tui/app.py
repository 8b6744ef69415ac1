"""Bare `dlec`: what the store knows, on one screen. Reads the store and nothing else."""

from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher, Footer, Label, Static

from dlec_tui.panes.models import ModelsPane
from dlec_tui.stored import read_models
from dlec_tui.widgets.help import Help
from dlec_tui.wording import plural
from engine.errors import DlecError, shown

NOTHING = """\
Nothing has been measured yet. Leave with q, then type

  dlec demo            the whole loop on a small model, in some minutes
  dlec models          which models are here
  dlec profile MODEL   measure one of them"""


class Workbench(App[None]):
    """The screen over one store."""

    TITLE = "dlec"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - an instance variable in Textual
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next list", id="app.next"),
        Binding("c", "curves", "curves", id="app.curves"),
        Binding("r", "reload", "read again", id="app.reload"),
        Binding("question_mark,f1", "help", "help", key_display="?", id="app.help"),
        Binding("q", "quit", "quit", id="app.quit"),
    ]
    CSS = """
    #top { height: 1; background: $panel; padding: 0 1; }
    #what { width: 1fr; text-style: bold; }
    #where { width: auto; color: $text-muted; }
    #content { height: 1fr; }
    #nothing { padding: 1 2; }
    """

    def __init__(self, store: Path) -> None:
        super().__init__()
        self.store = store

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Label("dlec", id="what", markup=False)
            yield Label(shown(_short(self.store)), id="where", markup=False)
        with ContentSwitcher(initial="nothing", id="content"):
            yield Static("", id="nothing", markup=False)
            yield ModelsPane(id="models-pane")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.action_reload()

    def action_reload(self) -> None:
        """Read the store and show it; what stands in the way is shown in its place."""
        try:
            models = read_models(self.store)
        except DlecError as error:
            self._show_text(str(error))
            return
        plans = sum(len(model.results) for model in models)
        self.query_one("#what", Label).update(f"dlec  {plural(len(models), 'model')}, {plural(plans, 'result')}")
        if not models:
            self._show_text(NOTHING)
            return
        self.query_one(ContentSwitcher).current = "models-pane"
        self.query_one(ModelsPane).show(models)

    def action_curves(self) -> None:
        if self.query_one(ContentSwitcher).current == "models-pane":
            self.query_one(ModelsPane).next_curves()

    def action_help(self) -> None:
        self.push_screen(Help())

    def _show_text(self, text: str) -> None:
        self.query_one("#nothing", Static).update(text)
        self.query_one(ContentSwitcher).current = "nothing"


def _short(path: Path) -> str:
    """With ~ for the home directory."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
