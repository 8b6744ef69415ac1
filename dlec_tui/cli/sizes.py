"""Sizes as a user writes them."""

import re

import click

from engine.errors import shown

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
"""Bytes that a file can have."""


def byte_count(_ctx: click.Context, _parameter: click.Parameter, value: str) -> int:
    """5GB, 500M or 2GiB as a number of bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", value.strip(), re.IGNORECASE | re.ASCII)
    nbytes = float(match[1]) * _UNITS.get(match[2].upper(), 0) if match else 0
    if not 1 <= nbytes <= _LARGEST:
        raise click.BadParameter(f"{shown(value)} is not a size such as 5GB")
    return int(nbytes)


def byte_count_or_none(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """The same for an option that may be left out."""
    return None if value is None else byte_count(ctx, parameter, value)


max_shard_size_option = click.option(
    "--max-shard-size",
    metavar="SIZE",
    default="5GB",
    show_default=True,
    callback=byte_count,
    help="Maximum size of one shard.",
)
