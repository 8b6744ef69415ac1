"""How long bare `dlec` takes until a model and its curve stand on a terminal, and its memory: 0.6 s and 70 MB."""

import os
import re
import struct
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path
from pty import fork

import pytest

from tests.tui.conftest import fill

LAST_PAINTED = b"(right, log)"
"""Of the curve's legend."""


def first_paint(home: Path) -> tuple[float, float]:
    """Seconds, and the largest resident megabytes until then."""
    process, terminal = fork()
    if process == 0:
        environment = {**os.environ, "DLEC_HOME": str(home), "TERM": "xterm-256color"}
        os.execve(sys.executable, [sys.executable, "-m", "dlec_tui"], environment)
    began = time.perf_counter()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    painted = b""
    while LAST_PAINTED not in painted:
        painted += os.read(terminal, 65536)
    seconds = time.perf_counter() - began
    kibibytes = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    os.write(terminal, b"q")
    os.waitpid(process, 0)
    os.close(terminal)
    return seconds, int(kibibytes[1]) * 1024 / 1e6


@pytest.mark.bench
def test_the_first_paint_takes_six_tenths_of_a_second_and_70_mb(tmp_path: Path) -> None:
    fill(tmp_path / "dlec.sqlite")
    paints = [first_paint(tmp_path) for _ in range(5)]
    print("seconds, megabytes:", [f"{seconds:.2f}, {megabytes:.0f}" for seconds, megabytes in paints])
    assert min(seconds for seconds, _ in paints) < 0.6
    assert max(megabytes for _, megabytes in paints) < 70
