"""Options of the verbs that run a model: text, amount, device, data type."""

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import click

from dlec_tui.cli.options import ANY_PATH, WholeNumber, home_option, json_option
from dlec_tui.plans.check_context import device_of
from engine.errors import NotFoundError, UsageError, shown
from engine.jobs.slots import ANY_GPU, Slot, parse_slot, parse_wanted
from engine.store.location import store_path
from engine.tasks.measurement_options import DEFAULT, MeasurementOptions
from engine.text.corpus import Split

Command: TypeAlias = Callable[..., None]
Decorator: TypeAlias = Callable[[Command], Command]

dtype_option = click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default=DEFAULT.dtype,
    show_default=True,
    help="Data type of the computation. auto: the checkpoint's, or float32 if the CPU is slow with it.",
)


def measuring_options(split: Split | None) -> Decorator:
    """Add the options of a measurement. split: default of --split, or None to omit the option."""

    def decorated(command: Command) -> Command:
        options: list[Decorator] = [*_TEXT, *_split(split), device_option, dtype_option, *_REST]
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


_TEXT = (
    click.option(
        "--text",
        metavar="FILE",
        multiple=True,
        type=ANY_PATH,
        help="Text file, or JSONL with `text` or `messages`. Repeatable (default: the built-in text).",
    ),
    click.option(
        "--tokens", type=WholeNumber(1), default=DEFAULT.tokens, show_default=True, help="Maximum number of tokens."
    ),
    click.option(
        "--seq-len", type=WholeNumber(1), default=DEFAULT.seq_len, show_default=True, help="Tokens per sequence."
    ),
)
_REST = (
    click.option(
        "--batch-size", type=WholeNumber(1), default=DEFAULT.batch_size, show_default=True, help="Sequences per batch."
    ),
    home_option,
    json_option,
)


def _split(default: Split | None) -> list[Decorator]:
    if default is None:
        return []
    what = "Documents to measure on: the selection set or the held-out set."
    return [
        click.option(
            "--split",
            type=click.Choice([split.value for split in Split]),
            default=default.value,
            show_default=True,
            help=what,
        )
    ]


def measurement_of(options: Mapping[str, Any]) -> MeasurementOptions:
    """Return the measurement options for the values of `measuring_options`.

    The default store is named as well: a worker may have another $DLEC_HOME. Raises NotFoundError for a missing text.
    """
    if missing := next((file for file in options["text"] if not file.exists()), None):
        raise NotFoundError(f"the text {shown(missing)} does not exist", where={"path": str(missing)})
    return MeasurementOptions(
        text=tuple(str(file.absolute()) for file in options["text"]),
        split=Split(options.get("split", DEFAULT.split)),
        home=str(options["store"].parent),
        **{name: options[name] for name in ("tokens", "seq_len", "device", "dtype", "batch_size")},
    )


def store_of(measurement: MeasurementOptions) -> Path:
    """Return the store of measurement options."""
    return store_path(Path(measurement.home) if measurement.home else None)


OF_TORCH = ("auto", "mps")
"""Devices that only torch can detect."""
_AMD_DRIVER = Path("/dev/kfd")
"""Exists with AMD's driver, where NVIDIA's driver does not list the GPUs that torch calls "cuda"."""


def device_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add --device. A missing GPU is an error, except for queued jobs, which may run on another machine."""

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
    """Callback of --slot."""
    try:
        return None if text is None else parse_slot(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


def require_gpus(slot: Slot) -> None:
    """Raise UsageError if this machine lacks a GPU of the slot."""
    if not _AMD_DRIVER.exists():
        device_of(slot)


def _spelled(_ctx: click.Context, _parameter: click.Parameter, name: str) -> str:
    try:
        return name if name in OF_TORCH else parse_wanted(name)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error
