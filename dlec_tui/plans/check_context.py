"""What a plan is checked against: disabled rules, free disk space, memory of the device.

[rules]
off = ["first-slice", "unused-layer"]     # in config.toml next to the store
"""

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.errors import UsageError, shown
from engine.jobs.settings import CONFIG_FILE
from engine.jobs.slots import Slot, parse_slot
from engine.machine.gpus import Gpu, gpus
from engine.merge.space import free_bytes
from engine.plan.rules import Circumstances, Device, OpenedBy
from engine.tasks.openings import known

LOADS = "loads"
"""The rule that needs transformers."""


def circumstances(
    store: Path, out: Path | None = None, device: str | None = None, opened: OpenedBy = known
) -> Circumstances:
    """Of a plan whose result goes to `out` and runs on `device` ("cuda:1", "cuda:0-3"), where these are known.

    opened: finds out what transformers says of the sources and the result; not called where rule `loads` is off.
    Raises UsageError for settings or a device that are not understood, or a device that is not here.
    """
    free = None if out is None else free_bytes(out)
    off = rules_off(store)
    found = device_of(parse_slot(device)) if device is not None else None
    return Circumstances(off, free, found, opened=known if LOADS in off else opened)


def rules_off(store: Path) -> tuple[str, ...]:
    """The rules that config.toml beside the store switches off. Raises UsageError for settings not understood."""
    file = store.with_name(CONFIG_FILE)
    table = _rules_table(file)
    if unknown := table.keys() - {"off"}:
        raise _refused(file, f"[rules] does not know {', '.join(sorted(map(shown, unknown)))}")
    off = table.get("off", [])
    if not isinstance(off, list) or not all(isinstance(rule, str) for rule in off):
        raise _refused(file, "off is no list of names")
    return tuple(off)


def device_of(slot: Slot, found: Callable[[], Sequence[Gpu]] = gpus) -> Device | None:
    """The memory of a slot's GPUs together; None for the CPU, or where the driver does not tell it.

    Raises UsageError for a GPU that is not here.
    """
    here = found() if slot.devices else ()
    missing = [number for number in slot.devices if number >= len(here)]
    if missing:
        raise UsageError(f"there is no cuda:{missing[0]}", why=f"CUDA shows {len(here)} GPUs here")
    totals = [here[number].total for number in slot.devices]
    if not totals or None in totals:
        return None
    return Device(str(slot), sum(total for total in totals if total is not None))


def _rules_table(file: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("rules", {})
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refused(file, f"it is not TOML: {shown(error)}") from error
    if not isinstance(table, dict):
        raise _refused(file, "rules is no table")
    return table


def _refused(file: Path, why: str) -> UsageError:
    fix = 'Under [rules] stands off = ["first-slice"], with names from docs/rules.md.'
    return UsageError(f"the settings in {shown(file)} are not understood", why=why, fix=fix)
