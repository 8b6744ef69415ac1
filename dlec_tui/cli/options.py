"""Arguments and options of several verbs, and the types of their values."""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from dlec_tui.cli.failures import STORE
from engine.errors import NotFoundError, UsageError, shown
from engine.files import expanded
from engine.store.location import store_path

_Verb = TypeVar("_Verb", bound=Callable[..., Any])

HOME_HELP = "Directory of the dlec store (default: $DLEC_HOME, else the user data directory)."
HOME = "dlec.home"
"""Key of click's `meta`: the --home before the verb."""


class ExpandedPath(click.Path):
    """Path in which ~ and ~user are expanded, also in --option=~/path, which the shell does not expand."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(path_type=Path, **settings)

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        if not (text := os.fspath(value)):
            self.fail("the path is empty.", param, ctx)
        if "\0" in text:
            self.fail(f"{shown(text)} is not a path: it contains a NUL character.", param, ctx)
        try:
            path = expanded(text)
        except UsageError as error:
            self.fail(error.line, param, ctx)
        if self.exists and _is_missing(path):
            raise NotFoundError(f"{shown(path)} does not exist", where={"path": str(path)})
        return super().convert(path, param, ctx)


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):  # click says why
        return False
    return False


ANY_PATH, NEW_FILE, DIRECTORY = ExpandedPath(), ExpandedPath(dir_okay=False), ExpandedPath(file_okay=False)
EXISTING_PATH = ExpandedPath(exists=True)
EXISTING_FILE = ExpandedPath(exists=True, dir_okay=False)
EXISTING_DIRECTORY = ExpandedPath(exists=True, file_okay=False)


MOST = 10**12
"""Maximum value of a count, within the range of SQLite."""


class WholeNumber(click.IntRange):
    """A whole number in a range. Errors state the range; help omits the range of ordinary counts."""

    name = "number"

    def __init__(self, least: int, most: int = MOST) -> None:
        super().__init__(least, most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter as error:
            raise click.BadParameter(f"{value!r} is not a whole number {_range_text(self)}.", ctx, param) from error

    def _describe_range(self) -> str:
        return "" if (self.min, self.max) == (1, MOST) else _range_text(self)


class Number(click.FloatRange):
    """A finite number in a range. Errors state the range."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(super().convert(value, param, ctx))
            if not math.isfinite(number):
                self.fail("not finite", param, ctx)
            return number
        except click.BadParameter as error:
            raise click.BadParameter(f"{value!r} is not a number {_range_text(self)}.", ctx, param) from error

    def _describe_range(self) -> str:
        return _range_text(self)


def _range_text(kind: click.IntRange | click.FloatRange) -> str:
    """Text of a range, such as "from 1 to 10" or "of at least 0"."""
    if kind.max is None:
        return f"of at least {kind.min}"
    return f"{'above' if kind.min_open else 'from'} {kind.min} to {kind.max}"


class RelatedOption(click.Option):
    """Option that declares conflicting and required options, which are checked before any work."""

    def __init__(self, *args: Any, excludes: Sequence[str] = (), needs: Sequence[str] = (), **settings: Any) -> None:
        """excludes, needs: spellings of options, such as "--json"; one of `needs` suffices."""
        super().__init__(*args, **settings)
        self.excludes = tuple(excludes)
        self.needs = tuple(needs)

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        if self.name in opts:
            self._require_valid(ctx, opts)
        return super().handle_parse_result(ctx, opts, args)

    def _require_valid(self, ctx: click.Context, given: Mapping[str, Any]) -> None:
        """Raise click.UsageError for an invalid combination. given: options on the command line."""
        spelled = {spelling for each in ctx.command.params if each.name in given for spelling in each.opts}
        own = max(self.opts, key=len)
        if clashing := [option for option in self.excludes if option in spelled]:
            raise click.UsageError(f"{own} and {clashing[0]} cannot be combined.", ctx)
        if self.needs and not spelled & set(self.needs):
            raise click.UsageError(f"{own} is for {' or '.join(self.needs)}.", ctx)


def _store(ctx: click.Context, _parameter: click.Parameter, home: Path | None) -> Path:
    store = store_path(home or ctx.meta.get(HOME)).absolute()
    ctx.meta[STORE] = store
    return store


def _home_option(**settings: Any) -> Callable[[_Verb], _Verb]:
    return click.option("--home", "store", metavar="DIR", type=DIRECTORY, callback=_store, help=HOME_HELP, **settings)


home_option = _home_option()
"""--home; the verb receives `store`, the absolute path of the store."""
accepted_home_option = _home_option(expose_value=False)
"""--home for verbs without a store: the directory for the traceback of an unexpected error."""

plan_argument = click.argument("plan_path", metavar="PLAN", type=EXISTING_FILE)
patch_option = click.option(
    "--patch",
    "patches",
    type=EXISTING_FILE,
    multiple=True,
    help="Safetensors file whose tensors replace those of the result (repeatable; the last one wins).",
)
strict_option = click.option("--strict", is_flag=True, help="Treat warnings as errors.")
json_option = click.option("--json", "wants_json", is_flag=True, help="Print the result as JSON.")
no_load_check_option = click.option(
    "--no-load-check", is_flag=True, help="Do not start transformers; use results of earlier load checks."
)
remote_option = click.option(
    "--remote", is_flag=True, help="Read the headers of missing models from the hub, without downloading weights."
)


_UNITS = {
    "": 1,
    "B": 1,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
}
_LARGEST = 2**63 - 1
"""Maximum size of a file in bytes."""


def byte_count(_ctx: click.Context, _parameter: click.Parameter, value: str) -> int:
    """Return the number of bytes of a size such as 5GB, 500M or 2GiB."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", value.strip(), re.IGNORECASE | re.ASCII)
    nbytes = float(match[1]) * _UNITS.get(match[2].upper(), 0) if match else 0
    if not 1 <= nbytes <= _LARGEST:
        raise click.BadParameter(f"{shown(value)} is not a size such as 5GB or 500MiB")
    return int(nbytes)


def byte_count_or_none(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Return the number of bytes, or None if the option is not given."""
    return None if value is None else byte_count(ctx, parameter, value)


max_shard_size_option = click.option(
    "--max-shard-size",
    metavar="SIZE",
    default="5GB",
    show_default=True,
    callback=byte_count,
    help="Maximum size of one shard.",
)
