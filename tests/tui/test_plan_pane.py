"""The plan pane, by its keys: two views of one plan, files, jobs."""

import os
from contextlib import closing
from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input, Static

from dlec_tui.messages import BlocksChosen
from dlec_tui.panes.plan import PlanPane
from dlec_tui.widgets.dialogs import Question
from engine.plan.edits import slices_of
from engine.store.connection import atomic
from engine.store.database import open_for_jobs
from engine.store.job_states import Done, Running, now
from engine.store.jobs import Job, JobSpec, add_job, change, find_job, jobs_in
from engine.store.workers import add_worker
from tests.tui.conftest import eventually, settled, text_of
from tests.tui.plan_pane import TWICE, checked, model_in, plan_in, planned, write

SCREENS = Path(__file__).parent / "screens"


def ranges(pane: PlanPane) -> list[tuple[int | None, int | None]]:
    """Of the slices, as the text has them; the list shows the same."""
    found = [(view.start, view.end) for view in slices_of(pane.document.text)]
    assert found == [(row.view.start, row.view.end) for row in pane.view.list.items]
    assert pane.view.editor.text == pane.document.text
    return found


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_the_pane_is_as_it_was_agreed(store: Path, tmp_path: Path, monkeypatch, size: tuple[int, int]) -> None:
    """Write the files anew with WRITE_SCREENS=1, and look at them."""
    monkeypatch.setattr("dlec_tui.plans.plan_status.free_bytes", lambda _: 77_600_000_000)
    monkeypatch.chdir(tmp_path)
    plan_in(tmp_path)
    plan = Path("twice.yaml")
    plan.write_text(TWICE.format(model="Tiny").replace("[2, 6]", "[2, 7]"))

    async def play(pilot: Pilot[None], _pane: PlanPane) -> None:
        await pilot.press("j")

    golden = SCREENS / f"plan-{size[0]}x{size[1]}.txt"
    screen = planned(store, plan, play, size)
    if os.environ.get("WRITE_SCREENS"):
        golden.write_text(screen)
    assert screen == golden.read_text()


KEYS = (
    ("plus", [(0, 5), (2, 6)]),
    ("minus", [(0, 3), (2, 6)]),
    ("right_square_bracket", [(1, 4), (2, 6)]),
    ("j left_square_bracket", [(0, 4), (1, 6)]),
    ("d", [(0, 4), (0, 4), (2, 6)]),
    ("x", [(2, 6)]),
    ("J", [(2, 6), (0, 4)]),
    ("j K", [(2, 6), (0, 4)]),
    ("t enter", [(0, 2), (2, 4), (2, 6)]),
    ("r enter", [(0, 4), (0, 4), (2, 6)]),
    ("a enter", [(0, 4), (4, 5), (2, 6)]),
    ("plus d plus u u", [(0, 5), (2, 6)]),
    ("plus u ctrl+r", [(0, 5), (2, 6)]),
    ("J plus", [(2, 6), (0, 5)]),
)
"""What is pressed, and the ranges afterwards; they begin with [0, 4] and [2, 6] and the cursor on the first slice."""


def test_keys_edit_list_and_text_alike(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        first = pane.document
        for keys, wanted in KEYS:
            pane.change(first)
            pane.view.list.point_to(0)
            await pilot.press(*keys.split())
            assert ranges(pane) == wanted, keys
            assert pilot.app.document is pane.document
            assert keys == "x" or "# up to the middle" in pane.document.text

    planned(store, plan_in(tmp_path), play)


def test_zero_makes_a_slice_inert_and_again_lifts_it(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        before = pane.document.text
        await pilot.press("0")
        assert pane.view.list.items[0].view.scale == 0
        assert "down_proj" in pane.document.text
        await pilot.press("0")
        assert pane.document.text == before
        await pilot.press("s", *"0.5", "enter")
        assert pane.view.list.items[0].view.scale == 0.5

    planned(store, plan_in(tmp_path), play)


def test_editing_an_aliased_slice_says_so(store: Path, tmp_path: Path) -> None:
    text = TWICE.replace("  - sources:\n", "  - &part\n    sources:\n", 1) + "  - *part\n"

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        assert "alias of line" in "".join(part for part, _ in pane.view.list.line_of(pane.view.list.items[2]))
        await pilot.press("G", "minus")
        assert ranges(pane) == [(0, 4), (2, 6), (0, 3)]

    assert "alias" in planned(store, plan_in(tmp_path, text), play)


def test_while_the_text_does_not_parse_the_list_stays_and_says_so(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("v", "home", "[", "escape")
        await checked(pilot, pane)
        assert [(row.view.start, row.view.end) for row in pane.view.list.items] == [(0, 4), (2, 6)]
        await pilot.press("plus")

    screen = planned(store, plan_in(tmp_path), play)
    assert "last valid state: line" in screen
    assert "last valid state: 8 layers" in screen.splitlines()[1]
    assert "fix the text first" in screen


def test_problems_come_by_themselves_and_f_mends_what_can_be_mended(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("j", "plus")
        await checked(pilot, pane)
        assert "ends past the last layer: the checkpoint has 6" in str(pane.view.problems.problems[0].message)
        await pilot.press("p")
        assert pane.reason_against("merge") == "the plan has 1 error"
        await pilot.press("f")
        await checked(pilot, pane)
        assert ranges(pane) == [(0, 4), (2, 6)]

    assert "the plan has 1 error" in planned(store, plan_in(tmp_path), play)


def test_n_goes_to_the_problem_in_both_views(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("n")
        assert pane.view.editor.line == 9
        assert pane.view.current is not None
        assert pane.view.current.number == 1

    planned(store, plan_in(tmp_path, TWICE.replace("[2, 6]", "[2, 7]")), play)


def test_a_plan_is_saved_where_it_was_and_elsewhere_with_a_question(store: Path, tmp_path: Path) -> None:
    plan = plan_in(tmp_path)

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("plus", "ctrl+s")
        await settled(pilot)
        assert plan.read_text() == pane.document.text
        assert not pane.document.is_changed
        (tmp_path / "other.yaml").write_text("precious")
        pane.action_save_as()
        await settled(pilot)
        await write(pilot, str(tmp_path / "other.yaml"))
        await settled(pilot)
        assert isinstance(pilot.app.screen, Question)
        await pilot.press("n")
        await settled(pilot)
        assert (tmp_path / "other.yaml").read_text() == "precious"

    planned(store, plan, play)


def test_a_draft_with_errors_can_be_saved(store: Path, tmp_path: Path) -> None:
    plan = plan_in(tmp_path, "slices: [")

    async def play(pilot: Pilot[None], _pane: PlanPane) -> None:
        await pilot.press("v", "x", "ctrl+s")
        await settled(pilot)
        assert plan.read_text() == "xslices: ["

    planned(store, plan, play)


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_change_on_disk_asks_whether_to_reload(store: Path, tmp_path: Path, answer: str) -> None:
    plan = plan_in(tmp_path)

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("plus")
        theirs = plan.read_text().replace("[2, 6]", "[3, 6]")
        plan.write_text(theirs)
        pane.look_at_file()
        await eventually(pilot, lambda: isinstance(pilot.app.screen, Question))
        await pilot.press(answer)
        await checked(pilot, pane)
        assert ranges(pane) == ([(0, 4), (3, 6)] if answer == "y" else [(0, 5), (2, 6)])
        pane.look_at_file()
        await settled(pilot)
        assert not isinstance(pilot.app.screen, Question)  # asked once
        await pilot.press("u")
        assert ranges(pane) == ([(0, 5), (2, 6)] if answer == "y" else [(0, 4), (2, 6)])

    planned(store, plan, play)


def test_another_plan_takes_the_place_of_unsaved_work_only_when_that_is_wanted(store: Path, tmp_path: Path) -> None:
    plan = plan_in(tmp_path)

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("plus")
        pane.plan_requested("merge_method: passthrough\n")
        await settled(pilot)
        await pilot.press("enter")  # the focus is on No
        await settled(pilot)
        assert ranges(pane) == [(0, 5), (2, 6)]

    planned(store, plan, play)


def jobs_of(store: Path) -> list[Job]:
    with closing(open_for_jobs(store)) as connection:
        return list(jobs_in(connection))


def test_a_preview_is_ordered_with_the_text_as_it_is_now(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("minus", "p")
        await eventually(pilot, lambda: jobs_of(store))
        [job] = jobs_of(store)
        assert job.spec.task == "preview"
        assert job.spec.request["plan"] == pane.document.text
        assert job.spec.request["split"] == "heldout"

    planned(store, plan_in(tmp_path), play)


def test_a_merge_says_what_it_writes_and_is_ordered_only_after_yes(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], _pane: PlanPane) -> None:
        for answer in ("n", "y"):
            await pilot.press("m", "enter")
            await eventually(pilot, lambda: isinstance(pilot.app.screen, Question))
            assert not jobs_of(store)
            await pilot.press(answer)
            await settled(pilot)
        await eventually(pilot, lambda: jobs_of(store))
        [job] = jobs_of(store)
        assert job.spec.request["out"] == str(tmp_path / "twice")

    planned(store, plan_in(tmp_path), play)


def test_a_merge_into_a_full_disk_is_refused_in_the_prompt(store: Path, tmp_path: Path, monkeypatch) -> None:
    """With the figures, before any question; what is offered lies beside the plan, and not beside its model."""
    monkeypatch.setattr("engine.jobs.batch.free_bytes", lambda _directory: 1000)
    plan = plan_in(tmp_path)
    elsewhere = tmp_path / "plans" / "twice.yaml"
    elsewhere.parent.mkdir()
    plan.rename(elsewhere)

    async def play(pilot: Pilot[None], _pane: PlanPane) -> None:
        await pilot.press("m")
        await settled(pilot)
        assert pilot.app.screen.query_one(Input).value == str(elsewhere.with_suffix(""))
        await pilot.press("enter")
        await settled(pilot)
        said = str(pilot.app.screen.query_one("#wrong", Static).content)
        assert "not enough disk space" in said
        assert "kB needed, 1,000 B free" in said.replace("1.00 kB", "1,000 B")
        await pilot.press("escape")
        assert not jobs_of(store)

    planned(store, elsewhere, play)


def test_the_prompt_of_generate_is_remembered(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("w")
        await write(pilot, "once")
        await eventually(pilot, lambda: jobs_of(store))
        assert jobs_of(store)[0].spec.request["prompt"] == "once"
        assert pane.remembered()["prompt"] == "once"

    planned(store, plan_in(tmp_path), play)


def test_a_read_only_screen_orders_nothing(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], _pane: PlanPane) -> None:
        await pilot.press("p", "m", "ctrl+s")
        await settled(pilot)
        assert not jobs_of(store)

    assert "--read-only" in planned(store, plan_in(tmp_path), play, read_only=True)


def ended(store: Path, spec: JobSpec, result: dict[str, object]) -> None:
    with closing(open_for_jobs(store)) as connection, atomic(connection):
        job = find_job(connection, add_job(connection, spec))
        assert job is not None
        change(connection, job, Running(add_worker(connection, "cpu", "host", "boot", "lock", 1), now()))
        job = find_job(connection, job.id)
        assert job is not None
        change(connection, job, Done(now(), now(), result))


def test_what_was_generated_stands_beside_the_plan_as_long_as_its_text_is_the_same(store: Path, tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    request = {"plan": plan.read_text(), "prompt": "Once"}
    ended(store, JobSpec("generate", request, "generate", {}), {"base": " upon", "plan": " again"})

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await eventually(pilot, lambda: "Once" in text_of(pilot.app))
        await pilot.press("plus")
        await checked(pilot, pane)
        assert "Once" not in text_of(pilot.app)
        await pilot.press("u")

    screen = planned(store, plan, play)
    assert "plan:  again" in screen


def test_a_proposal_is_offered_among_the_recipes(store: Path, tmp_path: Path) -> None:
    text = TWICE.format(model=model_in(tmp_path))
    ended(store, JobSpec("classic", {}, "what the rule keeps", {}), {"plan": text})

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await eventually(pilot, lambda: pane.workbench.jobs and pane.workbench.jobs.jobs)
        await pilot.press("N")
        await settled(pilot)
        await pilot.press("enter")
        await checked(pilot, pane)
        assert pane.document.text == text
        assert pane.document.path is None

    planned(store, None, play)


def test_blocks_from_the_measurements_become_a_plan_that_knows_why(store: Path, tmp_path: Path) -> None:
    model = str(model_in(tmp_path))

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        pane.blocks_chosen(BlocksChosen(model, ((2, 4),), "lowest residual"))
        await checked(pilot, pane)
        assert ranges(pane) == [(0, 4), (2, 6)]
        pane.blocks_chosen(BlocksChosen(model, ((1, 2),), "second lowest"))
        await checked(pilot, pane)
        assert ranges(pane)[2:] == [(1, 2)]
        assert pane.document.justification == "lowest residual; second lowest"
        assert "# second lowest" in pane.document.text

    planned(store, None, play)


def test_compare_shows_the_strip_of_another_plan_below(store: Path, tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    other = tmp_path / "other.yaml"
    other.write_text(plan.read_text().replace("[2, 6]", "[0, 6]"))

    async def play(pilot: Pilot[None], _pane: PlanPane) -> None:
        await pilot.press("c")
        await write(pilot, str(other))
        await settled(pilot)

    assert "other.yaml: 10 layers" in planned(store, plan, play)


def test_what_is_copied_is_the_slice_and_the_command_that_shows_the_plan(store: Path, tmp_path: Path) -> None:
    plan = plan_in(tmp_path)

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        assert pane.value().splitlines()[0] == "  - sources:"
        assert "[0, 4]" in pane.value()
        assert "[2, 6]" not in pane.value()
        assert pane.command() == f"dlec plan show {plan}"
        await pilot.press("j", "plus")
        await checked(pilot, pane)
        assert pane.command() == f"dlec plan check {plan}"

    planned(store, plan, play)


def test_b_saves_the_plan_and_puts_it_on_the_batch_list(store: Path, tmp_path: Path) -> None:
    plan = plan_in(tmp_path)

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.press("minus")
        await settled(pilot)
        for _ in "bb":  # the second tap is the batch list's, which asks
            pilot.app.post_message(Key("b", "b"))
        await eventually(pilot, lambda: isinstance(pilot.app.screen, Question))
        assert not jobs_of(store)
        await pilot.press("enter")
        await settled(pilot)
        assert not jobs_of(store)
        assert plan.read_text() == pane.document.text

    assert "batch: 1 plan" in planned(store, plan, play)


def test_nothing_from_a_plan_steers_the_terminal(store: Path, tmp_path: Path) -> None:
    plan = tmp_path / "wild.yaml"
    plan.write_text('slices:\n  - sources:\n      - model: "a\\e[31m[b]red"\n        layer_range: [0, 2]\n')

    async def play(_pilot: Pilot[None], pane: PlanPane) -> None:
        assert [row.view.end for row in pane.view.list.items] == [2]

    screen = planned(store, plan, play, (140, 40))
    assert "\x1b" not in screen
    assert "[b]red" in screen


def test_plan_cursor_and_prompt_are_back_after_a_restart(store: Path, tmp_path: Path) -> None:
    plan = plan_in(tmp_path)

    async def leave(pilot: Pilot[None], _pane: PlanPane) -> None:
        await pilot.press("j", "minus")
        pilot.app._save()

    async def come_back(pilot: Pilot[None], pane: PlanPane) -> None:
        await checked(pilot, pane)
        assert ranges(pane) == [(0, 4), (2, 5)]
        assert pane.view.current is not None
        assert pane.view.current.number == 1
        await pilot.press("u")
        assert ranges(pane) == [(0, 4), (2, 6)]

    planned(store, plan, leave)
    plan.write_text(plan.read_text())  # touched meanwhile, but nothing in it has changed
    planned(store, None, come_back)


def test_the_strip_of_a_text_that_never_could_be_read_says_so(store: Path, tmp_path: Path) -> None:
    async def play(_pilot: Pilot[None], _pane: PlanPane) -> None:
        pass

    assert "invalid text" in planned(store, plan_in(tmp_path, "slices: ["), play).splitlines()[1]


def test_layers_that_the_model_does_not_have_are_told_apart_in_the_strip(store: Path, tmp_path: Path) -> None:
    async def play(_pilot: Pilot[None], _pane: PlanPane) -> None:
        pass

    screen = planned(store, plan_in(tmp_path, TWICE.replace("[2, 6]", "[3, 36]")), play)
    assert "7 layers: 6 of Tiny, 1 repeated, 30 missing" in screen


def test_a_click_on_the_strip_goes_to_the_slice(store: Path, tmp_path: Path) -> None:
    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await pilot.click("#plan-strip", offset=(4 * 5 + 2, 1))
        await settled(pilot)
        assert pane.view.current is not None
        assert pane.view.current.number == 1

    planned(store, plan_in(tmp_path), play)


def test_a_zoomed_part_gives_its_room_to_the_text(store: Path, tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    lines = "\n".join(f"line {number}" for number in range(40))
    ended(store, JobSpec("generate", {"plan": plan.read_text(), "prompt": "Once"}, "generate", {}), {"plan": lines})

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        await eventually(pilot, lambda: pane.view.findings.results.can_focus)
        pane.view.go_to(pane.view.findings.results)
        await settled(pilot)
        assert "line 12" not in text_of(pilot.app)
        await pilot.press("z")
        await settled(pilot)
        assert "line 12" in text_of(pilot.app)

    planned(store, plan, play)


def test_typing_never_moves_the_parts(store: Path, tmp_path: Path) -> None:
    """Problems come and go with each letter; where the parts are stays the same."""

    async def play(pilot: Pilot[None], pane: PlanPane) -> None:
        def regions() -> list[object]:
            return [widget.region for widget in pane.query("#plan-strip, #slices-part, #text-part, #plan-cost")]

        await pilot.press("v", "end")
        before = regions()
        for key in ("[", "x", "backspace", "backspace", "enter", "y"):
            await pilot.press(key)
            await checked(pilot, pane)
            assert regions() == before

    planned(store, plan_in(tmp_path), play)
