"""The whole loop on a real model, by nothing but keys, in a tmux that is left and come back to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.store.job_states import Done
from engine.tasks.verify import verify
from tests.jobs.workplace import Workplace, wait_until
from tests.real_models import linked
from tests.terminal.conftest import DLEC
from tests.terminal.ptys import terminal
from tests.terminal.tmux import Tmux

pytestmark = pytest.mark.real_model

WORK_SECONDS = 600.0
"""That a job on the model may take."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """A home in which nothing was done yet."""
    made = Workplace(tmp_path / "home")
    yield made
    made.end()


@pytest.fixture
def model(working_directory: Path, smollm2: Path) -> Path:
    return linked(smollm2, working_directory)


def test_from_a_model_to_two_verified_ones(
    *, tmux: Tmux, environment: dict[str, str], place: Workplace, model: Path
) -> None:
    tmux.open(DLEC, model.parent, columns=100, rows=30)
    open_and_profile(tmux, model)
    mark_a_block(tmux)
    make_and_mend_a_mistake(tmux)
    preview_and_save(tmux)
    put_two_plans_on_the_batch_list(tmux)
    with terminal([*tmux.command, "attach"], environment, model.parent, 100, 31) as connection:
        run_the_batch(tmux)
        connection.hang_up()
        connection.exit_code()
    wait_until(lambda: merges_done(place) == 2, WORK_SECONDS)
    with terminal([*tmux.command, "attach"], environment, model.parent, 100, 31) as connection:
        connection.wait_for("312 MB, load check", "304 MB, load check")
        find_both_verified(tmux)
    for name, layers in (("first", 36), ("second", 35)):
        out = model.parent / "grown" / name
        assert open_checkpoint(out).layer_count == layers
        assert verify(out).ok


def write(tmux: Tmux, text: str) -> None:
    """In place of what stands there."""
    tmux.press("C-u")
    tmux.type(text)


def open_and_profile(tmux: Tmux, model: Path) -> None:
    tmux.wait_for(model.name, "30", "not profiled")
    tmux.press("Enter")
    tmux.wait_for("has no measurements")
    tmux.press("p")
    tmux.wait_for("maximum tokens", "4096")
    write(tmux, "1024")
    tmux.press("Enter")
    tmux.wait_for("block influence", "layer 0 of 30", seconds=WORK_SECONDS, never="1 failed")


def mark_a_block(tmux: Tmux) -> None:
    """Layers 6 to 11, on the map, and into the plan with it."""
    tmux.press("v")
    tmux.wait_for("0: layer 0")
    tmux.press(*["Right"] * 6)
    tmux.wait_for("6: layer 6")
    tmux.press(*["Down"] * 5)
    tmux.wait_for("6:12: layers 6 to 11")
    tmux.press("Space")
    tmux.wait_for("marked: 6:12")
    tmux.press("a")
    tmux.wait_for("36 layers: 30 of SmolLM2-135M-Instruct, 6 repeated", "0:12", "6:30")


def make_and_mend_a_mistake(tmux: Tmux) -> None:
    """A slice that ends behind the last layer."""
    tmux.press("Down")
    tmux.wait_for("new layers 12:36")
    tmux.press("+")
    tmux.wait_for("1 error", "[6, 31] ends past the last layer: the checkpoint has 30", "f: [6, 30]")
    tmux.press("p")
    tmux.wait_for("the plan has 1 error")
    tmux.press("f")
    tmux.wait_for("36 layers")
    tmux.wait_until_gone("1 error")


def preview_and_save(tmux: Tmux) -> None:
    tmux.press("p")
    tmux.wait_for("preview: job 2")
    tmux.press("C-s")
    tmux.wait_for("save the plan as")
    tmux.type("first")
    tmux.press("Enter")
    tmux.wait_for("saved first.yaml")
    tmux.wait_for("perplexity +", "on text not used to choose it", seconds=WORK_SECONDS, never="1 failed")


def put_two_plans_on_the_batch_list(tmux: Tmux) -> None:
    """The second has a layer less."""
    tmux.press("b")
    tmux.wait_for("batch: 1 plan", "first.yaml")
    tmux.press("3")
    tmux.wait_for("36 layers", "slice 2")
    tmux.press("]")
    tmux.wait_for("35 layers")
    tmux.press("S")
    tmux.wait_for("save the plan as")
    write(tmux, "second")
    tmux.press("Enter")
    tmux.wait_for("saved second.yaml")
    tmux.press("b")
    tmux.wait_for("batch: 2 plans", "first.yaml", "second.yaml")


def run_the_batch(tmux: Tmux) -> None:
    tmux.press("o")
    tmux.wait_for("output directory of the batch")
    write(tmux, "grown")
    tmux.press("Enter")
    tmux.wait_for("grown")
    tmux.press("b")
    tmux.wait_for("in 2 merges into")
    tmux.press("y")
    tmux.wait_for("queued 2 merges")


def merges_done(place: Workplace) -> int:
    return sum(job.spec.task == "merge" for job in place.jobs(Done))


def find_both_verified(tmux: Tmux) -> None:
    tmux.wait_for("312 MB, load check", "304 MB, load check")
