"""The text of the plan: typing, undo, what is underlined, $EDITOR."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from dlec_tui.panes.plan import PlanPane
from dlec_tui.terminal.outside_editor import edited_outside, editor_command
from dlec_tui.widgets.plan_editor import difference
from engine.errors import MachineError
from tests.tui.conftest import settled
from tests.tui.plan_pane import TWICE, checked, plan_in, planned


def test_typing_and_keys_of_the_list_share_one_history(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        before = pane.document.text
        await pilot.press("plus", "v", "home", "#", "x", "ctrl+z")
        assert pane.document.text == pane.view.editor.text == before.replace("[0, 4]", "[0, 5]")
        await pilot.press("ctrl+z")
        assert pane.document.text == before
        await pilot.press("ctrl+y", "ctrl+y")
        assert "#x" in pane.document.text
        assert pane.view.editor.text == pane.document.text

    planned(store, plan_in(tmp_path), play)


def test_each_line_that_was_typed_in_is_a_step_of_its_own(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        before = pane.document.text
        await pilot.press("v")
        pane.view.editor.go_to(1)
        await pilot.press("a", "b", "down", "c", "d", "ctrl+z")
        assert pane.document.text == f"ab{before}"
        await pilot.press("ctrl+z")
        assert pane.document.text == before

    planned(store, plan_in(tmp_path), play)


def test_what_is_typed_reaches_the_list_and_escape_goes_there(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("v")
        pane.view.editor.go_to(6, 27)
        await pilot.press("backspace", "5")
        await checked(pilot, pane)
        assert [(row.view.start, row.view.end) for row in pane.view.list.items] == [(0, 5), (2, 6)]
        await pilot.press("escape")
        await settled(pilot)
        assert pane.view.list.has_focus

    planned(store, plan_in(tmp_path), play)


def test_cursors_are_linked(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("j")
        await settled(pilot)
        assert pane.view.editor.line == 7
        await pilot.press("v")
        await settled(pilot)
        await pilot.press("up")
        await settled(pilot)
        assert pane.view.current is not None
        assert pane.view.current.number == 0

    screen = planned(store, plan_in(tmp_path), play, (140, 40))
    assert "slice 1 → new layers 0:4" in screen


def test_a_problem_is_underlined_where_it_stands(store: Path, tmp_path: Path) -> None:
    """TextArea asks nobody for this: a new Textual may break it."""

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("v")
        await settled(pilot)
        strip = pane.view.editor.render_line(8 - pane.view.editor.scroll_offset.y)
        marked = "".join(part.text for part in strip if part.style and part.style.underline)
        assert marked == "[2, 7]"

    planned(store, plan_in(tmp_path, TWICE.replace("[2, 6]", "[2, 7]")), play, (140, 40))


def test_enter_keeps_the_indentation(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("v")
        pane.view.editor.go_to(9, 99)
        await pilot.press("end", "enter", "x")
        assert "\n        x\n" in pane.document.text

    planned(store, plan_in(tmp_path), play)


@pytest.mark.parametrize("breaks", ["\r\n", "\n"])
def test_line_breaks_stay_as_they_are(store: Path, tmp_path: Path, breaks: str) -> None:
    plan = plan_in(tmp_path)
    plan.write_bytes(plan.read_text().replace("\n", breaks).encode())
    before = plan.read_bytes()

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("v")
        pane.view.editor.go_to(1)
        await pilot.press("x", "ctrl+s")
        await settled(pilot)
        assert plan.read_bytes() == b"x" + before

    planned(store, plan, play)


@pytest.mark.parametrize(
    ("old", "new"), [("", "ab"), ("ab", ""), ("abcabc", "abc"), ("abc", "abcabc"), ("aXb", "aYYb"), ("same", "same")]
)
def test_only_what_differs_is_replaced(old: str, new: str) -> None:
    start, end, text = difference(old, new)
    assert old[:start] + text + old[end:] == new
    assert end - start + len(text) <= max(len(old), len(new))


def script(path: Path, lines: str) -> str:
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return str(path)


def test_the_editor_gets_a_file_that_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", script(tmp_path / "edit", f'echo "$1" > {tmp_path}/seen; echo more >> "$1"'))
    assert edited_outside("text\n", "plan.yaml") == "text\nmore\n"
    seen = (tmp_path / "seen").read_text().strip()
    assert seen.endswith("/plan.yaml")
    assert not Path(seen).exists()


def test_an_editor_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", script(tmp_path / "edit", "exit 3"))
    with pytest.raises(MachineError, match="exited with status 3"):
        edited_outside("text\n", "plan.yaml")


def test_an_editor_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "no-such-editor --wait")
    with pytest.raises(MachineError, match="no-such-editor cannot be started"):
        edited_outside("", "plan.yaml")


def test_the_editor_may_be_a_command_with_words() -> None:
    assert editor_command({"EDITOR": "code --wait"}) == ["code", "--wait"]
    assert editor_command({}) == ["vi"]


def test_what_was_typed_a_moment_ago_is_in_the_session_already(store: Path, tmp_path: Path) -> None:
    """The connection may be lost before the workbench was told of it."""

    async def play(_pilot: Pilot[None], pane: PlanPane) -> None:
        pane.view.editor.insert("# a thought\n", (0, 0))
        session = pane.workbench._session()
        assert session
        assert session.document.text.startswith("# a thought\n")

    planned(store, plan_in(tmp_path), play)
