"""The view of weight changes in the activations pane, by its keys."""

import os
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot

from dlec_tui.session.state import Session, save_session
from engine.protocol import no_report
from engine.store.database import open_for_reading
from engine.store.job_states import Waiting
from engine.store.jobs import jobs_in
from engine.tasks import diff
from tests.comparison.weights import base, trained
from tests.tui.conftest import played, settled, text_of
from tests.tui.test_activations_pane import SCREENS, steps


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a model and what training made of it, compared in the store beside it."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no-hub-cache"))
    before = base(tmp_path / "before")
    trained(before, tmp_path / "after", 0.01)
    for other in (before, base(tmp_path / "stranger", seed=3)):
        diff.run({"a": str(other), "b": str(tmp_path / "after"), "home": str(tmp_path)}, no_report)
    return tmp_path


def seen(models: Path, *groups: list[str], size: tuple[int, int] = (80, 24), model: str = "after") -> list[str]:
    """The screens after each group of keys."""
    store = models / "dlec.sqlite"
    save_session(store, Session(pane="activations", reference=str(models / model)))
    screens: list[str] = []

    async def play(pilot: Pilot[None]) -> None:
        for group in groups:
            await steps(*group)(pilot)
            screens.append(text_of(pilot.app))

    played(store, play, size)
    return screens


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_the_view_is_as_it_was_agreed(models: Path, size: tuple[int, int]) -> None:
    """Write the files anew with WRITE_SCREENS=1, and look at them."""
    [screen] = seen(models, ["t", "down", "right", "right", "space"], size=size)
    golden = SCREENS / f"activations-changes-{size[0]}x{size[1]}.txt"
    if os.environ.get("WRITE_SCREENS"):
        golden.write_text(screen)
    assert screen == golden.read_text()


def test_a_model_that_was_only_compared_shows_its_changes_at_once(models: Path) -> None:
    first, cell = seen(models, ["t"], ["down", "l", "l"])
    assert "relative change since before" in first
    assert "layer 2, mlp.down_proj" in cell
    assert "identical" in cell


def test_c_goes_through_quantities_and_scales_and_t_through_comparisons(models: Path) -> None:
    stranger, before, rms, shared, again = seen(models, [], ["t"], ["c"], ["c", "c", "c"], ["c", "c"])
    assert "since stranger" in stranger
    assert "relative change since before; ranks in each row" in before
    assert "RMS of the change since before" in rms
    assert "relative change since before; one scale" in shared
    assert again == before


def test_marked_cells_become_a_graft_in_the_plan(models: Path) -> None:
    unmarked, marked, plan = seen(models, ["t"], ["space", "down", "right", "space"], ["a"], size=(140, 40))
    assert "Space: mark the cell under the cursor" in unmarked
    assert "2 cells marked; a: graft" in marked
    assert "merge_method: linear" in plan
    assert "6 layers: 6 of A after" in plan
    assert "after, before" in plan


def test_a_graft_that_does_not_fit_is_one_notice(models: Path, tmp_path: Path) -> None:
    wide = base(tmp_path / "wide", layers=8)
    diff.run({"a": str(wide), "b": str(models / "after"), "pair": "position", "home": str(models)}, no_report)
    [screen] = seen(models, ["space", "a"], size=(140, 40))
    assert "cannot be grafted into" in screen


def test_a_model_that_was_never_compared_says_how(models: Path) -> None:
    [screen] = seen(models, [], model="before")
    assert "d   compare the weights with those of another checkpoint (job)" in screen


def test_d_queues_a_comparison(models: Path) -> None:
    store = models / "dlec.sqlite"
    save_session(store, Session(pane="activations", reference=str(models / "before")))

    async def play(pilot: Pilot[None]) -> None:
        await pilot.press("d")
        await settled(pilot)
        await pilot.press(*"stranger", "enter")
        await settled(pilot)

    played(store, play)
    with closing(open_for_reading(store)) as connection:
        [job] = jobs_in(connection, Waiting)
    assert (job.spec.task, job.spec.title) == ("diff", "diff before against stranger")


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (200, 60)])
def test_the_cursor_stays_on_the_map_at_every_size(models: Path, size: tuple[int, int]) -> None:
    corner, origin = seen(models, ["t", *12 * ["down"], "G"], [*12 * ["up"], "g"], size=size)
    assert "layer 5, self_attn.v_proj" in corner
    assert "layer 0, input_layernorm" in origin


def test_cursor_and_view_survive_a_restart(models: Path) -> None:
    store = models / "dlec.sqlite"
    save_session(store, Session(pane="activations", reference=str(models / "after")))

    async def look_and_leave(pilot: Pilot[None]) -> None:
        await steps("t", "down", "right", "right", "c")(pilot)
        await pilot.press("q")

    played(store, look_and_leave)
    screen = played(store, steps())
    assert "RMS of the change since before" in screen
    assert "layer 2, mlp.down_proj" in screen


def test_without_colours_the_levels_are_digits(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    [screen] = seen(models, ["t"])
    rows = [line for line in screen.splitlines() if "self_attn.q_proj" in line]
    assert sum(character.isdigit() for character in rows[0]) >= 6
