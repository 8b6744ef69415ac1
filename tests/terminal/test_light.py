"""What the process of the screen holds: no library that computes, whatever was looked at."""

from tests.jobs.test_idle import loads
from tests.terminal.conftest import Opened


def test_after_a_look_at_everything_no_heavy_library_is_mapped(screen: Opened) -> None:
    opened = screen()
    opened.wait_for("Tiny-135M", "quit")
    for keys, drawn in (
        ("\r", "layer 0 of"),
        ("v", ""),
        ("v", ""),
        ("3", "text/list"),
        ("4", "No jobs"),
        ("\x10", "run an action"),
    ):
        opened.press(keys)
        opened.wait_for(drawn)
        opened.rest()
    assert loads(opened.process.pid, "libsqlite3") or loads(opened.process.pid, "_sqlite3")
    assert not [library for library in ("torch", "numpy", "tokenizers") if loads(opened.process.pid, library)]
