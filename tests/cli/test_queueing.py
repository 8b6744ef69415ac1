"""`--queue` on the verbs that measure."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from dlec_tui.cli.queueing import Queueing, queue_options
from engine.jobs.liveness import held
from engine.store.database import open_for_reading
from engine.store.jobs import Job, jobs_in
from tests.cli.conftest import write_plan
from tests.jobs.states import run_by, spec
from tests.jobs.workplace import Workplace

MEASURED = ("--text", "notes.txt", "--tokens", "256", "--seq-len", "16", "--dtype", "float32", "--batch-size", "8")
VERBS = {
    "profile": ("profile", "MODEL", *MEASURED),
    "score": ("score", "MODEL", "--metric", "ablation", "--blocks", "1:2,3:5", *MEASURED),
    "preview": ("preview", "plan.yaml", "--split", "selection", *MEASURED),
    "generate": ("generate", "plan.yaml", "--prompt", "Once", "--tokens", "5", "--dtype", "float16"),
}


@pytest.fixture(params=VERBS)
def arguments(request, dlec, plan: Path, tiny_llama: Path) -> list[str]:  # noqa: ARG001  these make what is named
    Path("notes.txt").write_text("Words.\n")
    return [str(tiny_llama) if word == "MODEL" else word for word in VERBS[request.param]]


def jobs(home: str = "store") -> tuple[Job, ...]:
    with closing(open_for_reading(Path(home, "dlec.sqlite"))) as connection:
        return jobs_in(connection)


class Asked(BaseException):  # nothing is wrong, and no verb may catch it
    """A verb has asked for its task."""


def asked_directly(dlec, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """The task and the request that a verb would have put to it at once."""

    def ask(task: str, request: dict[str, Any], *_: object) -> None:
        raise Asked(task, request)

    monkeypatch.setattr(f"dlec_tui.cli.{arguments[0]}.run_task", ask)
    with pytest.raises(Asked) as asked:
        dlec(*arguments)
    task, request = asked.value.args
    return task, request


def test_what_is_queued_is_what_the_verb_would_have_done(dlec, arguments: list[str], tmp_path, monkeypatch) -> None:
    task, request = asked_directly(dlec, arguments, monkeypatch)
    assert dlec(*arguments, "--queue").exit_code == 0
    [job] = jobs()
    in_place = {"working_directory": str(tmp_path)} if "plan" in request else {}
    assert job.spec.task == task
    assert job.spec.request == json.loads(json.dumps(request)) | in_place


def test_the_job_number_and_a_missing_worker_are_printed(dlec, arguments: list[str]) -> None:
    result = dlec(*arguments, "--queue")
    assert result.stdout == f"Queued job 1: {jobs()[0].spec.title}\n"
    assert result.stderr == "no worker for cpu is running: dlec jobs start\n"


def test_nothing_more_is_printed_if_a_worker_is_running(dlec, arguments: list[str], tmp_path) -> None:
    place = Workplace(tmp_path / "store")
    with held(tmp_path / "lock") as lock:
        run_by(place, place.submit(spec()), lock.path)
        assert dlec(*arguments, "--queue").stderr == ""


def test_as_json_it_is_the_number_of_the_job(dlec, arguments: list[str]) -> None:
    assert [json.loads(dlec(*arguments, "--queue", "--json").stdout) for _ in range(2)] == [{"job": 1}, {"job": 2}]


def test_a_higher_priority_goes_first(dlec, arguments: list[str]) -> None:
    dlec(*arguments, "--queue")
    dlec(*arguments, "--queue", "--priority", "5")
    assert [(job.id, job.spec.priority) for job in jobs()] == [(2, 5), (1, 0)]


def test_a_priority_without_a_queue_is_refused(dlec, arguments: list[str]) -> None:
    result = dlec(*arguments, "--priority", "5")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--priority is for --queue" in result.stderr


def test_a_slot_that_is_not_there_is_the_reason_why_it_waits(dlec, arguments: list[str]) -> None:
    Path("store").mkdir()
    Path("store/config.toml").write_text('[jobs]\nslots = ["cpu"]\n')
    result = dlec(*arguments, "--queue", "--device", "cuda:7")
    assert result.exit_code == 0
    assert result.stderr == "no slot cuda:7 on this host, only cpu\n"
    assert jobs()[0].spec.slot == "cuda:7"


def test_where_a_gpu_is_configured_the_job_is_for_it(dlec, arguments: list[str]) -> None:
    Path("store").mkdir()
    Path("store/config.toml").write_text('[jobs]\nslots = ["cpu", "cuda:0"]\n')
    dlec(*arguments, "--queue")
    dlec(*arguments, "--queue", "--device", "cpu")
    assert [job.spec.slot for job in jobs()] == ["cuda", "cpu"]


def test_a_device_that_is_none_is_a_usage_error(dlec, arguments: list[str]) -> None:
    result = dlec(*arguments, "--queue", "--device", "gpu")
    assert (result.exit_code, result.stdout) == (2, "")
    assert jobs() == ()


@pytest.mark.parametrize("verb", ["profile", "score", "preview"])
def test_the_job_uses_the_store_of_home(dlec, plan: Path, tiny_llama: Path, verb: str) -> None:
    what = {"profile": [tiny_llama], "score": [tiny_llama, "--metric", "ablation"], "preview": [plan]}
    dlec(verb, *what[verb], "--queue", "--home", "mine")
    dlec(verb, *what[verb], "--queue")
    requests = [jobs(home)[0].spec.request for home in ("mine", "store")]
    assert [request["home"] for request in requests] == [str(Path.cwd() / "mine"), str(Path.cwd() / "store")]


@pytest.mark.parametrize("verb", [("preview",), ("generate", "--prompt", "x")])
def test_a_plan_with_errors_is_not_queued(dlec, bad_plan: Path, plan: Path, verb: tuple[str, ...]) -> None:
    result = dlec(*verb, bad_plan, "--queue")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "layer-range" in result.stderr
    plan.write_text(plan.read_text() + "entirely_unknown: 1\n")
    assert dlec(*verb, plan, "--queue", "--strict").exit_code == 1
    assert jobs() == ()


@pytest.mark.slow
def test_the_result_is_the_same_as_without_the_queue(dlec, tiny_llama: Path, monkeypatch) -> None:
    monkeypatch.setattr("engine.jobs.worker.lower_priority", lambda: None)  # this process goes on with other tests
    write_plan(Path("plan.yaml"), Path("model"), (0, 4), (2, 6))
    Path("model").symlink_to(tiny_llama)
    preview = ("preview", "plan.yaml", "--tokens", "256", "--seq-len", "16", "--device", "cpu")
    dlec(*preview, "--queue")
    with monkeypatch.context() as elsewhere:
        elsewhere.chdir("store")
        assert dlec("worker", "--until-empty", "--slot", "cpu").exit_code == 0
    assert "found in the store, not measured again" in dlec(*preview).stdout


@click.command
@queue_options
def verb(queueing: Queueing | None) -> None:
    """Any verb."""
    click.echo(repr(queueing))


def test_a_verb_learns_whether_and_how_it_is_queued() -> None:
    said = [CliRunner().invoke(verb, words).stdout for words in ([], ["--queue"], ["--queue", "--priority", "-3"])]
    assert said == ["None\n", "Queueing(priority=0)\n", "Queueing(priority=-3)\n"]


def test_a_merge_into_an_output_that_exists_or_is_another_jobs_is_not_queued(dlec, plan: Path) -> None:
    Path("taken").mkdir()
    Path("taken/mine").touch()
    taken = dlec("merge", plan, "taken", "--queue")
    assert (taken.exit_code, taken.stdout) == (2, "")
    assert "exists and is not empty" in taken.stderr
    assert dlec("merge", plan, "taken", "--queue", "--overwrite").exit_code == 0
    assert dlec("merge", plan, "out", "--queue").exit_code == 0
    assert dlec("merge", plan, "out", "--queue").exit_code == 2
    assert len(jobs()) == 2
