"""Context of a check: disabled rules, free disk space, memory of the device."""

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import UsageError
from engine.jobs.settings import rules_off
from engine.jobs.slots import Slot, parse_slot
from engine.machine.disk import free_bytes
from engine.machine.gpus import Gpu, gpus
from engine.plan.rules import CheckContext, Device, OpenedBy
from engine.tasks.header_checks import header_checks
from engine.units import plural

LOADS = "loads"
"""The rule that needs transformers."""


def check_context(
    store: Path, out: Path | None = None, device: str | None = None, opened: OpenedBy | None = None
) -> CheckContext:
    """Context for a plan with output `out` on `device` ("cuda:1", "cuda:0-3"), as far as known.

    opened: looks up how transformers opens sources and result (default: in the cache next to the store); not called if
    rule `loads` is off.
    Raises UsageError for invalid settings and for unknown or missing devices.
    """
    known = header_checks(store.parent).known
    free = None if out is None else free_bytes(out)
    off = rules_off(store)
    target = device_of(parse_slot(device)) if device is not None else None
    return CheckContext(off, free, target, opened=known if opened is None or LOADS in off else opened)


def device_of(slot: Slot, list_gpus: Callable[[], Sequence[Gpu]] = gpus) -> Device | None:
    """Total memory of the GPUs of a slot; None for the CPU, or if the driver does not report it.

    Raises UsageError for a GPU that is not here.
    """
    available = list_gpus() if slot.devices else ()
    missing = [number for number in slot.devices if number >= len(available)]
    if missing:
        raise UsageError(f"no device cuda:{missing[0]}", why=f"CUDA has {plural(len(available), 'GPU')}")
    totals = [available[number].total for number in slot.devices]
    if not totals or None in totals:
        return None
    return Device(str(slot), sum(total for total in totals if total is not None))
