"""Settings of the user: the tables [jobs] and [rules] of config.toml next to the store.

[jobs]
slots = ["cpu", "cuda:0", "cuda:1-3"]     # one worker for each; a slot may be listed more than once
idle_minutes = 10                         # an idle worker exits after this time

[rules]
off = ["first-slice", "unused-layer"]     # rules that plans are not checked against
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import UsageError, machine_error, shown
from engine.jobs.slots import ANY_GPU, CPU, Slot, parse_slot, parse_wanted
from engine.machine.gpus import gpus

CONFIG_FILE = "config.toml"
_DEFAULT_IDLE_MINUTES = 10


@dataclass(frozen=True, slots=True)
class JobSettings:
    """The table [jobs], or its defaults."""

    slots: tuple[Slot, ...]
    idle_seconds: float = _DEFAULT_IDLE_MINUTES * 60


def job_settings(store: Path) -> JobSettings:
    """Return the settings for jobs; by default one slot for the CPU and one for each GPU.

    Raises UsageError, with file and key, for invalid settings; MachineError for a file that cannot be read.
    """
    file = store.with_name(CONFIG_FILE)
    table = _table(file, "jobs", ("slots", "idle_minutes"))
    slots = _slots(table["slots"], file) if "slots" in table else _default_slots()
    return JobSettings(slots, _minutes(table.get("idle_minutes", _DEFAULT_IDLE_MINUTES), file) * 60)


def rules_off(store: Path) -> tuple[str, ...]:
    """Return the names of the rules that the user has switched off. Raises as `job_settings` does."""
    file = store.with_name(CONFIG_FILE)
    off = _table(file, "rules", ("off",)).get("off", [])
    if not isinstance(off, list) or not all(isinstance(rule, str) for rule in off):
        raise _invalid(file, 'off must be a list of names, such as ["first-slice"]')
    return tuple(off)


def wanted_slot(device: str, settings: JobSettings) -> str:
    """Return the slot that a job on `device` ("auto", "cpu", "cuda", "cuda:1" or "cuda:0-3") asks for."""
    if device != "auto":
        return parse_wanted(device)
    return ANY_GPU if any(slot.devices for slot in settings.slots) else CPU


def _table(file: Path, name: str, keys: Iterable[str]) -> dict[str, Any]:
    """A table of the file, which has no other keys than these; empty where the file or the table is missing."""
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise machine_error(f"{shown(file)} cannot be read", error) from error
    table = _parsed(text, file).get(name, {})
    if not isinstance(table, dict):
        raise _invalid(file, f"{name} must be a table: [{name}]")
    if unknown := table.keys() - set(keys):
        raise _invalid(file, f"[{name}] has an unknown key: {', '.join(sorted(map(shown, unknown)))}")
    return table


def _parsed(text: bytes, file: Path) -> dict[str, Any]:
    import tomllib  # late: most stores have no such file

    try:
        return tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(file, f"it is not TOML: {shown(error)}") from error


def _slots(value: Any, file: Path) -> tuple[Slot, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        raise _invalid(file, 'slots must be a list of devices, such as ["cpu", "cuda:0"]')
    try:
        return tuple(map(parse_slot, value))
    except UsageError as error:
        raise _invalid(file, error.line) from error


def _minutes(value: Any, file: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise _invalid(file, f"idle_minutes must be a positive number, not {shown(value)}")
    return float(value)


def _default_slots() -> tuple[Slot, ...]:
    return (Slot(), *(Slot((number,)) for number in range(_gpu_count())))


@cache
def _gpu_count() -> int:
    """Number of GPUs that CUDA shows. Cached: the query may wake the driver, and a screen reads the settings often."""
    return len(gpus())


def _invalid(file: Path, why: str) -> UsageError:
    return UsageError(f"the settings in {shown(file)} are invalid", why=why, fix="Correct or delete that file.")
