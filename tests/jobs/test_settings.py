"""config.toml beside the store."""

from pathlib import Path

import pytest

from engine.errors import MachineError, UsageError
from engine.jobs import settings
from engine.jobs.settings import JobSettings, job_settings, rules_off, wanted_slot
from engine.jobs.slots import Slot


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "dlec.sqlite"


def written(store: Path, text: str) -> Path:
    file = store.with_name("config.toml")
    file.write_text(text)
    return file


def gpus(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """So many GPUs that CUDA shows."""
    monkeypatch.setattr(settings, "_gpu_count", lambda: number)


@pytest.mark.parametrize(("number", "slots"), [(0, (Slot(),)), (2, (Slot(), Slot((0,)), Slot((1,))))])
def test_without_a_file_there_is_a_slot_for_the_cpu_and_each_gpu(
    store: Path, monkeypatch: pytest.MonkeyPatch, number: int, slots: tuple[Slot, ...]
) -> None:
    gpus(monkeypatch, number)
    assert job_settings(store) == JobSettings(slots, 600)


def test_the_file_says_which_slots_there_are_and_how_long_a_worker_idles(store: Path) -> None:
    written(store, '[jobs]\nslots = ["cpu", "cpu", "cuda:1-3"]\nidle_minutes = 0.5\n[other]\nkey = 1\n')
    assert job_settings(store) == JobSettings((Slot(), Slot(), Slot((1, 2, 3))), 30)


def test_a_file_without_the_table_changes_nothing(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 0)
    written(store, "[other]\n")
    assert job_settings(store) == JobSettings((Slot(),), 600)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[jobs", "no TOML|not TOML"),
        ("jobs = 1", "jobs must be a table"),
        ("[jobs]\nslot = ['cpu']", "unknown key: slot"),
        ("[jobs]\nslots = 'cpu'", "slots must be a list"),
        ("[jobs]\nslots = []", "slots must be a list"),
        ("[jobs]\nslots = [1]", "slots must be a list"),
        ("[jobs]\nslots = ['gpu']", "gpu is not a valid slot"),
        ("[jobs]\nidle_minutes = 0", "a positive number, not 0"),
        ("[jobs]\nidle_minutes = true", "a positive number, not True"),
        ("[jobs]\nidle_minutes = nan", "a positive number, not nan"),
        ("[jobs]\nidle_minutes = '5'", "a positive number, not 5"),
        ('[jobs]\n"\\u001b" = 1', r"unknown key: \\x1b"),
    ],
)
def test_a_table_that_is_not_understood_is_refused_with_file_and_key(store: Path, text: str, why: str) -> None:
    file = written(store, text)
    with pytest.raises(UsageError, match=why) as caught:
        job_settings(store)
    assert str(file) in caught.value.what


def test_bytes_that_are_no_text_are_refused(store: Path) -> None:
    store.with_name("config.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError):
        job_settings(store)


def test_rules_are_switched_off_in_a_table_of_their_own(store: Path) -> None:
    store.with_name("config.toml").write_text('[jobs]\nidle_minutes = 3\n[rules]\noff = ["first-slice", "size"]\n')
    assert rules_off(store) == ("first-slice", "size")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rules = 3\n", "rules must be a table"),
        ('[rules]\noff = "size"\n', "must be a list of names"),
        ("[rules]\noff = [1]\n", "must be a list of names"),
        ("[rules]\non = []\n", "unknown key: on"),
        ("[rules\n", "it is not TOML"),
    ],
)
def test_invalid_rules_are_refused_with_the_file(store: Path, text: str, says: str) -> None:
    store.with_name("config.toml").write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        rules_off(store)
    assert "config.toml" in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(store: Path) -> None:
    store.with_name("config.toml").mkdir()
    with pytest.raises(MachineError, match=r"config\.toml cannot be read: Is a directory"):
        job_settings(store)


CPU_ONLY, WITH_GPU = JobSettings((Slot(),)), JobSettings((Slot(), Slot((0, 1))))


@pytest.mark.parametrize(
    ("device", "found", "wanted"),
    [
        ("auto", CPU_ONLY, "cpu"),
        ("auto", WITH_GPU, "cuda"),
        ("cpu", WITH_GPU, "cpu"),
        ("cuda", CPU_ONLY, "cuda"),
        ("cuda:1,0", WITH_GPU, "cuda:0-1"),
    ],
)
def test_a_device_becomes_the_slot_that_is_wanted(device: str, found: JobSettings, wanted: str) -> None:
    assert wanted_slot(device, found) == wanted
