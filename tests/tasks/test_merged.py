"""When a merge is said to be done already."""

from pathlib import Path

import pytest

from engine.tasks.merge import merged_before
from tests.merge.stacks import PLAN, merged, stack_of
from tests.tiny import write_llama


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_llama(tmp_path / "base")


@pytest.fixture
def out(base: Path, tmp_path: Path) -> Path:
    """The merge of `base`."""
    merged(stack_of(base), tmp_path / "out")
    return tmp_path / "out"


def test_the_same_plan_over_the_same_weights_is_found(base: Path, out: Path) -> None:
    report = merged_before(out, PLAN, stack_of(base))
    assert report is not None
    assert report.layers == 8


def test_another_plan_is_not_found(base: Path, out: Path) -> None:
    assert merged_before(out, f"{PLAN}# changed\n", stack_of(base)) is None


def test_a_base_that_changed_under_its_path_is_not_found(base: Path, out: Path) -> None:
    write_llama(base, seed=7)
    assert merged_before(out, PLAN, stack_of(base)) is None


@pytest.mark.parametrize("name", ["model.safetensors", "dlec_manifest.json"])
def test_a_checkpoint_that_is_no_longer_whole_is_not_found(base: Path, out: Path, name: str) -> None:
    (out / name).write_bytes((out / name).read_bytes()[:-9])
    assert merged_before(out, PLAN, stack_of(base)) is None


def test_nothing_is_found_where_nothing_is(base: Path, tmp_path: Path) -> None:
    assert merged_before(tmp_path / "nowhere", PLAN, stack_of(base)) is None
