"""A tmux of our own, as it comes: nobody's settings, on a socket of its own."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import join

from tests.terminal.ptys import DEADLINE, POLL


class Tmux:
    """A server with one session; to be ended by its socket."""

    def __init__(self, socket: Path, environment: Mapping[str, str]) -> None:
        self.command = ["tmux", "-S", str(socket), "-f", os.devnull]
        """That begins every question to it."""
        self.environment = environment

    def open(self, command: Sequence[str], directory: Path, columns: int = 80, rows: int = 24) -> None:
        """Have a session with one process, and nobody attached."""
        size = ["-x", str(columns), "-y", str(rows)]
        stays = [";", "set-option", "remain-on-exit", "on"]  # so that a test which fails shows the last words
        self.ask("new-session", "-d", *size, "-c", str(directory), join(command), *stays)

    def ask(self, *words: str) -> str:
        done = subprocess.run([*self.command, *words], env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def press(self, *keys: str) -> None:
        """As tmux names them: Enter, C-p, F1, S-Up."""
        self.ask("send-keys", *keys)

    def type(self, text: str) -> None:
        self.ask("send-keys", "-l", text)

    @property
    def screen(self) -> str:
        return self.ask("capture-pane", "-p")

    def wait_for(self, *texts: str, seconds: float = DEADLINE, never: str = "\0") -> str:
        """The screen, once all of them stand on it. never: what would show that they will not come."""
        give_up = time.monotonic() + seconds
        while missing := [text for text in texts if text not in (screen := self.screen)]:
            is_hopeless = time.monotonic() > give_up or never in screen
            assert not is_hopeless, f"{missing} did not come:\n{screen}"
            time.sleep(POLL)
        return screen

    def wait_until_gone(self, *texts: str, seconds: float = DEADLINE) -> str:
        """The screen, once none of them stands on it."""
        give_up = time.monotonic() + seconds
        while there := [text for text in texts if text in (screen := self.screen)]:
            assert time.monotonic() < give_up, f"{there} did not go:\n{screen}"
            time.sleep(POLL)
        return screen

    def process(self) -> int:
        """The number of the one in the pane."""
        return int(self.ask("display-message", "-p", "#{pane_pid}"))

    def end(self) -> None:
        subprocess.run([*self.command, "kill-server"], env=self.environment, capture_output=True, check=False)
