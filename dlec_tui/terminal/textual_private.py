"""Everything that uses private parts of Textual and textual-serve: a release of either may change them.

tests/tui/terminal/test_textual_private.py checks each part against the installed version.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widgets import TextArea
from textual.widgets.text_area import Location, TextAreaTheme
from textual.worker import WorkerFailed

TRIED = ("8.2.8",)
"""Versions of Textual that the test suite passed with."""
PRIVATE_PARTS = (
    ("textual.message_pump", "MessagePump", "_dispatch_message"),
    ("textual.app", "App", "_handle_exception"),
    ("textual.screen", "Screen", "_get_breakpoint_classes"),
    ("textual.widgets", "TextArea", "_build_highlight_map"),
    ("textual.widgets", "TextArea", "_app_theme_changed"),
    ("textual.widgets", "TextArea", "_set_theme"),
    ("textual.widgets", "TextArea", "_replace_via_keyboard"),
    ("textual._xterm_parser", "XTermParser", "feed"),
)
"""Module, class and attribute of what this module calls or overrides."""
PRIVATE_STATE = (("App", "_driver"), ("App", "_clipboard"), ("TextArea", "_highlights"), ("TextArea", "_line_cache"))
"""Class and attribute of the instance state that this module uses."""

Highlight = tuple[int, int | None, str]
"""Start and end in bytes of the line, and the name of a style."""

_dispatch_message = MessagePump._dispatch_message


# Exceptions


def contain_exceptions() -> None:
    """Let every widget of this process continue with its next message after one has failed."""
    MessagePump._dispatch_message = _dispatch_contained  # type: ignore[method-assign,assignment]


async def _dispatch_contained(pump: MessagePump, message: Message) -> None:
    try:
        await _dispatch_message(pump, message)
    except Exception as error:
        pump.app._handle_exception(error)


class ContainedApp(App[str], inherit_bindings=False):
    """An app that an unexpected exception does not end once it is running."""

    has_started: bool = False
    """Whether the first screen is shown."""

    def unexpected(self, error: BaseException) -> None:
        """Report an exception of a handler, callback, timer or worker."""
        raise NotImplementedError

    def _handle_exception(self, error: Exception) -> None:
        if self.has_started:
            self.unexpected(error.error if isinstance(error, WorkerFailed) else error)
        else:
            super()._handle_exception(error)


# Terminal


def write_to_terminal(app: App[Any], text: str) -> None:
    """Write a control sequence between two frames."""
    if app._driver is not None:
        app._driver.write(text)
        app._driver.flush()


def set_local_clipboard(app: App[Any], text: str) -> None:
    """Set the text that widgets of the app paste."""
    app._clipboard = text


def breakpoint_classes(screen: Screen[Any], size: int, breakpoints: Sequence[tuple[int, str]]) -> list[str]:
    """CSS classes of the breakpoints for a width or height."""
    return list(screen._get_breakpoint_classes(size, list(breakpoints)))


def key_names(sent: str) -> list[str]:
    """Names of the keys for which a terminal sends these characters."""
    from textual._xterm_parser import XTermParser
    from textual.events import Key

    parser = XTermParser(False)
    events = [*parser.feed(sent), *parser.feed("")]
    return [event.key for event in events if isinstance(event, Key)]


async def web_application(server: Any) -> Any:
    """Web application of a textual-serve server."""
    return await server._make_app()


# Text area


class HighlightedTextArea(TextArea, inherit_bindings=False):
    """Text area that computes the highlights of a line when the line is drawn."""

    STYLES: ClassVar[tuple[str, ...]] = ()
    """Names of the styles of highlights; the component classes are `editor--NAME`."""

    def highlights_of(self, line: int) -> list[Highlight]:
        """Highlights of a line, counted from 0."""
        raise NotImplementedError

    def use_lazy_highlights(self) -> None:
        """Start to compute highlights lazily."""
        self._highlights = _LazyHighlights(self)
        self._app_theme_changed()

    def forget_highlights(self) -> None:
        """Compute all highlights again."""
        self._build_highlight_map()
        self.refresh()

    def type_text(self, text: str, start: Location, end: Location) -> None:
        """Replace a selection as if `text` had been typed."""
        self._replace_via_keyboard(text, start, end)

    def on_mount(self) -> None:
        self._app_theme_changed()
        self.theme = "plan"

    def _build_highlight_map(self) -> None:
        self._line_cache.clear()
        self._highlights.clear()

    def _app_theme_changed(self) -> None:
        if self.is_attached:
            styles = {name: self.get_component_rich_style(f"editor--{name}", partial=True) for name in self.STYLES}
            self.register_theme(TextAreaTheme("plan", syntax_styles=styles))
            self._set_theme("plan")
            self._line_cache.clear()


class _LazyHighlights(dict[int, list[Highlight]]):
    """Computes the highlights of a line on first access."""

    def __init__(self, editor: HighlightedTextArea) -> None:
        super().__init__()
        self._editor = editor

    def __bool__(self) -> bool:
        return True  # TextArea skips an empty mapping

    def __missing__(self, line: int) -> list[Highlight]:
        highlights = self[line] = self._editor.highlights_of(line)
        return highlights
