"""What the hub door promises: plans on headers alone, and its errors in our words."""

import errno
import os

import httpx
import huggingface_hub
import pytest
from huggingface_hub import errors
from huggingface_hub.utils import SafetensorsFileMetadata, SafetensorsRepoMetadata, TensorInfo

from engine.checkpoint.find import opener
from engine.errors import CheckpointError, DiskFullError, MachineError, UsageError
from engine.plan.check import check_plan
from engine.plan.recipes import repeat
from tests.tiny import llama_shapes, write_llama

LAYERS = 4


@pytest.fixture
def remote(tmp_path, monkeypatch):
    """A hub that holds org/remote, answering with headers only."""
    shapes = llama_shapes(LAYERS, 8, 16, 16, tied=False)
    infos = {name: TensorInfo("F32", list(shape), (0, 0)) for name, shape in shapes.items()}
    file = SafetensorsFileMetadata(metadata={}, tensors=infos)
    answer = SafetensorsRepoMetadata(None, False, dict.fromkeys(shapes, "m"), {"model.safetensors": file})
    config = write_llama(tmp_path / "cache", layers=LAYERS) / "config.json"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_args, **_kwargs: None)
    monkeypatch.setattr(huggingface_hub.HfApi, "hf_hub_download", lambda *_args, **_kwargs: str(config))
    monkeypatch.setattr(huggingface_hub.HfApi, "get_safetensors_metadata", lambda *_args, **_kwargs: answer)
    return answer


def test_a_plan_is_checked_from_remote_headers(remote):
    open_reference = opener(remote=True)
    text = repeat.write(open_reference("org/remote"), repeat.Options((1, 3)))
    checked = check_plan(text, open_reference)
    assert checked.ok
    assert len(remote.weight_map) == len(open_reference("org/remote").tensors)
    assert len(checked.stack.visits) == LAYERS + 2


def response(status: int) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", "https://huggingface.co"))


FAULTS = {
    "gated": (errors.GatedRepoError("no", response=response(403)), CheckpointError, "hf auth login"),
    "missing": (errors.RepositoryNotFoundError("no", response=response(404)), CheckpointError, "Check the spelling"),
    "pickled": (errors.NotASafetensorsRepoError("no"), CheckpointError, "no readable safetensors"),
    "nobody answers": (errors.LocalEntryNotFoundError("no"), MachineError, "cannot be reached"),
    "offline": (errors.OfflineModeIsEnabled("no"), MachineError, "cannot be reached"),
    "no network": (httpx.ConnectError("no"), MachineError, "cannot be reached"),
    "full": (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), DiskFullError, "too full"),
    "misspelt": (errors.HFValidationError("no"), UsageError, "is not a valid hub id"),
    "server": (errors.HfHubHTTPError("no", response=response(500)), MachineError, "cannot be reached"),
}


@pytest.mark.usefixtures("remote")
@pytest.mark.parametrize(("fault", "kind", "says"), FAULTS.values(), ids=FAULTS)
def test_the_hubs_errors_say_what_to_do(monkeypatch, fault, kind, says):
    def fail(*_args, **_kwargs):
        raise fault

    monkeypatch.setattr(huggingface_hub.HfApi, "get_safetensors_metadata", fail)
    with pytest.raises(kind) as caught:
        opener(remote=True)("org/remote")
    assert says in str(caught.value)
    assert "org/remote" in str(caught.value)
