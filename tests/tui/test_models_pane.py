"""The list of models, by its keys and by what stands on the screen."""

import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot

from dlec_tui.app import Workbench
from dlec_tui.session.state import Session, save_session
from dlec_tui.widgets.model_table import ModelTable
from engine.store.database import open_for_writing
from engine.store.jobs import JobSpec
from engine.store.models import ModelRow, save_model
from tests.fake_hub import serving
from tests.tiny import write_llama
from tests.tui.conftest import eventually, played, settled, text_of

SCREENS = Path(__file__).parent / "screens"
UNTYPEABLE = {"/": "slash", "-": "minus", "_": "underscore", ".": "full_stop"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_llama: Path) -> Path:
    """A store with one model that is not here, and a directory with a good and a broken one, where dlec is started."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no-hub-cache"))
    here = tmp_path / "here"
    shutil.copytree(tiny_llama, here / "tiny-llama")
    (write_llama(here / "broken") / "config.json").write_text("{")
    monkeypatch.chdir(here)
    store = tmp_path / "dlec.sqlite"
    with closing(open_for_writing(store)) as db:
        save_model(db, ModelRow("0dd", "org/Measured-8B", "qwen3", 36, 4096, 8_190_735_360, 16_381_470_720))
    return store


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> list[JobSpec]:
    """What is submitted."""
    submitted: list[JobSpec] = []
    monkeypatch.setattr(Workbench, "submit", lambda _app, some: submitted.extend(some))
    return submitted


def seen(store: Path, *groups: Sequence[str], size: tuple[int, int] = (80, 24)) -> list[str]:
    """The screens after each group of keys, one after another."""
    screens = []

    async def play(pilot: Pilot[None]) -> None:
        for group in groups:
            await pilot.press(*group)
            await settled(pilot)
            screens.append(text_of(pilot.app))

    save_session(store, Session())
    played(store, play, size)
    return screens


def typed(text: str) -> list[str]:
    return [UNTYPEABLE.get(letter, letter) for letter in text]


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_the_pane_is_as_it_was_agreed(home: Path, size: tuple[int, int]) -> None:
    """Write the files anew with WRITE_SCREENS=1, and look at them."""
    golden = SCREENS / f"models-{size[0]}x{size[1]}.txt"
    [screen] = seen(home, [], size=size)
    if os.environ.get("WRITE_SCREENS"):
        golden.write_text(screen)
    assert screen == golden.read_text()


def test_the_model_under_the_cursor_is_told_with_its_problem(home: Path) -> None:
    gone, broken, good = seen(home, [], ["j"], ["j"])
    assert "org/Measured-8B  (measured)" in gone
    assert "is not valid JSON" in broken
    assert "6 layers · hidden size 32 · 70,048 parameters · 280 kB · F32" in good


def test_enter_opens_what_can_be_opened(home: Path) -> None:
    refused, opened = seen(home, ["j", "enter"], ["j", "enter"])
    assert "cannot open the model" in refused
    assert "tiny-llama has no measurements" in opened


def test_profiling_and_downloading_are_jobs(home: Path, specs: list[JobSpec]) -> None:
    refused, _, _ = seen(home, ["p"], ["d", "y"], ["G", "p"])
    assert "the weights are not on this disk" in refused
    assert [spec.title for spec in specs] == ["download org/Measured-8B", "profile tiny-llama"]
    assert specs[1].request["home"] == str(home.parent)


def test_a_filter_leaves_what_has_its_words(home: Path) -> None:
    filtered, everything = seen(home, ["slash", *"tiny", "enter"], ["slash", *4 * ["backspace"], "enter"])
    assert "1 model of 3, filter: tiny" in filtered
    assert "Measured-8B" not in filtered.partition("╭─ model ")[0]
    assert "3 models" in everything


def test_a_directory_is_added_with_completion_and_forgotten(home: Path, tmp_path: Path) -> None:
    write_llama(tmp_path / "elsewhere" / "models" / "far-llama", seed=5)
    begun = typed(str(tmp_path / "elsewhere" / "mo"))
    refused, _, added, forgotten = seen(
        home, ["a", *typed("no/such/place"), "enter"], ["escape", "a", *begun], ["tab", "enter"], ["x"]
    )
    assert "is neither a directory nor ORG/NAME" in refused
    assert "4 models" in added
    assert "far-llama  (added)" in added
    assert "3 models" in forgotten


def test_a_model_of_the_hub_is_told_by_its_headers(
    home: Path, tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with serving("org/far", tiny_llama) as hub:
        for name, value in hub.environment.items():
            monkeypatch.setenv(name, value)
        [screen] = seen(home, ["a", *typed("org/far"), "enter"])
    assert "org/far  (added)" in screen
    assert "6 layers · hidden size 32" in screen
    assert "d: download" in screen


def test_hundreds_of_directories_are_listed_while_keys_are_answered(home: Path) -> None:
    template = Path("tiny-llama")
    for number in range(300):
        copy = Path(f"many/m{number:03}")
        copy.mkdir(parents=True)
        for file in template.iterdir():
            (copy / file.name).hardlink_to(file)

    async def walk(pilot: Pilot[None]) -> None:
        table = pilot.app.screen.query_one(ModelTable)
        await eventually(pilot, lambda: table.row_count > 3)
        await pilot.press("j")
        assert table.cursor_row == 1
        await eventually(pilot, lambda: table.row_count == 303)

    played(home, walk)


def test_nothing_at_all_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no-hub-cache"))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    [screen] = seen(tmp_path / "dlec.sqlite", [])
    assert "dlec demo" in screen
    assert not (tmp_path / "dlec.sqlite").exists()
