"""Which devices a name means, and what is said of those that are not there."""

import pytest
import torch

from engine.errors import MachineError, UsageError
from engine.inference.devices import devices_named, require_device


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.parametrize(
    ("name", "devices"),
    [
        ("cpu", ["cpu"]),
        ("cuda", ["cuda"]),
        ("cuda:1", ["cuda:1"]),
        ("cuda:0-3", ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]),
        ("cuda:0,2", ["cuda:0", "cuda:2"]),
        ("cuda:4,0-1", ["cuda:0", "cuda:1", "cuda:4"]),
        ("cuda:0-1,1-2", ["cuda:0", "cuda:1", "cuda:2"]),
    ],
)
def test_a_set_is_each_of_its_gpus_once_in_order(name: str, devices: list[str]) -> None:
    assert devices_named(name) == tuple(devices)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("name", ["toaster", "cuda:3-1", "cuda:", "cuda:0-", "cuda:a-b", "cuda:0,cpu", ""])
def test_unknown_device_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"is not a device.*\n.*cuda:0-3"):
        require_device(name)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("name", ["cuda:0-3", "cuda:0,3", "cuda:3"])
def test_the_gpu_of_a_set_that_is_not_there_is_named_with_how_many_there_are(name: str) -> None:
    with pytest.raises(MachineError, match=r"cuda:[23] does not exist: this machine has 2 GPUs"):
        require_device(name)


@pytest.mark.usefixtures("two_gpus")
def test_gpus_that_are_there_are_accepted() -> None:
    for name in ("cpu", "cuda", "cuda:1", "cuda:0-1", "cuda:0,1"):
        require_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_an_error() -> None:
    with pytest.raises(MachineError, match=r"cuda:0 does not exist: this machine has no GPU that torch .* can use"):
        require_device("cuda:0-3")
