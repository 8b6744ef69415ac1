"""Keys act one after the other, each where the one before it has led, however bunched a slow line delivers them.

Textual hands keys on at once: of "4x" the x would reach the pane that 4 is about to leave, and what is typed ahead into
a prompt would be lost while the prompt is being made.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from textual.events import Key, Paste
from textual.message_pump import MessagePump
from textual.worker import Worker

if TYPE_CHECKING:
    from dlec_tui.terminal.app import TerminalApp

QUIET_ROUNDS = 4
"""Of the event loop, in which nobody has a message left; what is handed on between two messages needs one or two."""
MOST_SECONDS = 10.0
"""That a key is kept for what the one before it has begun: no key is lost to something that never ends."""
ANSWER_SECONDS = 0.08
"""That it is kept for a thread which decides what is seen next, such as the one that reads a plan which was opened."""

Typed = Key | Paste


class KeyOrder:
    """Of one app: takes what is typed, and gives it back when its turn has come."""

    def __init__(self, app: "TerminalApp") -> None:
        self._app = app
        self._waiting: deque[Typed] = deque()
        self._task: asyncio.Task[None] | None = None
        self._released: Typed | None = None
        self._seen: WeakKeyDictionary[Worker[object], float] = WeakKeyDictionary()
        """When each worker was seen first that keys wait for."""

    @property
    def is_idle(self) -> bool:
        """Whether everything that was typed has had its turn."""
        return not self._waiting and self._released is None

    def holds(self, typed: Typed) -> bool:
        """Keep what was typed until its turn; False for what has its turn now."""
        if typed is self._released:
            self._released = None
            return False
        self._waiting.append(typed)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._release())
        return True

    async def _release(self) -> None:
        while self._waiting:
            await self._until_handled()
            self._released = self._waiting.popleft()
            self._app.post_message(self._released)
            await asyncio.sleep(0)

    async def _until_handled(self) -> None:
        """Until all that was typed before has done what it does."""
        deadline, quiet = monotonic() + MOST_SECONDS, 0
        while quiet < QUIET_ROUNDS and monotonic() < deadline:
            quiet = quiet + 1 if self._is_quiet() else 0
            await asyncio.sleep(0 if quiet or not self._is_answering() else 0.002)

    def _is_quiet(self) -> bool:
        if self._released is not None or self._app.is_handling or self._is_answering():
            return False
        return all(not pump.message_queue_size and pump.is_running for pump in self._pumps())

    def _pumps(self) -> Iterator[MessagePump]:
        """The app, and what the screen on top consists of."""
        yield self._app
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
