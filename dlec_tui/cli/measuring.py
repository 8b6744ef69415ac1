"""What the verbs that measure have in common: their options, and how they name what was measured."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import click

from dlec_tui.cli.options import json_option
from engine.store.location import store_path
from engine.tasks.setting import DEFAULT, Setting
from engine.text.corpus import Half

Command: TypeAlias = Callable[..., None]
Decorator: TypeAlias = Callable[[Command], Command]

device_option = click.option(
    "--device",
    metavar="NAME",
    default=DEFAULT.device,
    show_default=True,
    help="auto, cpu, cuda, cuda:1, or a set such as cuda:0-3.",
)
dtype_option = click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default=DEFAULT.dtype,
    show_default=True,
    help="What is computed in; auto: as the checkpoint says, or float32 where the CPU is slow with that.",
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
        type=click.Path(path_type=Path),
        help="Plain text, or JSONL with `text` or `messages`; may be repeated. Default: the built-in text.",
    ),
    click.option("--tokens", type=click.IntRange(1), default=DEFAULT.tokens, show_default=True, help="At most."),
    click.option(
        "--seq-len", type=click.IntRange(1), default=DEFAULT.seq_len, show_default=True, help="Tokens in a sequence."
    ),
)
_REST = (
    click.option(
        "--batch-size", type=click.IntRange(1), default=DEFAULT.batch_size, show_default=True, help="Sequences at once."
    ),
    click.option("--home", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Of the store."),
    json_option,
)


def _half(default: Half | None) -> list[Decorator]:
    if default is None:
        return []
    what = "Which documents: those for choosing, or those for judging what was chosen."
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

    The usual store is named too: whoever does the work may have another $DLEC_HOME.
    """
    return Setting(
        text=tuple(str(file.absolute()) for file in options["text"]),
        half=Half(options.get("half", DEFAULT.half)),
        home=str(store_path(options["home"]).parent.absolute()),
        **{name: options[name] for name in ("tokens", "seq_len", "device", "dtype", "batch_size")},
    )


def store_of(setting: Setting) -> Path:
    """The store that `setting_of` has named."""
    return store_path(Path(setting.home) if setting.home else None)
