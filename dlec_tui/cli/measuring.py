"""What the verbs that measure have in common: their options, and how they name what was measured."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import click

from dlec_tui.cli.devices import device_option
from dlec_tui.cli.options import ANY_PATH, WholeNumber, home_option, json_option
from engine.errors import NotFoundError, shown
from engine.store.location import store_path
from engine.tasks.setting import DEFAULT, Setting
from engine.text.corpus import Half

Command: TypeAlias = Callable[..., None]
Decorator: TypeAlias = Callable[[Command], Command]

dtype_option = click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default=DEFAULT.dtype,
    show_default=True,
    help="Data type of the computation. auto: the checkpoint's, or float32 if the CPU is slow with it.",
)


def measuring_options(half: Half | None) -> Decorator:
    """--text, --tokens and so on; `half` is the default of --half, which is left out where there is none."""

    def decorated(command: Command) -> Command:
        options: list[Decorator] = [*_TEXT, *_half(half), device_option, dtype_option, *_REST]
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


def _half(default: Half | None) -> list[Decorator]:
    if default is None:
        return []
    what = "Documents to measure on: the selection set or the held-out set."
    return [
        click.option(
            "--half",
            type=click.Choice([half.value for half in Half]),
            default=default.value,
            show_default=True,
            help=what,
        )
    ]


def setting_of(options: Mapping[str, Any]) -> Setting:
    """The setting that the options of `measuring_options` ask for.

    The usual store is named too: whoever does the work may have another $DLEC_HOME. Raises NotFoundError for a text
    that does not exist.
    """
    if missing := next((file for file in options["text"] if not file.exists()), None):
        raise NotFoundError(f"the text {shown(missing)} does not exist", where={"path": str(missing)})
    return Setting(
        text=tuple(str(file.absolute()) for file in options["text"]),
        half=Half(options.get("half", DEFAULT.half)),
        home=str(options["store"].parent),
        **{name: options[name] for name in ("tokens", "seq_len", "device", "dtype", "batch_size")},
    )


def store_of(setting: Setting) -> Path:
    """The store that `setting_of` has named."""
    return store_path(Path(setting.home) if setting.home else None)
