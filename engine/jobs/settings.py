"""How the user wants jobs to be run: the table [jobs] of config.toml beside the store.

[jobs]
slots = ["cpu", "cuda:0", "cuda:1-3"]     # a worker for each; the same slot may stand there twice
idle_minutes = 10                         # after which a worker without work ends
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import UsageError, shown
from engine.jobs.slots import ANY_GPU, CPU, Slot, parse_slot, parse_wanted
from engine.machine.gpus import gpus

CONFIG_FILE = "config.toml"
_DEFAULT_IDLE_MINUTES = 10


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What stands in the table, or what holds without it."""

    slots: tuple[Slot, ...]
    idle_seconds: float = _DEFAULT_IDLE_MINUTES * 60


def job_settings(store: Path) -> JobSettings:
    """Of the store's home; without a table, a slot for the CPU and one for each GPU.

    Raises UsageError, naming file and key, for a table that is not understood.
    """
    file = store.with_name(CONFIG_FILE)
    table = _jobs_table(file)
    if unknown := table.keys() - {"slots", "idle_minutes"}:
        raise _refused(file, f"it does not know {', '.join(sorted(map(shown, unknown)))}")
    slots = _slots(table["slots"], file) if "slots" in table else _usual_slots()
    return JobSettings(slots, _minutes(table.get("idle_minutes", _DEFAULT_IDLE_MINUTES), file) * 60)


def wanted_slot(device: str, settings: JobSettings) -> str:
    """What a job wants that is to be computed on `device`: "auto", "cpu", "cuda", "cuda:1" or "cuda:0-3"."""
    if device != "auto":
        return parse_wanted(device)
    return ANY_GPU if any(slot.devices for slot in settings.slots) else CPU


def _jobs_table(file: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("jobs", {})
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refused(file, f"it is not TOML: {shown(error)}") from error
    if not isinstance(table, dict):
        raise _refused(file, "jobs is no table")
    return table


def _slots(value: Any, file: Path) -> tuple[Slot, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        raise _refused(file, 'slots is no list such as ["cpu", "cuda:0"]')
    try:
        return tuple(map(parse_slot, value))
    except UsageError as error:
        raise _refused(file, error.line) from error


def _minutes(value: Any, file: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise _refused(file, f"idle_minutes is {shown(value)}, no positive number")
    return float(value)


def _usual_slots() -> tuple[Slot, ...]:
    return (Slot(), *(Slot((number,)) for number in range(_gpu_count())))


@cache
def _gpu_count() -> int:
    """How many CUDA shows us. Asked once: it may have to wake the driver, and a screen reads the settings often."""
    return len(gpus())


def _refused(file: Path, why: str) -> UsageError:
    return UsageError(
        f"the settings in {file} are not understood",
        why=why,
        fix='Under [jobs] stand slots = ["cpu", "cuda:0"] and idle_minutes = 10.',
    )
