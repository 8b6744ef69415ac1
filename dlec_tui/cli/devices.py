"""Devices and slots as options: whether this machine has what they name is judged before any work."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from dlec_tui.plans.circumstances import device_of
from engine.errors import UsageError
from engine.jobs.slots import ANY_GPU, Slot, parse_slot, parse_wanted
from engine.tasks.setting import DEFAULT

OF_TORCH = ("auto", "mps")
"""Devices that only torch knows about."""
_AMD_DRIVER = Path("/dev/kfd")
"""Where it is, CUDA's names stand for GPUs that NVIDIA's driver does not list."""


def device_option(command: Callable[..., None]) -> Callable[..., None]:
    """--device; a GPU that this machine lacks is refused. A job that is queued may wait for another machine's."""

    @click.option(
        "--device",
        metavar="NAME",
        default=DEFAULT.device,
        show_default=True,
        callback=_spelled,
        help="Device: auto, cpu, cuda, cuda:1, or several GPUs, e.g. cuda:0-3.",
    )
    @wraps(command)
    def with_device(*arguments: Any, device: str, **options: Any) -> None:
        if device not in OF_TORCH and not (options.get("is_queued") or options.get("queueing")):
            require_gpus(Slot((0,)) if device == ANY_GPU else parse_slot(device))
        command(*arguments, device=device, **options)

    return with_device


def slot_of(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> Slot | None:
    """The callback of --slot."""
    try:
        return None if text is None else parse_slot(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


def require_gpus(slot: Slot) -> None:
    """Raises UsageError when this machine lacks one of the slot's GPUs."""
    if not _AMD_DRIVER.exists():
        device_of(slot)


def _spelled(_ctx: click.Context, _parameter: click.Parameter, name: str) -> str:
    try:
        return name if name in OF_TORCH else parse_wanted(name)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error
