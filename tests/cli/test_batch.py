"""`dlec batch`."""

import json
import os
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from engine.store.database import open_for_reading
from engine.store.jobs import Job, jobs_in
from tests.cli.conftest import write_plan
from tests.jobs.states import run_by, spec
from tests.jobs.workplace import Workplace


@pytest.fixture(autouse=True)
def plans(dlec, tiny_llama: Path) -> Path:  # noqa: ARG001  it changes the directory
    """Three good plans in ./plans."""
    directory = Path("plans")
    directory.mkdir()
    for end, name in enumerate(("a", "b", "c"), start=4):
        write_plan(directory / f"{name}.yaml", tiny_llama, (0, end), (2, 6), extra="# dlec: off edge-layers\n")
    return directory


def jobs() -> tuple[Job, ...]:
    with closing(open_for_reading(Path("store/dlec.sqlite"))) as connection:
        return jobs_in(connection)


def free(monkeypatch: pytest.MonkeyPatch, nbytes: int) -> None:
    monkeypatch.setattr("engine.jobs.batch.free_bytes", lambda _directory: nbytes)


def rehearsed(dlec, *arguments: str) -> dict:
    return json.loads(dlec("batch", *arguments, "--out", "out", "--dry-run", "--json").stdout)


def test_each_plan_becomes_a_merge_named_after_it(dlec) -> None:
    result = dlec("batch", "plans/a.yaml", "plans/b.yaml", "--out", "out")
    assert result.exit_code == 0
    assert result.stdout == "Queued job 1: merge a.yaml into out/a\nQueued job 2: merge b.yaml into out/b\n"
    assert result.stderr == "no worker for cpu is running: dlec jobs start\n"
    specs = [job.spec for job in jobs()]
    assert [spec.request["out"] for spec in specs] == [str(Path.cwd() / "out" / name) for name in "ab"]
    assert [spec.request["plan"] for spec in specs] == [Path(f"plans/{name}.yaml").read_text() for name in "ab"]
    assert not Path("out").exists()


def test_the_jobs_of_a_call_share_a_batch_and_another_call_has_its_own(dlec) -> None:
    first = json.loads(dlec("batch", "plans/a.yaml", "plans/b.yaml", "--out", "out", "--json").stdout)
    second = json.loads(dlec("batch", "plans/c.yaml", "--out", "out", "--json").stdout)
    assert (first["jobs"], second["jobs"]) == ([1, 2], [3])
    assert [job.spec.batch for job in jobs()] == [first["batch"], first["batch"], second["batch"]]
    assert first["batch"] != second["batch"]


def test_priority_and_shard_size_reach_the_jobs(dlec) -> None:
    dlec("batch", "plans/a.yaml", "--out", "out", "--priority", "7", "--max-shard-size", "2MB", "--home", "store")
    [job] = jobs()
    assert job.spec.priority == 7
    assert job.spec.request["options"]["max_shard_size"] == 2_000_000


def test_a_quoted_pattern_is_expanded_and_a_plan_named_twice_is_one(dlec) -> None:
    found = rehearsed(dlec, "plans/[bc].yaml", "plans/*.yaml", "./plans/a.yaml")
    assert [merge["plan"] for merge in found["merges"]] == ["plans/b.yaml", "plans/c.yaml", "plans/a.yaml"]


def test_a_file_called_like_a_pattern_is_that_file(dlec, tiny_llama: Path) -> None:
    write_plan(Path("plans/[ab].yaml"), tiny_llama, (0, 6))
    assert [merge["out"] for merge in rehearsed(dlec, "plans/[ab].yaml")["merges"]] == ["out/[ab]"]


def test_a_rehearsal_shows_what_would_be_written_and_queues_nothing(dlec, monkeypatch) -> None:
    free(monkeypatch, 10_000_000)
    result = dlec("batch", "plans/*.yaml", "--out", "out", "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "plan          output  layers     parameters    size",
        "plans/a.yaml  out/a        8  90.7 thousand  370 kB",
        "plans/b.yaml  out/b        9   101 thousand  412 kB",
        "plans/c.yaml  out/c       10   111 thousand  455 kB",
        "3 merges: 1.24 MB needed; 10.0 MB free in out",
    ]
    assert jobs() == ()


def test_a_rehearsal_as_json_has_the_figures(dlec, monkeypatch) -> None:
    free(monkeypatch, 10_000_000)
    dlec("batch", "plans/b.yaml", "--out", "elsewhere")
    found = rehearsed(dlec, "plans/a.yaml")
    [merge] = found.pop("merges")
    assert merge == {"plan": "plans/a.yaml", "out": "out/a", "layers": 8, "parameters": 90656, "bytes": 370240}
    assert found == {
        "ok": True,
        "needed_bytes": 370240,
        "queued_bytes": 412352,
        "free_bytes": 10_000_000,
        "problems": [],
    }


def test_a_rehearsal_counts_what_is_queued_already(dlec, monkeypatch) -> None:
    free(monkeypatch, 10_000_000)
    dlec("batch", "plans/b.yaml", "--out", "elsewhere")
    *_, last = dlec("batch", "plans/a.yaml", "--out", "out", "--dry-run").stdout.splitlines()
    assert last == "1 merge: 370 kB needed, 412 kB more for queued merges; 10.0 MB free in out"


def test_all_problems_are_reported_together_and_nothing_is_queued(dlec, bad_plan, tiny_llama, monkeypatch):
    Path("others").mkdir()
    write_plan(Path("others/a.yaml"), tiny_llama, (0, 6))
    dlec("batch", "plans/b.yaml", "--out", "out")
    Path("out/c").mkdir(parents=True)
    Path("out/c/mine").touch()
    free(monkeypatch, 800_000)
    result = dlec("batch", bad_plan, "nowhere.yaml", "plans/*.yaml", "others/a.yaml", "--out", "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "bad.yaml:8:18 error layer-range" in result.stderr
    errors = [line.removeprefix("Error: ") for line in result.stderr.splitlines() if line.startswith("Error: ")]
    here = Path.cwd()
    assert errors == [
        "no plan file matches nowhere.yaml",
        f"{bad_plan} cannot be run: 1 error",
        f"{here}/out/a would be written 2 times: it is the output of plans/a.yaml, others/a.yaml",
        f"{here}/out/c exists and is not empty: it holds 1 entries",
        f"{here}/out/b is the output of job 1: that job is waiting: merge b.yaml into out/b",
        "the disk is too full for out: 1.52 MB are needed by the batch, 412 kB more by merges that are queued already, "
        "and 800 kB are free",
    ]
    assert len(jobs()) == 1


@pytest.mark.parametrize("how", [(), ("--dry-run",), ("--slurm",)])
def test_the_exit_code_says_what_kind_of_problem_it_is(dlec, bad_plan, monkeypatch, how: tuple[str, ...]) -> None:
    Path("out/a").mkdir(parents=True)
    Path("out/a/mine").touch()
    assert dlec("batch", bad_plan, "--out", "out", *how).exit_code == 1
    assert dlec("batch", "plans/a.yaml", "--out", "out", *how).exit_code == 2
    free(monkeypatch, 1000)
    assert dlec("batch", "plans/b.yaml", "--out", "out", *how).exit_code == 3
    assert jobs() == ()


def test_a_dry_run_shows_the_good_plans_and_the_problems(dlec, bad_plan) -> None:
    result = dlec("batch", bad_plan, "plans/a.yaml", "--out", "out", "--dry-run")
    assert "plans/a.yaml  out/a" in result.stdout
    assert "layer-range" in result.stderr
    found = rehearsed(dlec, str(bad_plan), "plans/a.yaml")
    assert (found["ok"], len(found["merges"]), found["problems"]) == (
        False,
        1,
        [f"{bad_plan} cannot be run: 1 error"],
    )


def test_a_batch_that_is_begun_already_is_refused_with_its_jobs(dlec, tmp_path: Path) -> None:
    place = Workplace(tmp_path / "store")
    dlec("batch", "plans/a.yaml", "plans/b.yaml", "--out", "out")
    run_by(place, 1, tmp_path / "lock")
    again = dlec("batch", "plans/a.yaml", "plans/b.yaml", "--out", "out")
    assert again.exit_code == 2
    assert "job 1: that job is running" in again.stderr
    assert "job 2: that job is waiting" in again.stderr


def test_strict_refuses_a_plan_with_warnings(dlec) -> None:
    Path("plans/a.yaml").write_text(Path("plans/a.yaml").read_text() + "entirely_unknown: 1\n")
    assert dlec("batch", "plans/a.yaml", "--out", "out", "--strict").exit_code == 1
    assert jobs() == ()
    result = dlec("batch", "plans/a.yaml", "--out", "out")
    assert result.exit_code == 0
    assert "unknown-key" in result.stderr


def test_for_slurm_there_is_a_script_and_nothing_is_queued(dlec) -> None:
    result = dlec("batch", "plans/*.yaml", "--out", "out", "--slurm", "--strict", "--max-shard-size", "2MB")
    assert result.exit_code == 0
    assert "#SBATCH --array=0-2\n" in result.stdout
    assert f"plans=(\n    {Path.cwd()}/plans/a.yaml\n" in result.stdout
    assert "options=(\n    --max-shard-size\n    2000000\n    --strict\n)\n" in result.stdout
    subprocess.run(["bash", "-n"], input=result.stdout, text=True, check=True)
    assert jobs() == ()


def test_a_script_names_plans_whose_names_are_not_text(dlec) -> None:
    plan = os.fsdecode(b"plans/\xff.yaml")
    Path("plans/a.yaml").rename(plan)
    result = dlec("batch", plan, "--out", "out", "--slurm")
    assert result.exit_code == 0
    assert b"plans/\xff.yaml" in result.stdout_bytes


@pytest.mark.parametrize("other", [("--dry-run",), ("--json",), ("--priority", "1")])
def test_slurm_goes_with_nothing_that_is_about_the_queue(dlec, other: tuple[str, ...]) -> None:
    assert dlec("batch", "plans/a.yaml", "--out", "out", "--slurm", *other).exit_code == 2


@pytest.mark.parametrize("words", [("--out", "out"), ("plans/a.yaml",), ("plans/a.yaml", "--out", "plans/b.yaml")])
def test_what_is_not_understood_is_a_usage_error(dlec, words: tuple[str, ...]) -> None:
    assert dlec("batch", *words).exit_code == 2


def test_jobs_that_write_nothing_do_not_conflict(dlec, tmp_path: Path) -> None:
    Workplace(tmp_path / "store").submit(spec())
    assert dlec("batch", "plans/a.yaml", "--out", "out").exit_code == 0
