"""The table of neurons: any row of millions, and what a filter understands."""

import asyncio
from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from dlec_tui.measurements.neuron_filter import HINT, conditions_from, wrong_with
from dlec_tui.measurements.neurons import NeuronView, neuron_rows, no_neurons
from dlec_tui.widgets.neuron_table import MOST_PAGES, NeuronBrowser
from engine.errors import MachineError, UsageError
from engine.store.neurons import Between, Column, NeuronOrder, PeaksAt
from tests.tui.conftest import settled
from tests.tui.measured_store import KEY, LAYERS, WIDTH, fill_measured


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("neurons") / "dlec.sqlite"
    fill_measured(path)
    return path


class Host(App[None]):
    """Nothing but a table."""

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store

    def compose(self) -> ComposeResult:
        yield NeuronBrowser(self._store, id="neurons")


def browsed(store: Path, *pressed: str, view: NeuronView | None = None) -> tuple[int, int] | None:
    """Layer and neuron under the cursor after the keys."""

    async def run() -> tuple[int, int] | None:
        app = Host(store)
        async with app.run_test(size=(80, 24)) as pilot:
            table = app.query_one(NeuronBrowser)
            table.open(KEY, view or NeuronView())
            table.focus()
            await settled(pilot)
            for key in pressed:
                await pilot.press(key)
                await settled(pilot)
            return (table.current.layer, table.current.neuron) if table.current else None

    return asyncio.run(run())


def test_keys_go_through_the_rows_and_from_layer_to_layer(store: Path) -> None:
    assert browsed(store, "j", "j", "k") == (0, 1)
    assert browsed(store, "G") == (LAYERS - 1, WIDTH - 1)
    assert browsed(store, "G", "g") == (0, 0)
    assert browsed(store, "pagedown", "down") == (0, 24)
    assert browsed(store, "l", "l", "j", "h") == (1, 0)


def test_rows_are_those_of_the_view_wherever_the_cursor_jumps(store: Path) -> None:
    by_peak = NeuronView(NeuronOrder.PEAK, descending=True)
    assert browsed(store, view=by_peak) == (5, 7)
    assert browsed(store, "G", view=by_peak) == (0, 0)
    assert browsed(store, "j", view=NeuronView(filter_text="moon")) == (1, 7)
    assert browsed(store, view=NeuronView(filter_text="layer 99")) is None


def test_pages_that_were_looked_at_long_ago_are_forgotten(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlec_tui.widgets.neuron_table.MOST_PAGES", 1)
    assert MOST_PAGES > 1
    assert browsed(store, "G", "g", "j") == (0, 1)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("", ()),
        ("layer 3", (Between(Column.LAYER, 3, 3),)),
        ("Layers 3 - 5", (Between(Column.LAYER, 3, 5),)),
        ("peak>=10", (Between(Column.PEAK, 10, None),)),
        ("active <= 1e-2", (Between(Column.SHARE_ACTIVE, None, 0.01),)),
        ("neuron=7 the  moon", (Between(Column.NEURON, 7, 7), PeaksAt("the moon"))),
        ('"player 3"', (PeaksAt("player 3"),)),
        ("layer 3-5, |peak|>=10", (Between(Column.LAYER, 3, 5), Between(Column.PEAK, 10, None))),
        (
            "layer 3,neuron 5, active<=1%",
            (
                *(Between(*of) for of in ((Column.LAYER, 3, 3), (Column.NEURON, 5, 5))),
                Between(Column.SHARE_ACTIVE, None, 0.01),
            ),
        ),
        ("peak>=1e1, the moon, again", (Between(Column.PEAK, 10, None), PeaksAt("the moon, again"))),
        ('"a<b" mean>=.5', (Between(Column.MEAN, 0.5, None), PeaksAt("a<b"))),
    ],
)
def test_a_filter_is_read_as_it_is_said(text: str, conditions: tuple[object, ...]) -> None:
    assert conditions_from(text) == conditions


def test_less_and_more_leave_the_number_itself_out() -> None:
    [less, more] = conditions_from("count<1 mean>0")
    assert isinstance(less, Between)
    assert isinstance(more, Between)
    assert 0.999 < (less.high or 0) < 1
    assert 0 < (more.low or 0) < 1e-300


def test_an_unknown_column_is_said_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="neurons have no column colour"):
        conditions_from("colour>3")
    assert "share_active" in wrong_with("colour>3")
    assert wrong_with("peak>3") == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("peak>abc", "unknown condition: peak>abc"),
        ("layer 3 peak>", "unknown condition: peak>"),
        ("peak<-10", "did you mean |peak|>10?"),
        ("mean>1e999", "unknown condition: mean>1e999"),
        ("layer 5-3", "did you mean layer 3-5?"),
        ("layer 99999999999999999999", "the number is too large"),
    ],
)
def test_a_condition_that_means_nothing_is_said(text: str, said: str) -> None:
    assert said in wrong_with(text)


def test_the_example_of_the_prompt_is_a_filter() -> None:
    assert wrong_with(HINT.partition(", mean")[0]) == ""
    assert not [each for each in conditions_from(HINT.partition(", mean")[0]) if isinstance(each, PeaksAt)]


def test_an_empty_table_says_why_and_how_to_see_all() -> None:
    said = "\n".join(no_neurons(NeuronView(filter_text="layer 3, |peak|>10, moon")))
    assert "layer 3\n" in said
    assert "|peak| from 10" in said
    assert "contains 'moon'" in said
    assert "/ Ctrl+U Enter: show all" in said


def test_a_search_that_nobody_waits_for_is_given_up(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlec_tui.measurements.neurons._STEPS", 1)
    with pytest.raises(MachineError):
        neuron_rows(store, KEY, NeuronView(filter_text="peak>3"), lambda: True)
