"""The sbatch script: read by bash, and run as Slurm would run it."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.jobs.slurm import JobArray, script_of
from tests.cli.conftest import write_plan
from tests.jobs.slow import slow_steps
from tests.jobs.states import run_by
from tests.jobs.workplace import Workplace, wait_until
from tests.tiny import write_llama

ROOT = Path(__file__).parents[2]
ARRAY_JOB = "4711"
NAMES = ["plain", 'it\'s "b"; $(touch owned) `touch owned` \\', "-dash *", "two\nlines # ü"]


def array_of(*plans: Path, out: Path = Path("/data/out"), options: tuple[str, ...] = ()) -> JobArray:
    return JobArray(plans, out, Path("/"), options)


def words(script: str, *lines: str) -> list[str]:
    """What bash reads the script's variables as: its last word each time."""
    variables = script[: script.index("cd -- ")]
    asked = "\n".join([variables, *(f"printf '%s\\0' {line}" for line in lines)])
    return subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True).stdout.split("\0")[:-1]


def test_bash_reads_any_name_as_it_is(tmp_path) -> None:
    plans = [tmp_path / f"{name}.yaml" for name in NAMES]
    script = script_of(array_of(*plans, out=tmp_path / NAMES[1], options=("--strict",)))
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    read = words(script, '"${plans[@]}"', '"${names[@]}"', '"${options[@]}"', '"$out"')
    assert read == [*map(str, plans), *NAMES, "--strict", str(tmp_path / NAMES[1])]


def test_no_name_leaves_its_comment() -> None:
    script = script_of(array_of(Path("/plans/a.yaml"), out=Path("/data/two\nlines")))
    *_, hint, end = script.split("\n")
    assert (hint, end) == (r"# dlec store merge '/data/two\nlines/.dlec-slurm'", "")


def test_the_directives_are_those_that_sbatch_reads_before_the_first_command() -> None:
    head = script_of(array_of(Path("/a.yaml"), Path("/b.yaml"), Path("/c.yaml"))).split("\n\n")[0]
    assert [line.removeprefix("#SBATCH ") for line in head.splitlines() if line.startswith("#SBATCH ")] == [
        "--job-name=dlec",
        "--array=0-2",
        "--requeue",
        "--signal=B:USR1@120",
        "--open-mode=append",
        "--output=dlec-%A_%a.log",
    ]


class Cluster:
    """A directory with a checkpoint, plans, and what a compute node has: bash, `dlec` and a `scontrol` that notes."""

    def __init__(self, room: Path) -> None:
        self.room, self.out = room, room / "all of them"
        self.model = write_llama(room / "model", hidden=64, intermediate=128)
        self._processes: list[subprocess.Popen[str]] = []
        self._programs = room / "bin"
        self._programs.mkdir()
        self._program("dlec", f'exec "{sys.executable}" -P -m dlec_tui "$@"')
        self._program("scontrol", f'echo "$@" >> "{room / "asked"}"')
        (room / "no-torch").mkdir()
        (room / "no-torch" / "torch.py").write_text("raise ImportError('not on this node')")  # no load checks

    def _program(self, name: str, command: str) -> None:
        file = self._programs / name
        file.write_text(f"#!/bin/sh\n{command}\n")
        file.chmod(0o755)

    @property
    def asked_of_scontrol(self) -> list[str]:
        log = self.room / "asked"
        return log.read_text().splitlines() if log.exists() else []

    def script(self, *names: str) -> Path:
        """Of plans that name their checkpoint relative to the directory in which they were handed in."""
        plans = [write_plan(self.room / f"{name}.yaml", Path(self.model.name), (0, 4), (2, 6)) for name in names]
        script = self.room / "array.sh"
        script.write_text(script_of(JobArray(tuple(plans), self.out, self.room, ("--max-shard-size", "100000"))))
        return script

    def environment(self, task: int, extra: dict[str, str]) -> dict[str, str]:
        paths = [extra.get("PYTHONPATH", ""), str(self.room / "no-torch"), str(ROOT)]
        return os.environ | {
            "SLURM_ARRAY_JOB_ID": ARRAY_JOB,
            "SLURM_ARRAY_TASK_ID": str(task),
            "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "interrupted": "whatever the user's shell has",
        }

    def start(self, script: Path, task: int, **extra: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = ["bash", str(script)]
        environment = self.environment(task, extra)
        process = subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, cwd="/", env=environment, start_new_session=True
        )
        self._processes.append(process)
        return process

    def end(self) -> None:
        """Whatever a failed test has left running."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def run(self, script: Path, task: int) -> int:
        process = self.start(script, task)
        self.said = process.communicate(timeout=120)
        return process.returncode

    def place(self, name: str) -> Workplace:
        return Workplace(self.out / ".dlec-slurm" / name)

    def dlec(self, *arguments: str) -> str:
        command = [str(self._programs / "dlec"), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=self.room, env=self.environment(0, {})
        ).stdout


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.end()


def test_every_task_of_the_array_merges_its_plan_and_the_stores_unite(cluster) -> None:
    script = cluster.script("a", "it's b")
    assert [cluster.run(script, task) for task in (0, 1)] == [0, 0], cluster.said
    for name in ("a", "it's b"):
        assert len(list((cluster.out / name).glob("model-*.safetensors"))) > 1
    hint = script.read_text().splitlines()[-1].removeprefix("# ")
    cluster.dlec(*shlex.split(hint)[1:], "--home", "united")
    listed = cluster.dlec("jobs", "list", "--home", "united")
    assert listed.count("done") == 2
    assert cluster.asked_of_scontrol == []


def test_a_task_that_has_no_time_left_asks_to_be_queued_again_and_then_goes_on(cluster) -> None:
    script, place = cluster.script("a"), cluster.place("a")
    process = cluster.start(script, 0, **slow_steps(cluster.room / "steps"))
    wait_until(lambda: place.store.exists() and place.jobs() and place.is_running(1) and place.job(1).state.progress)
    process.send_signal(signal.SIGUSR1)
    said = process.communicate(timeout=60)
    assert process.returncode == 75, said
    assert cluster.asked_of_scontrol == [f"requeue {ARRAY_JOB}_0"]
    assert place.job(1).state_name == "waiting"
    assert not (cluster.out / "a").exists()

    assert cluster.run(script, 0) == 0, cluster.said
    assert (cluster.out / "a" / "config.json").exists()
    assert [(job.id, job.state_name) for job in place.jobs()] == [(1, "done")]
    assert cluster.asked_of_scontrol == [f"requeue {ARRAY_JOB}_0"]


def test_a_task_that_is_cancelled_is_not_queued_again(cluster) -> None:
    script, place = cluster.script("a"), cluster.place("a")
    process = cluster.start(script, 0, **slow_steps(cluster.room / "steps"))
    wait_until(lambda: place.store.exists() and place.jobs() and place.is_running(1) and place.job(1).state.progress)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)
    assert process.returncode == 75, said
    assert place.job(1).state_name == "waiting"
    assert cluster.asked_of_scontrol == []


def test_a_task_goes_on_from_a_node_that_is_gone(cluster) -> None:
    script, place = cluster.script("a"), cluster.place("a")
    home = ("--home", str(place.home))
    cluster.dlec("batch", "a.yaml", "--out", str(cluster.out), "--max-shard-size", "100000", *home)
    run_by(place, 1, place.home / "lock", host="the-node-that-is-gone")
    assert cluster.run(script, 0) == 0, cluster.said
    assert place.job(1).state_name == "done"


def test_a_task_that_failed_ends_as_failed_and_is_tried_again_when_it_is_submitted_again(cluster) -> None:
    script, place = cluster.script("a"), cluster.place("a")
    home = ("--home", str(place.home))
    cluster.dlec("batch", "a.yaml", "--out", str(cluster.out), *home)
    shutil.move(cluster.model, cluster.room / "elsewhere")
    assert cluster.run(script, 0) == 4, cluster.said
    assert place.job(1).state_name == "failed"
    shutil.move(cluster.room / "elsewhere", cluster.model)
    assert cluster.run(script, 0) == 0, cluster.said
    assert place.job(1).state_name == "done"
    assert cluster.asked_of_scontrol == []


def test_it_is_only_for_the_tasks_of_an_array(cluster) -> None:
    environment = cluster.environment(0, {})
    del environment["SLURM_ARRAY_TASK_ID"]
    done = subprocess.run(["bash", cluster.script("a")], capture_output=True, text=True, env=environment, cwd="/")
    assert done.returncode != 0
    assert "submit this with sbatch" in done.stderr
    assert not cluster.out.exists()
