"""A log that is followed."""

import asyncio

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from dlec_tui.jobs.logs import MOST_BYTES, MOST_LINES, LogTail
from dlec_tui.widgets.job_detail import NO_LOG, LogView
from tests.tui.conftest import eventually, text_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "job-1.log"


def append(path, raw: bytes) -> None:
    with path.open("ab") as file:
        file.write(raw)


def test_a_tail_grows_with_the_log_and_waits_for_one_that_is_not_there_yet(path):
    tail = LogTail(path)
    assert tail.lines() == ()
    append(path, b"first\nsec")
    assert tail.lines() == ("first", "sec")
    append(path, b"ond\n")
    assert tail.lines() == ("first", "second")


def test_a_line_that_overwrites_itself_is_one_line(path):
    tail = LogTail(path)
    append(path, b"loading 10%\rloading 20%")
    assert tail.lines() == ("loading 20%",)
    append(path, b"\rloading 100%\ndone\n")
    assert tail.lines() == ("loading 100%", "done")


def test_what_steers_terminals_is_escaped(path):
    append(path, b"\x1b[31mred\x1b[0m \x07 \xff\n")
    assert LogTail(path).lines() == ("red \\x07 \ufffd",)


def test_of_a_long_log_only_the_last_whole_lines_are_kept(path):
    append(path, b"".join(b"line %06d\n" % number for number in range(MOST_BYTES // 8)))
    lines = LogTail(path).lines()
    assert len(lines) == MOST_LINES
    assert lines[-1] == f"line {MOST_BYTES // 8 - 1:06}"
    assert {len(line) for line in lines} == {len("line 000000")}


class Screen(App[None]):
    def compose(self) -> ComposeResult:
        yield LogView(id="log")


def test_the_view_follows_a_log_and_draws_nothing_while_it_stands_still(path, monkeypatch):
    monkeypatch.setattr("dlec_tui.widgets.job_detail.LOOK_SECONDS", 0.01)
    looks, drawn = [], []
    lines = LogTail.lines
    monkeypatch.setattr(LogTail, "lines", lambda tail: looks.append(1) or lines(tail))

    async def play() -> None:
        app = Screen()
        async with app.run_test(size=(40, 6)) as pilot:
            view = app.query_one(LogView)
            view.follow(path)
            await eventually(pilot, lambda: NO_LOG in text_of(app))
            append(path, b"".join(b"line %d\n" % number for number in range(20)))
            await eventually(pilot, lambda: "line 19" in text_of(app))
            assert "line 0" not in text_of(app)
            monkeypatch.setattr(Static, "update", lambda *_: drawn.append(1))
            looks.clear()
            await eventually(pilot, lambda: len(looks) > 3)
            assert not drawn

    asyncio.run(play())
