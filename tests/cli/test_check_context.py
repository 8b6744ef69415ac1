"""What a plan is checked under, as the user's settings and the machine say."""

from pathlib import Path

import pytest

from dlec_tui.plans.check_context import check_context, device_of
from engine.errors import UsageError
from engine.jobs.slots import parse_slot
from engine.machine.gpus import Gpu
from engine.plan.rules import Device
from tests.cli.conftest import write_plan


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "dlec.sqlite"


def test_without_settings_no_rule_is_off_and_nothing_is_known(store: Path) -> None:
    found = check_context(store)
    assert (found.off, found.free_disk, found.device) == ((), None, None)


def test_the_disk_is_that_of_the_nearest_directory_there_is(store: Path, tmp_path: Path) -> None:
    free = check_context(store, out=tmp_path / "not" / "yet").free_disk
    assert free is not None
    assert free > 0


def test_the_gpus_of_a_slot_are_taken_together() -> None:
    two = (Gpu("H200", total=100), Gpu("H200", total=50))
    assert device_of(parse_slot("cuda:0-1"), lambda: two) == Device("cuda:0-1", 150)
    assert device_of(parse_slot("cuda:1"), lambda: (*two[:1], Gpu("H200"))) is None
    assert device_of(parse_slot("cpu"), lambda: two) is None


def test_a_gpu_that_is_not_here_is_refused() -> None:
    with pytest.raises(UsageError, match="no device cuda:2"):
        device_of(parse_slot("cuda:0,2"), lambda: (Gpu("H200", total=1),) * 2)


def test_a_rule_switched_off_in_the_settings_is_not_asked_by_the_command_line(
    dlec, tmp_path: Path, tiny_llama: Path
) -> None:
    plan = write_plan(tmp_path / "pruned.yaml", tiny_llama, (0, 3), (4, 6))
    assert "unused-layer" in dlec("plan", "check", plan).stdout
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "config.toml").write_text('[rules]\noff = ["unused-layer"]\n')
    assert dlec("plan", "check", plan, "--strict").exit_code == 0


def test_a_result_larger_than_its_disk_is_reported(dlec, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlec_tui.plans.check_context.free_bytes", lambda _: 1000)
    result = dlec("plan", "check", plan, "--out", "there/grown")
    assert "size" in result.stdout
    assert "short)" in result.stdout
    assert dlec("plan", "check", plan, "--out", "there/grown", "--strict").exit_code == 1
    assert "size" not in dlec("plan", "check", plan).stdout


def test_a_result_larger_than_the_memory_of_its_device_is_reported(
    dlec, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlec_tui.plans.check_context.device_of", lambda slot: Device(str(slot), 1000))
    assert "cuda:0 has" in dlec("plan", "check", plan, "--device", "cuda:0").stdout


def test_a_device_that_is_none_is_refused(dlec, plan: Path) -> None:
    result = dlec("plan", "check", plan, "--device", "gpu")
    assert result.exit_code == 2
    assert "not a valid slot" in result.stderr


def test_a_queued_merge_is_checked_against_the_disk_now(dlec, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlec_tui.plans.check_context.free_bytes", lambda _: 1000)
    result = dlec("merge", plan, "grown", "--queue")
    assert "short)" in result.stderr
    assert result.exit_code == 0
