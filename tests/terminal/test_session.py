"""The whole loop from a model to two verified ones, by keys alone, in a tmux session that is detached and attached."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.store.job_states import Done
from engine.tasks.verify import verify
from engine.units import byte_size
from tests.conftest import write_byte_tokenizer
from tests.jobs.workplace import Workplace, wait_until
from tests.real_models import linked
from tests.terminal.conftest import DLEC
from tests.terminal.ptys import terminal
from tests.terminal.tmux import Tmux
from tests.tiny import write_llama

WORK_SECONDS = 600.0
"""Maximum duration of a job."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """An empty home."""
    made = Workplace(tmp_path / "home")
    yield made
    made.end()


def write_small_model(working_directory: Path) -> Path:
    """A random model with as many layers as SmolLM2-135M."""
    model = write_llama(working_directory / "Small-30", layers=30, hidden=32, intermediate=64, vocab=256, tied=True)
    write_byte_tokenizer(model)
    return model


@pytest.fixture(
    params=[
        pytest.param("small", marks=pytest.mark.slow),
        pytest.param("smollm2", marks=[pytest.mark.real_model, pytest.mark.stress]),
    ]
)
def model(working_directory: Path, request: pytest.FixtureRequest) -> Path:
    if request.param == "small":
        return write_small_model(working_directory)
    return linked(request.getfixturevalue(request.param), working_directory)


def test_from_a_model_to_two_verified_ones(
    *, tmux: Tmux, environment: dict[str, str], place: Workplace, model: Path
) -> None:
    tmux.open(DLEC, model.parent, columns=100, rows=30)
    open_and_profile(tmux, model)
    mark_a_block(tmux, model)
    make_and_fix_a_mistake(tmux)
    preview_and_save(tmux)
    put_two_plans_on_the_batch_list(tmux)
    with terminal([*tmux.command, "attach"], environment, model.parent, 100, 31) as connection:
        run_the_batch(tmux)
        connection.hang_up()
        connection.exit_code()
    wait_until(lambda: merges_done(place) == 2, WORK_SECONDS)
    reports = [f"{size_of(model.parent / 'grown' / name)}, load chec" for name in ("first", "second")]
    tmux.wait_for(*reports)
    with terminal([*tmux.command, "attach"], environment, model.parent, 100, 31) as connection:
        connection.wait_for(*reports)
    for name, layers in (("first", 36), ("second", 35)):
        out = model.parent / "grown" / name
        assert open_checkpoint(out).layer_count == layers
        assert verify(out).ok


def size_of(checkpoint: Path) -> str:
    """Size of the weights as the list of jobs shows it."""
    return byte_size(sum(file.stat().st_size for file in checkpoint.glob("*.safetensors")))


def write(tmux: Tmux, text: str) -> None:
    """Replace the text of a prompt."""
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


def mark_a_block(tmux: Tmux, model: Path) -> None:
    """Mark layers 6 to 11 on the map and insert them into the plan."""
    tmux.press("v")
    tmux.wait_for("0: layer 0")
    tmux.press(*["Right"] * 6)
    tmux.wait_for("6: layer 6")
    tmux.press(*["Down"] * 5)
    tmux.wait_for("6:12: layers 6 to 11")
    tmux.press("Space")
    tmux.wait_for("marked: 6:12")
    tmux.press("a")
    tmux.wait_for(f"36 layers: 30 of {model.name}, 6 repeated", "0:12", "6:30")


def make_and_fix_a_mistake(tmux: Tmux) -> None:
    """Let a slice end past the last layer, then apply the automatic fix."""
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
    tmux.wait_for("perplexity +", "(95 % interval", seconds=WORK_SECONDS, never="1 failed")


def put_two_plans_on_the_batch_list(tmux: Tmux) -> None:
    """Save a second plan with one layer less; queue neither yet."""
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
