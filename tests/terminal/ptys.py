"""Processes with a terminal of their own: keys go in as bytes, what is drawn is kept, and the line can be cut."""

import os
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fcntl import ioctl
from pathlib import Path

DEADLINE = 30.0
"""Seconds after which what is waited for will not come."""
POLL = 0.02
_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\a\x1b]*(?:\a|\x1b\\)|[PX^_].*?\x1b\\|[ -/]*[0-~])", re.DOTALL)
"""Everything that a terminal obeys instead of showing it; source: ECMA-48."""


class Terminal:
    """One process on a real pty of which we hold the other end, as sshd would."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        columns: int = 80,
        rows: int = 24,
    ) -> None:
        self.line, inside = os.openpty()
        ioctl(inside, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env=environment,
            cwd=directory,
            start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inside)
        self.output = b""
        """All that was drawn so far, as it came."""
        self._mark = 0

    @property
    def text(self) -> str:
        """What was drawn since the last keys, without what a terminal obeys; in the order of drawing."""
        return _CONTROL.sub("", self.output[self._mark :].decode("utf-8", "replace"))

    def press(self, keys: str) -> None:
        """As bytes that a terminal sends."""
        self._mark = len(self.output)
        os.write(self.line, keys.encode())

    def wait_for(self, *texts: str) -> None:
        """Until all of them were drawn since the last keys."""
        give_up = time.monotonic() + DEADLINE
        while missing := [text for text in texts if text not in self.text]:
            is_late = time.monotonic() > give_up or not (self.read(POLL) or self.process.poll() is None)
            assert not is_late, f"{missing} was not drawn, but:\n{self.text}"

    def read(self, seconds: float) -> bytes:
        """What comes next; nothing when nothing does within so many seconds, or when the process has let go."""
        if not select.select([self.line], [], [], seconds)[0]:
            return b""
        try:
            came = os.read(self.line, 65536)
        except OSError:  # nobody is there any more
            time.sleep(min(seconds, POLL))
            return b""
        self.output += came
        return came

    def rest(self, quiet_seconds: float = 0.3) -> None:
        """Until nothing more is drawn for a while."""
        while self.read(quiet_seconds):
            pass

    def hang_up(self) -> None:
        """What happens when the connection is gone."""
        os.close(self.line)
        self.line = -1

    def exit_code(self, seconds: float = DEADLINE) -> int:
        """Once the process has ended."""
        give_up = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < give_up, "the process goes on and on"
            if self.line >= 0:
                self.read(POLL)
            else:
                time.sleep(POLL)
        return self.process.returncode

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed, as a shell wants it."""
        return bool(termios.tcgetattr(self.line)[3] & termios.ECHO)

    def end(self) -> None:
        if self.line >= 0:
            os.close(self.line)
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


@contextmanager
def terminal(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, columns: int = 80, rows: int = 24
) -> Iterator[Terminal]:
    """A terminal that is gone afterwards, with the process in it."""
    opened = Terminal(command, environment, directory, columns, rows)
    try:
        yield opened
    finally:
        opened.end()
