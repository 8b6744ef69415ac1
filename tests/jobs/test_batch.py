"""What stands in the way of a batch, and how much disk it takes."""

from datetime import datetime
from pathlib import Path

import pytest

from engine.checkpoint.find import opener
from engine.errors import DiskFullError, UsageError
from engine.jobs import batch as disk
from engine.jobs.batch import (
    DiskUse,
    PlannedMerge,
    Target,
    batch_id,
    conflicts,
    disk_use,
    output_name,
    planned_merge,
    shortage,
    target_of,
    unfinished_merges,
)
from engine.jobs.job_specs import NamedPlan, merge_spec
from engine.jobs.queue import cancel, hold
from engine.merge.draft import MergeOptions
from engine.merge.partial import partial_of
from engine.plan.check import check_plan
from engine.store.job_states import Stop
from tests.cli.conftest import write_plan
from tests.jobs.states import run_by, spec

OPTIONS = MergeOptions()


@pytest.fixture
def target(tmp_path: Path, tiny_llama: Path) -> Target:
    (tmp_path / "plans").mkdir()
    return target_of(write_plan(tmp_path / "plans" / "big.yaml", tiny_llama, (0, 4), (2, 6)), tmp_path)


def named(target: Target, directory: Path) -> NamedPlan:
    checked = check_plan(target.plan.read_text(), opener())
    assert checked.stack is not None
    return NamedPlan(target.plan.name, checked.text, checked.stack, directory)


@pytest.fixture
def merge(target: Target, tmp_path: Path) -> PlannedMerge:
    return planned_merge(target, named(target, tmp_path), OPTIONS)


def queued(merge: PlannedMerge):
    return merge_spec(merge.plan, merge.target.out, OPTIONS)


@pytest.mark.parametrize(
    ("plan", "name"),
    [
        ("plans/big.yaml", "big"),
        ("big.yml", "big"),
        ("big-v1.5", "big-v1.5"),
        ("big.v2.yaml", "big.v2"),
        (".yaml", ".yaml"),
        ("..yaml", "..yaml"),
        ("...yaml", "...yaml"),
    ],
)
def test_an_output_is_called_after_its_plan_and_always_lies_in_the_directory(plan: str, name: str) -> None:
    assert output_name(Path(plan)) == name
    assert target_of(Path(plan), Path("out")).out == Path("out", name)


def test_two_batches_of_one_second_have_different_names() -> None:
    names = {batch_id(datetime(2026, 4, 1, 23, 30)) for _ in range(20)}
    assert len(names) > 1
    assert all(name.startswith("20260401-233000-") for name in names)


def test_nothing_stands_in_the_way_of_new_outputs(target, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    assert [*conflicts([target, Target(Path("p"), tmp_path / "empty")], [])] == []


def test_two_plans_of_one_output_are_named(target, tmp_path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    same = target_of(Path("others/big.yaml"), tmp_path / "link")
    [problem] = conflicts([target, same], [])
    assert isinstance(problem, UsageError)
    assert f"{tmp_path / 'big'} would be written 2 times" in problem.what
    assert str(target.plan) in problem.why
    assert "others/big.yaml" in problem.why


def test_an_output_that_exists_is_not_replaced(target) -> None:
    target.out.mkdir()
    (target.out / "mine").touch()
    [problem] = conflicts([target], [])
    assert isinstance(problem, UsageError)
    assert "exists and is not empty" in problem.what
    assert "--overwrite" not in problem.fix


def test_an_output_of_a_job_that_has_not_ended_is_its_own(place, target, merge, tmp_path) -> None:
    waiting, held, running, cancelled = place.submit(*[queued(merge)] * 4)
    hold(place.store, held)
    run_by(place, running, tmp_path / "lock")
    cancel(place.store, cancelled, Stop.DISCARD)
    unfinished = unfinished_merges(place.store)
    problems = [problem.line for problem in conflicts([target], unfinished)]
    assert sorted(problems) == [
        f"{target.out} is the output of job {job}: that job is {state}: merge big.yaml into {target.out}"
        for job, state in ((waiting, "waiting"), (held, "held"), (running, "running"))
    ]


def test_only_merges_write_outputs(place) -> None:
    place.submit(spec())
    assert unfinished_merges(place.store) == []


def test_an_output_from_which_something_is_read_is_refused(tiny_llama, target, tmp_path) -> None:
    inside = Target(target.plan, tiny_llama)
    with pytest.raises(UsageError, match="is read from there"):
        planned_merge(inside, named(target, tmp_path), OPTIONS)


def test_a_batch_needs_what_its_shards_take(merge, tmp_path) -> None:
    use = disk_use(tmp_path, [merge], [], opener())
    assert use.batch == merge.draft.layout.nbytes
    assert (use.queued, use.directory) == (0, tmp_path)
    assert use.free > 0


def test_what_an_interrupted_run_has_allocated_is_not_needed_again(merge, tmp_path) -> None:
    model = partial_of(merge.target.out).model
    model.mkdir(parents=True)
    (model / "model.safetensors").write_bytes(bytes(merge.draft.layout.nbytes))
    assert disk_use(tmp_path, [merge], [], opener()).batch == 0


def test_merges_that_wait_for_the_same_disk_need_theirs_too(place, merge, tmp_path) -> None:
    place.submit(queued(merge), queued(merge))
    assert disk_use(tmp_path, [], unfinished_merges(place.store), opener()).queued == 2 * merge.draft.layout.nbytes


def test_merges_onto_another_disk_need_nothing_here(place, merge, tmp_path, monkeypatch) -> None:
    place.submit(queued(merge))
    monkeypatch.setattr(disk, "_device", lambda path: int(path == tmp_path))
    assert disk_use(tmp_path, [], unfinished_merges(place.store), opener()).queued == 0


def test_a_queued_plan_is_looked_up_where_it_was_submitted(place, target, tiny_llama, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tiny_llama.parent)
    target.plan.write_text(target.plan.read_text().replace(str(tiny_llama), tiny_llama.name))
    merge = planned_merge(target, named(target, tiny_llama.parent), OPTIONS)
    place.submit(queued(merge))
    monkeypatch.chdir(tmp_path)
    assert disk_use(tmp_path, [], unfinished_merges(place.store), opener()).queued == merge.draft.layout.nbytes


def test_a_queued_plan_whose_checkpoint_is_gone_will_write_nothing(place, merge, tmp_path) -> None:
    gone = merge_spec(merge.plan, merge.target.out, OPTIONS)
    gone.request["plan"] = merge.plan.text.replace("tiny-llama", "gone")
    place.submit(gone)
    assert disk_use(tmp_path, [], unfinished_merges(place.store), opener()).queued == 0


def test_what_fits_to_the_byte_fits() -> None:
    assert [*shortage(DiskUse(Path("out"), batch=60, queued=40, free=100))] == []


def test_what_does_not_fit_is_refused_with_the_figures() -> None:
    [problem] = shortage(DiskUse(Path("out"), batch=70_000_000, queued=40_000_000, free=100_000_000))
    assert isinstance(problem, DiskFullError)
    assert problem.why == (
        "70.0 MB are needed by the batch, 40.0 MB more by merges that are queued already, and 100 MB are free"
    )
