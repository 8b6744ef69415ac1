"""`dlec store merge`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from dlec_tui.cli.options import EXISTING_PATH, home_option, json_option
from dlec_tui.cli.progress import task_progress
from engine.errors import UsageError, shown
from engine.jobs.store_dirs import merge_store_dirs
from engine.store.location import STORE_FILE
from engine.store.union import Kind, United
from engine.units import plural


@click.command
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=EXISTING_PATH)
@home_option
@json_option
def merge(sources: tuple[Path, ...], store: Path, wants_json: bool) -> None:
    """Copy the records of other stores into this one.

    SOURCE is a store directory (with dlec.sqlite), a dlec.sqlite, or a directory of store directories; it is only read.
    Models, profiles, scores, previews, sweeps, plans and finished jobs with their logs are copied, each store
    completely or not at all. Existing records are kept, so a second run changes nothing.
    """
    with task_progress("merging stores") as progress:
        done = merge_store_dirs(store, _stores(sources), progress)
    click.echo(json.dumps([_as_json(united) for united in done]) if wants_json else "\n".join(map(_line, done)))


def _stores(sources: tuple[Path, ...]) -> list[Path]:
    """Return the stores of all sources, each once."""
    unique: dict[Path, Path] = {}
    for source in sources:
        for store in _stores_in(source):
            unique.setdefault(store.resolve(), store)
    return list(unique.values())


def _stores_in(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        yield _named_as_store(source)
        return
    stores = [source / STORE_FILE] if (source / STORE_FILE).exists() else _homes_in(source)
    if not stores:
        raise UsageError(
            f"there is no store in {shown(source)}",
            why=f"neither it nor a directory in it holds {STORE_FILE}",
            fix="Give a directory that was used as --home or DLEC_HOME.",
        )
    yield from stores


def _homes_in(directory: Path) -> list[Path]:
    return sorted(child / STORE_FILE for child in directory.iterdir() if (child / STORE_FILE).exists())


def _named_as_store(file: Path) -> Path:
    if file.name != STORE_FILE:
        raise UsageError(
            f"{shown(file)} cannot be merged",
            why=f"a store is a file named {STORE_FILE}, in a directory with the logs of its jobs",
            fix=f"Rename it to {STORE_FILE} in a directory of its own.",
        )
    return file


def _line(united: United) -> str:
    """Return one line with the new, known and skipped records."""
    new = _listed({kind: tally.new for kind, tally in united.tallies.items()})
    known = _listed({kind: tally.known for kind, tally in united.tallies.items()})
    parts = [f"new: {new}" if new else "nothing new"]
    if known:
        parts.append(f"known: {known}")
    if united.unfinished_jobs:
        parts.append(f"not copied: {plural(united.unfinished_jobs, 'unfinished job')}")
    return f"{shown(united.source.parent)}: {'; '.join(parts)}"


def _listed(numbers: Mapping[Kind, int]) -> str:
    """Return the kinds with at least one record: "2 profiles, 1 score"."""
    return ", ".join(plural(number, kind) for kind, number in numbers.items() if number)


def _as_json(united: United) -> dict[str, object]:
    tallies = {
        f"{kind}s".replace(" ", "_"): {"new": tally.new, "known": tally.known} for kind, tally in united.tallies.items()
    }
    return {"store": str(united.source), **tallies, "unfinished_jobs": united.unfinished_jobs}
