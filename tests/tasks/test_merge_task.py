"""What the merge task promises to whoever runs it as a job: one answer, whatever happened to the runs before."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CheckpointError, PlanError, UsageError
from engine.merge.partial import locked, partial_of
from engine.plan.source_defects import Opened
from engine.plan.stack import Stack
from engine.protocol import no_report
from engine.tasks import merge
from engine.tasks.header_checks import HeaderChecks
from engine.tasks.loadcheck import LoadCheck
from engine.tasks.process import EngineProcess
from tests.merge.stacks import leftovers
from tests.tasks.conftest import part, plan_of
from tests.tiny import write_llama

SHAPE = ["out", "bytes", "seconds", "shards", "tensors_copied", "tensors_computed", "loadcheck"]
Asked = dict[str, Any]


class Killed(BaseException):
    """What no handler catches."""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_llama(tmp_path / "base")


@pytest.fixture
def asked(base: Path, tmp_path: Path) -> Asked:
    """A merge of 6 layers into 8."""
    plan = plan_of(part(base, 0, 4), part(base, 2, 6))
    return {"plan": plan, "out": str(tmp_path / "out"), "options": {"load_check": False}, "downloads": False}


@contextmanager
def dying_in(patch: pytest.MonkeyPatch, step: str) -> Iterator[None]:
    """A run that dies when it comes to `step`."""
    with patch.context() as within:
        within.setattr(step, die)
        with pytest.raises(Killed):
            yield


def die(*_arguments: object) -> None:
    raise Killed


def settled(answer: Asked) -> Asked:
    """What must not change from run to run."""
    assert list(answer) == SHAPE
    return {key: value for key, value in answer.items() if key not in ("seconds", "loadcheck")}


def test_a_process_of_tasks_answers_as_the_verb_does(asked: Asked) -> None:
    said: list[tuple[int, int, str]] = []
    with EngineProcess(["engine.tasks", "merge"], None) as process:
        request = {"task": "merge", "request": asked | {"options": {}}}
        answer = process.answer(request, lambda *progress: said.append(progress))
    assert settled(answer)["bytes"] == Path(asked["out"], "model.safetensors").stat().st_size
    assert answer["loadcheck"]["architecture"] == "LlamaForCausalLM"
    assert list(dict.fromkeys(what for _, _, what in said)) == ["merging", "checking that it loads"]
    done, total, _ = said[-1]
    assert 0 < done == total < answer["bytes"]


def test_a_plan_that_cannot_be_run_says_what_is_wrong_with_it(asked: Asked, base: Path) -> None:
    with pytest.raises(PlanError, match=r"the plan cannot be run: line 1: .*the checkpoint has 6"):
        merge.run(asked | {"plan": plan_of(part(base, 0, 9))}, no_report)
    assert not Path(asked["out"]).exists()


def test_what_is_not_here_is_downloaded_only_when_asked(asked: Asked, base: Path, monkeypatch, tmp_path: Path) -> None:
    def download(_reference: str) -> None:
        snapshot = tmp_path / "cache/models--org--tiny/snapshots/main"
        snapshot.parent.mkdir(parents=True)
        base.rename(snapshot)

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("engine.tasks.download.download", download)
    asked["plan"] = plan_of(part(Path("org/tiny"), 0, 4))
    with pytest.raises(PlanError, match="org/tiny is neither"):
        merge.run(asked, no_report)
    assert merge.run(asked | {"downloads": True}, no_report)["shards"] == 1


def test_a_run_that_died_behind_its_publication_has_succeeded_when_it_is_resumed(asked: Asked, monkeypatch) -> None:
    with dying_in(monkeypatch, "engine.tasks.merge._described"):
        merge.run(asked, no_report)
    before = Path(asked["out"], "dlec_manifest.json").stat()
    answer = merge.run(asked | {"resumes": True}, no_report)
    assert Path(asked["out"], "dlec_manifest.json").stat() == before
    assert settled(answer) == settled(merge.run(asked | {"out": f"{asked['out']}2"}, no_report)) | {"out": asked["out"]}
    assert leftovers(Path(asked["out"])) == []


def test_a_publication_that_was_cut_off_is_finished(asked: Asked, monkeypatch) -> None:
    with dying_in(monkeypatch, "engine.merge.publish._settle"):
        merge.run(asked, no_report)
    assert settled(merge.run(asked | {"resumes": True}, no_report))["shards"] == 1
    assert leftovers(Path(asked["out"])) == []


def test_a_first_run_into_a_finished_output_is_refused(asked: Asked) -> None:
    merge.run(asked, no_report)
    with pytest.raises(UsageError, match="exists and is not empty"):
        merge.run(asked, no_report)


DIFFERENT: dict[str, Callable[[Asked, Path, Path], object]] = {
    "another plan": lambda asked, base, _out: asked.update(plan=plan_of(part(base, 0, 3), part(base, 2, 6))),
    "other weights": lambda _asked, base, _out: write_llama(base, seed=7),
    "other shards": lambda asked, _base, _out: asked["options"].update(max_shard_size=10_000),
    "sums wanted": lambda asked, _base, _out: asked["options"].update(hash_sums=True),
    "another sidecar": lambda _asked, base, _out: (base / "generation_config.json").write_text("{}"),
    "another config": lambda _asked, _base, out: (out / "config.json").write_text(
        (out / "config.json").read_text().replace('"rms_norm_eps"', '"unknown"')
    ),
    "a shard cut off": lambda _asked, _base, out: (out / "model.safetensors").write_bytes(b"{}"),
}


@pytest.mark.parametrize("make_different", DIFFERENT.values(), ids=DIFFERENT)
def test_an_output_that_is_not_what_was_asked_for_is_no_success(asked: Asked, base: Path, make_different) -> None:
    merge.run(asked, no_report)
    make_different(asked, base, Path(asked["out"]))
    with pytest.raises(UsageError, match="exists and is not empty"):
        merge.run(asked | {"resumes": True}, no_report)


def test_a_replaced_output_is_written_anew_unless_it_is_what_was_asked_for(asked: Asked) -> None:
    merge.run(asked, no_report)
    asked["options"] |= {"overwrite": True, "max_shard_size": 10_000}
    assert merge.run(asked | {"resumes": True}, no_report)["shards"] > 1
    reports: list[tuple[int, int, str]] = []
    assert merge.run(asked | {"resumes": True}, lambda *said: reports.append(said))["shards"] > 1
    assert reports == []


def test_a_result_that_does_not_load_fails_the_task(asked: Asked, monkeypatch) -> None:
    found = merge.LoadCheck(missing=("lm_head.weight",))
    monkeypatch.setattr("engine.tasks.merge_writing.load_check", lambda *_: found)
    with pytest.raises(CheckpointError, match="was not published"):
        merge.run(asked | {"options": {}}, no_report)


@pytest.mark.parametrize(
    ("opening", "said"),
    [
        (LoadCheck(architecture="LlamaForCausalLM"), "the source opens correctly"),
        (LoadCheck(differences=("no config",)), "base fails in the same way already: no config"),
    ],
)
def test_a_result_that_would_not_load_is_not_begun(asked: Asked, monkeypatch, opening: LoadCheck, said: str) -> None:
    """And it is said whether the fault was there before."""

    def checked(_checks: HeaderChecks, stack: Stack, patience: float = 0) -> Opened:
        """The plan passes the check; the merge, which waits longer, finds the fault."""
        lost = LoadCheck(missing=("model.layers.7.mlp.up_proj.weight",))
        return Opened({stack.config_donor: opening}, lost) if patience else Opened()

    monkeypatch.setattr(HeaderChecks, "checked", checked)
    with pytest.raises(CheckpointError, match=rf"was not started.*layers\.7\.mlp.*{said}"):
        merge.run(asked | {"options": {}}, no_report)
    assert not Path(asked["out"]).exists()
    assert not list(Path(asked["out"]).parent.glob(".*/model/*.safetensors"))


def test_another_merge_is_waited_for_as_long_as_asked(asked: Asked) -> None:
    with locked(partial_of(Path(asked["out"]))), pytest.raises(UsageError, match="is being merged already"):
        merge.run(asked | {"patience": 0.2}, no_report)


def test_the_answer_is_json(asked: Asked) -> None:
    answer = merge.run(asked, no_report)
    assert json.loads(json.dumps(answer)) == answer
