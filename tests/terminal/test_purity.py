"""One tour of panes and dialogs with --ascii and NO_COLOR: what is sent to the terminal, and what is loaded for it."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.jobs.test_idle import loads
from tests.jobs.workplace import Workplace
from tests.terminal.conftest import DLEC, around
from tests.terminal.ptys import Terminal, terminal
from tests.tui.conftest import submitted_job

SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
COLOURS = {*range(30, 50), *range(90, 108)} - {39, 49}
"""SGR parameters that set a colour; 39 and 49 restore the terminal's default."""
TOUR = (
    *(("2", "No model"), ("3", "text/list"), ("4", "merge p.yaml"), ("1", "Tiny-135M"), ("\r", "layer 0 of")),
    *(("v", ""), ("v", ""), ("?", "help"), ("q", ""), ("\x10", "run an action"), ("\x1b", "")),
    *(("\x0f", ""), ("\x1b", "")),
)
"""Keys, and text that appears after them."""
LIBRARIES = ("sqlite3", "torch", "numpy", "tokenizers")


@dataclass(frozen=True, slots=True)
class Toured:
    output: bytes
    """All bytes sent to the terminal."""
    loaded: tuple[str, ...]
    """Members of LIBRARIES mapped by the process at the end of the tour."""


@pytest.fixture(scope="module")
def toured(_filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toured]:
    directory = tmp_path_factory.mktemp("purity")
    place = Workplace(directory / "home")
    shutil.copy(_filled, place.store)
    submitted_job(place.store)
    with terminal([*DLEC, "--ascii"], around(place.home) | {"NO_COLOR": "1"}, directory) as opened:
        yield tour(opened)
    place.end()


def tour(opened: Terminal) -> Toured:
    opened.wait_for("Tiny-135M", "quit")
    for keys, drawn in TOUR:
        opened.press(keys)
        opened.wait_for(drawn)
        opened.rest()
    loaded = tuple(library for library in LIBRARIES if loads(opened.process.pid, library))
    opened.press("q")
    opened.wait_for("keeps running")
    opened.press("\r")
    opened.exit_code()
    opened.rest()
    return Toured(opened.output, loaded)


def test_with_no_color_no_colour_is_sent(toured: Toured) -> None:
    sent = {int(number) for sgr in SGR.findall(toured.output) for number in re.split(rb"[;:]", sgr) if number}
    assert sent
    assert not sent & COLOURS


def test_with_ascii_only_ascii_is_sent(toured: Toured) -> None:
    assert toured.output.isascii(), {character for character in toured.output.decode() if not character.isascii()}


def test_no_heavy_library_is_loaded(toured: Toured) -> None:
    assert toured.loaded == ("sqlite3",)
