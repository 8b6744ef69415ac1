"""The activations pane, by its keys and by what stands on the screen."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from dlec_tui.app import Workbench
from dlec_tui.messages import BlocksChosen
from dlec_tui.session.state import Session, save_session
from engine.store.jobs import JobSpec
from tests.tui.conftest import Play, keys, played, settled, text_of
from tests.tui.measured_store import REFERENCE, fill_measured

SCREENS = Path(__file__).parent / "screens"


@pytest.fixture(scope="session")
def _measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measured") / "dlec.sqlite"
    fill_measured(path)
    return path


@pytest.fixture
def measured(_measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose session is about the measured model; a copy for each test."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no-hub-cache"))
    shutil.copy(_measured.with_name("session.json"), tmp_path)
    return Path(shutil.copy(_measured, tmp_path / "dlec.sqlite"))


def seen(store: Path, *groups: Sequence[str], size: tuple[int, int] = (80, 24)) -> list[str]:
    """The screens after each group of keys, one after another, in a session that begins anew."""
    save_session(store, Session(pane="activations", reference=REFERENCE))
    screens = []

    async def play(pilot: Pilot[None]) -> None:
        for group in groups:
            await steps(*group)(pilot)
            screens.append(text_of(pilot.app))

    played(store, play, size)
    return screens


def steps(*pressed: str) -> Play:
    """Keys, each after what the one before has started."""

    async def play(pilot: Pilot[None]) -> None:
        for key in pressed:
            await pilot.press(key)
            await settled(pilot)

    return play


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_each_view_is_as_it_was_agreed(measured: Path, size: tuple[int, int]) -> None:
    """Write the files anew with WRITE_SCREENS=1, and look at them."""
    curve, heat_map, neurons = ["l", "l", "l", "space", "o"], ["v", "j", "j", "space"], ["v", "v", "s"]
    screens = seen(measured, curve, heat_map, neurons, size=size)
    for view, screen in zip(("curve", "map", "neurons"), screens, strict=True):
        golden = SCREENS / f"activations-{view}-{size[0]}x{size[1]}.txt"
        if os.environ.get("WRITE_SCREENS"):
            golden.write_text(screen)
        assert screen == golden.read_text()


def test_the_cursor_tells_the_figures_of_its_layer(measured: Path) -> None:
    sixth, last, before = seen(measured, 6 * ["l"], ["G"], ["left"])
    assert "layer 6 of 12 · block influence 0.1 " in sixth
    assert "layer 11 of 12 · block influence 0.6 " in last
    assert "layer 10 of 12" in before


def test_c_goes_through_the_metrics_and_back_to_the_first(measured: Path) -> None:
    first, second, fourth, again = seen(measured, [], ["c"], ["c", "c"], ["c"])
    assert "layers: relative update" in second
    assert "layers: second pass, blocks of 4" in fourth
    assert again == first


def test_other_metrics_and_other_texts_are_laid_over_the_curve(measured: Path) -> None:
    metric, text = seen(measured, ["o"], ["o", "o", "o"], size=(140, 40))
    assert "block influence and relative update" in metric
    assert "of the held-out set" in text


def test_the_layer_stays_the_same_from_view_to_view(measured: Path) -> None:
    heat_map, histogram, neurons = seen(measured, [*4 * ["l"], "v"], ["v"], ["v"])
    assert "4: layer 4" in heat_map
    assert "activations of layer 4" in histogram
    assert "layer 4, neuron 0" in neurons


def test_the_heat_map_tells_the_value_of_the_block_under_the_cursor(measured: Path) -> None:
    [screen] = seen(measured, ["v", "j", "j", "j", "l"])
    assert "1:5: layers 1 to 4 · angular distance 0.14" in screen
    assert "second pass 1.6" in screen


def test_marked_blocks_go_to_the_plan_with_what_speaks_for_them(measured: Path) -> None:
    chosen: list[BlocksChosen] = []

    async def choose() -> None:
        app = Workbench(measured)
        async with app.run_test(
            message_hook=lambda m: chosen.append(m) if isinstance(m, BlocksChosen) else None
        ) as pilot:
            await settled(pilot)
            await pilot.press("l", "space", "v", "j", "space", "a")
            await settled(pilot)

    asyncio.run(choose())
    assert (chosen[0].reference, chosen[0].blocks) == (REFERENCE, ((1, 2), (1, 3)))
    assert "layer 1 for block influence 0.6" in chosen[0].justification
    assert "layers 1 to 2 for angular distance 0.12" in chosen[0].justification
    assert "4,096 tokens of the selection set" in chosen[0].justification


def test_space_again_takes_a_mark_away_and_without_marks_a_says_so(measured: Path) -> None:
    marked, unmarked, reminded = seen(measured, ["l", "l", "space"], ["space"], ["a"])
    assert "marked: 2;" in marked
    assert "marked: 2;" not in unmarked
    assert "Space: mark the layer or block" in reminded


def test_neurons_are_sorted_filtered_and_told_with_their_text(measured: Path) -> None:
    named = {" ": "space", "-": "minus"}
    wanted = [named.get(letter, letter) for letter in "layer 3-4 moon"]
    by_peak, filtered = seen(measured, ["v", "v", "v", "s"], ["slash", *wanted, "enter"])
    assert "layer 5, neuron 7: peak -900" in by_peak
    assert "peaked at sequence 5, token 7: the moon of layer 5" in by_peak
    assert "2 neurons by peak, filter: layer 3-4 moon" in filtered
    assert "layer 4, neuron 7" in filtered


def test_going_to_a_layer_works_in_every_view(measured: Path) -> None:
    asked = ["L", "9", "enter"]
    refused, curve, neurons, by_peak = seen(
        measured, ["L", "1", "2", "enter"], ["escape", *asked], ["v", "v", "v", *asked], ["s", *asked]
    )
    assert "enter a layer from 0 to 11" in refused
    assert "layer 9 of 12" in curve
    assert "layer 9, neuron 0" in neurons
    assert "40 neurons by peak, filter: layer 9" in by_peak


def test_t_shows_another_text(measured: Path) -> None:
    first, second = seen(measured, [], ["t"])
    assert "on 4,096 tokens of the selection set" in first
    assert "on 4,096 tokens of the held-out set" in second


def test_without_a_model_or_measurements_it_is_said_what_to_press(tmp_path: Path) -> None:
    store = tmp_path / "dlec.sqlite"
    save_session(store, Session(pane="activations"))
    assert "No model is open" in played(store, keys())
    save_session(store, Session(pane="activations", reference="org/nothing"))
    assert "org/nothing has no measurements" in played(store, keys())


def test_a_score_is_ordered_with_the_form_of_its_options(
    measured: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_session(measured, Session(pane="activations", reference=str(tiny_llama)))
    specs: list[JobSpec] = []
    monkeypatch.setattr(Workbench, "submit", lambda _app, some: specs.extend(some))
    assert "is not a valid number of layers" in played(measured, steps("m", "right", "tab", "backspace", "0", "enter"))
    played(measured, steps("m", "right", "tab", "backspace", "3", "enter"))
    assert [spec.task for spec in specs] == ["score"]
    request = specs[0].request
    assert (request["metric"], request["width"], request["model"]) == ("duplication", [3], str(tiny_llama))
    assert request["home"] == str(measured.parent)


def test_what_was_looked_at_comes_back_after_a_restart(measured: Path) -> None:
    screens = []

    async def look_and_leave(pilot: Pilot[None]) -> None:
        await steps("c", "l", "l", "space", "v", "j", "l")(pilot)
        screens.append(text_of(pilot.app))
        await pilot.press("q")

    played(measured, look_and_leave)
    assert "marked: 2;" in screens[0]
    assert "3:5: layers 3 to 4" in screens[0]
    assert played(measured, keys()) == screens[0]


def test_a_session_of_another_version_harms_nothing(measured: Path) -> None:
    panes = {"activations": {REFERENCE: {"looking": {"colour": 1}, "views": 3, "marks": "x"}}}
    save_session(measured, Session(pane="activations", reference=REFERENCE, panes=panes))
    assert "layers: block influence" in played(measured, keys())


@pytest.mark.parametrize("size", [(60, 18), (300, 80)])
def test_every_view_survives_every_size(measured: Path, size: tuple[int, int]) -> None:
    assert played(measured, steps("v", "v", "v", "v", "j", "k", "s", "S"), size)


def test_keys_typed_ahead_belong_to_the_view_that_they_were_meant_for(measured: Path) -> None:
    screens = []

    async def burst(pilot: Pilot[None]) -> None:
        for key in ("v", "j", "j", "l"):
            pilot.app.post_message(events.Key(key, key))
        await settled(pilot)
        screens.append(text_of(pilot.app))

    played(measured, burst)
    assert "1:4: layers 1 to 3" in screens[0]
