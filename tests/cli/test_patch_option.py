"""`--patch`: a file whose tensors replace those of the result, for every verb that runs or writes a plan."""

import json
from pathlib import Path

import pytest

from engine.checkpoint.formats.safetensors_header import read_header
from engine.store.database import open_for_reading
from engine.store.jobs import jobs_in
from tests.tiny import write_safetensors

NORM = "model.layers.7.input_layernorm.weight"


@pytest.fixture
def patch(tmp_path: Path, plan: Path, dlec) -> Path:
    """A patch of one gain, of the shape that the merged plan has."""
    dlec("merge", plan, "plain", "--no-load-check")
    (shape,) = [each.shape for each in read_header(Path("plain/model.safetensors")).tensors if each.name == NORM]
    write_safetensors(tmp_path / "patch.safetensors", {NORM: shape}, "F32")
    return tmp_path / "patch.safetensors"


def content(file: Path) -> bytes:
    (tensor,) = [each for each in read_header(file).tensors if each.name == NORM]
    return file.read_bytes()[tensor.begin : tensor.end]


def test_merge_writes_the_patch_and_verify_takes_it(dlec, plan: Path, patch: Path) -> None:
    assert dlec("merge", plan, "out", "--patch", patch, "--hash", "--no-load-check").exit_code == 0
    assert content(Path("out/model.safetensors")) == content(patch)
    assert content(Path("plain/model.safetensors")) != content(patch)
    assert dlec("verify", "out", "--no-load-check").exit_code == 0


def test_check_reports_a_tensor_that_the_plan_does_not_have(dlec, plan: Path, tmp_path: Path) -> None:
    write_safetensors(tmp_path / "wrong.safetensors", {"model.layers.8.input_layernorm.weight": (8,)}, "F32")
    result = dlec("plan", "check", plan, "--patch", "wrong.safetensors", "--no-load-check", "--json")
    (problem,) = [each for each in json.loads(result.stdout)["problems"] if each["rule"] == "patches"]
    assert result.exit_code == 1
    assert "the new model has no tensor model.layers.8.input_layernorm.weight" in problem["message"]
    assert dlec("merge", plan, "out", "--patch", "wrong.safetensors", "--no-load-check").exit_code == 1


@pytest.mark.parametrize("verb", [["merge", "PLAN", "out"], ["preview", "PLAN"], ["generate", "PLAN", "--prompt", "a"]])
def test_a_queued_job_carries_the_patch_and_its_fingerprint(
    dlec, plan: Path, patch: Path, tmp_path: Path, verb: list[str]
) -> None:
    words = [str(plan) if word == "PLAN" else word for word in verb]
    assert dlec(*words, "--patch", patch.name, "--queue", "--home", tmp_path / "home").exit_code == 0
    with open_for_reading(tmp_path / "home" / "dlec.sqlite") as connection:
        (job,) = jobs_in(connection)
    assert job.spec.request["patches"] == [str(patch)]
    assert len(job.spec.inputs[str(patch)]) == 64
