"""Unites the stores of several homes, and brings along the logs of their jobs, which lie beside them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import DlecError, machine_error
from engine.files import open_regular, write_whole
from engine.jobs.logs import job_log
from engine.protocol import Report, no_report
from engine.store.union import United, require_source, unite


def merge_store_dirs(target: Path, sources: Sequence[Path], report: Report = no_report) -> tuple[United, ...]:
    """Copy what each of these stores holds into the store `target`: of each all of it or nothing.

    Raises UsageError and MachineError for a source that cannot be united, before anything is written where that can be
    seen beforehand, else with the names of those that were united before it. Done again, it changes nothing, and brings
    logs that a failure has left behind.
    """
    for source in sources:
        require_source(target, source)
    done: list[United] = []
    for source in sources:
        report(len(done), len(sources), str(source.parent))
        try:
            united = unite(target, source)
            _copy_logs(target, source, united.job_ids)
        except DlecError as error:
            raise _after(done, error) from error
        done.append(united)
    return tuple(done)


def _after(done: Sequence[United], error: DlecError) -> DlecError:
    """The error, with what was done before it."""
    if not done:
        return error
    names = ", ".join(str(united.source.parent) for united in done)
    return type(error)(error.what, why=error.why, fix=f"{error.fix}\nUnited before it: {names}.")


def _copy_logs(target: Path, source: Path, job_ids: Mapping[int, int]) -> None:
    """job_ids: the id that each job of the source has in the target."""
    for theirs, ours in job_ids.items():
        log, copy = job_log(source, theirs), job_log(target, ours)
        try:
            _copy_missing(log, copy)
        except OSError as error:
            raise machine_error(
                f"the log {log} cannot be copied to {copy}",
                error,
                fix="Unite again when it can be: only what is missing is copied then.",
            ) from error


def _copy_missing(log: Path, copy: Path) -> None:
    """A job that ended before a worker began it has no log."""
    if copy.exists() or not log.exists():
        return
    copy.parent.mkdir(exist_ok=True)
    with open_regular(log) as file:
        write_whole(copy, file.read())
