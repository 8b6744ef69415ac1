"""How busy the devices are, in words."""

from dlec_tui.jobs.devices import Ticks, devices_text, gpus_text, machine_text, ticks_from
from engine.jobs.slots import parse_slot
from engine.machine.gpus import Gpu
from engine.machine.memory import Memory

STAT = "cpu  100 20 30 800 50 0 0 0 7 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
GPUS = (Gpu("H200", 150_000_000_000, 140_000_000_000, 0.97), Gpu("H200", 150_000_000_000, 150_000_000_000))


def test_what_idles_or_waits_for_disks_is_not_busy():
    assert ticks_from(STAT) == Ticks(busy=150, all=1000)


def test_processors_are_as_busy_as_they_were_between_two_looks(monkeypatch):
    monkeypatch.setattr("dlec_tui.jobs.devices.os.cpu_count", lambda: 16)
    monkeypatch.setattr("dlec_tui.jobs.devices.memory", lambda: Memory(64_000_000_000, 12_000_000_000, 20_000_000_000))
    said = machine_text(Ticks(100, 1000), Ticks(187, 1100))
    assert said == "cpu 87 % of 16 cores, memory 8.00 GB of 20.0 GB"
    assert machine_text(None, Ticks(1, 2)) == "cpu 16 cores, memory 8.00 GB of 20.0 GB"
    assert machine_text(Ticks(1, 2), Ticks(1, 2)) == machine_text(None, None)


def test_a_gpu_says_only_what_the_driver_tells():
    assert gpus_text(GPUS, [0, 1, 7]) == "cuda:0 H200: 97 %, 10.0 GB of 150 GB   cuda:1 H200: 0 B of 150 GB"
    assert gpus_text((Gpu("H200"),), [0]) == ""


def test_only_devices_that_jobs_run_on_are_asked(monkeypatch):
    monkeypatch.setattr("dlec_tui.jobs.devices.gpus", lambda: GPUS)
    assert devices_text([parse_slot("cuda:1")], None, None) == "cuda:1 H200: 0 B of 150 GB"
    assert devices_text([parse_slot("cpu")], None, None).startswith("cpu ")
