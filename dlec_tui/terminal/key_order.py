"""Keys are handled one after the other, even if a slow connection delivers several in one read.

Textual forwards keys immediately: of "4x" the x would reach the pane that 4 leaves, and text typed ahead for a prompt
would be lost while the prompt is created.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from textual.app import ScreenStackError
from textual.events import Key, Paste
from textual.message_pump import MessagePump
from textual.worker import Worker

if TYPE_CHECKING:
    from dlec_tui.terminal.app import TerminalApp

QUIET_ROUNDS = 4
"""Idle rounds of the event loop before a key counts as handled; messages between widgets need one or two."""
ROUND_SECONDS = 0.002
"""Between two looks at whether a thread has answered."""
MOST_SECONDS = 10.0
"""Maximum time a key is held back for the action before it, so that no key is lost to one that never ends."""
ANSWER_SECONDS = 0.08
"""Maximum time a key is held back for a thread that decides what is shown next, such as one that reads a plan."""

Typed = Key | Paste


class KeyOrder:
    """Holds the keys typed into one app and releases them in order."""

    def __init__(self, app: "TerminalApp") -> None:
        self._app = app
        self._waiting: deque[Typed] = deque()
        self._task: asyncio.Task[None] | None = None
        self._released: list[Typed] = []
        """Released keys that the app has not received."""
        self._was_text = False
        """Whether the last key was a letter for a text field."""
        self._seen: WeakKeyDictionary[Worker[object], float] = WeakKeyDictionary()
        """Time at which each worker that keys wait for was first seen."""

    @property
    def is_idle(self) -> bool:
        """Whether everything that was typed has had its turn."""
        return not self._waiting and not self._released

    def holds(self, typed: Typed) -> bool:
        """Keep what was typed until its turn; False for what has its turn now."""
        if any(typed is each for each in self._released):
            self._released.remove(typed)
            return False
        self._waiting.append(typed)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._release())
        return True

    async def _release(self) -> None:
        with suppress(ScreenStackError):  # the screen is closing: discard the rest
            await self._release_all()

    async def _release_all(self) -> None:
        while self._waiting:
            if not (self._was_text and self._is_text(self._waiting[0])):
                await self._until_handled()
            typed = self._waiting.popleft()
            self._was_text = self._is_text(typed)
            self._released.append(typed)
            self._app.post_message(typed)

    def _is_text(self, typed: Typed) -> bool:
        """Whether it is a letter for the text field that has the focus: the next one has the same place."""
        field = self._app.focused
        return isinstance(typed, Key) and field is not None and field.check_consume_key(typed.key, typed.character)

    async def _until_handled(self) -> None:
        """Until all that was typed before has done what it does."""
        deadline, is_quiet = monotonic() + MOST_SECONDS, False
        while not is_quiet and monotonic() < deadline:
            for _ in range(QUIET_ROUNDS):
                await asyncio.sleep(0)
            is_quiet = self._is_quiet()
            if not is_quiet and self._is_answering():
                await asyncio.sleep(ROUND_SECONDS)

    def _is_quiet(self) -> bool:
        if self._released or self._app.is_handling or self._app.message_queue_size or self._is_answering():
            return False
        return all(not pump.message_queue_size and pump.is_running for pump in self._pumps())

    def _pumps(self) -> Iterator[MessagePump]:
        """Message pumps of the top screen."""
        yield self._app.screen
        yield from self._app.screen.walk_children()

    def _is_answering(self) -> bool:
        """Whether a thread is about to change what is seen."""
        now = monotonic()
        return any(
            worker.group in self._app.ANSWERING
            and not worker.is_finished
            and now - self._seen.setdefault(worker, now) < ANSWER_SECONDS
            for worker in self._app.workers
        )
