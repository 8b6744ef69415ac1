"""How busy the devices are that jobs run on; looked at now and then, while that is on the screen."""

from collections.abc import Iterable
from functools import partial

from rich.text import Text
from textual import on
from textual.message import Message
from textual.widgets import Static

from dlec_tui.jobs.devices import Ticks, devices_text, ticks
from engine.jobs.slots import Slot

LOOK_SECONDS = 2.0
"""Between two looks at the devices."""


class DeviceLine(Static):
    """Takes no room while nothing runs: an idle screen sends nothing."""

    DEFAULT_CSS = """
    DeviceLine {
        height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; display: none;
    }
    DeviceLine.-running { display: block; }
    """

    class Seen(Message):
        """What the devices do."""

        def __init__(self, text: str, now: Ticks | None) -> None:
            super().__init__()
            self.text = text
            self.now = now

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._slots: frozenset[Slot] = frozenset()
        self._before: Ticks | None = None
        self._text = ""
        self._is_looking = False

    def on_mount(self) -> None:
        self.set_interval(LOOK_SECONDS, self._look)

    def on_show(self) -> None:
        self._look()

    def watch_slots(self, slots: Iterable[Slot]) -> None:
        """Those in which jobs run."""
        self._slots = frozenset(slots)
        self.set_class(bool(self._slots), "-running")

    def _look(self) -> None:
        if self._slots and self.is_on_screen and not self._is_looking:
            self._is_looking = True
            look = partial(self._read, self._slots, self._before)
            self.run_worker(look, group="devices", thread=True)

    def _read(self, slots: frozenset[Slot], before: Ticks | None) -> None:
        """In a thread: a driver may take its time."""
        try:
            now = ticks()
            self.post_message(self.Seen(devices_text(slots, before, now), now))
        finally:
            self._is_looking = False

    @on(Seen)
    def _show(self, event: Seen) -> None:
        event.stop()
        self._before = event.now
        if event.text != self._text:
            self._text = event.text
            self.update(Text(event.text, no_wrap=True))
