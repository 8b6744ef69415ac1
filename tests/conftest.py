"""Fixtures that several rooms share."""

import json
import os
from collections.abc import Callable, Iterator
from fcntl import LOCK_EX, flock
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings
from platformdirs import user_cache_path

from engine.errors import MachineError
from engine.tasks.demo_model import demo_model
from tests import real_models
from tests.architectures import CheckpointOf, write_checkpoint
from tests.tiny import write_llama

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:  # there is a process for each core already
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples in every run; `make stress` looks for new ones. No deadline: a busy machine is no failed promise.
settings.register_profile("dlec", deadline=None, max_examples=40, derandomize=True)
settings.register_profile("exhaustive", deadline=None, max_examples=2000)
settings.load_profile("dlec")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, so that parallel processes end at the same time."""
    items.sort(key=lambda item: item.get_closest_marker("real_model") is None)


def write_byte_tokenizer(directory: Path) -> None:
    """A tokenizer whose 256 tokens are the bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={character: index for index, character in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(directory / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast"}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of 6 layers, hidden size 32, tied embeddings, with a tokenizer. No test may write to it."""
    directory = tmp_path_factory.mktemp("checkpoints") / "tiny-llama"
    write_llama(directory, layers=6, hidden=32, intermediate=64, vocab=256, tied=True)
    write_byte_tokenizer(directory)
    return directory


@pytest.fixture(scope="session")
def checkpoint_of(tmp_path_factory: pytest.TempPathFactory) -> CheckpointOf:
    """Tiny checkpoints of many families, each written when it is first asked for."""
    root = tmp_path_factory.mktemp("families")

    def written(name: str) -> Path:
        if not (root / name).exists():
            write_checkpoint(name, root / name)
        return root / name

    return written


def fetched(name: str, fetch: Callable[[Path], Path]) -> Path:
    """A real model, fetched once and kept in the user's cache; the test is skipped where it cannot be fetched.

    Kept apart by the version of transformers, which unpacks the weights.
    """
    shared = user_cache_path("dlec-tests") / f"transformers-{version('transformers')}"
    shared.mkdir(parents=True, exist_ok=True)
    with (shared / f"{name}.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        try:
            return fetch(shared)
        except MachineError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The demo's checkpoint, 30 layers in bf16. No test may write to it."""
    return fetched("smollm2", lambda shared: demo_model(shared).directory)


@pytest.fixture(scope="session")
def gemma3_270m() -> Path:
    """18 layers in bf16; its tokenizer begins a text with <bos>. No test may write to it."""
    return fetched("gemma3", real_models.gemma3_270m)


@pytest.fixture(scope="session", autouse=True)
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test touches the store of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLEC_HOME", str(tmp_path_factory.mktemp("store")))
        yield
