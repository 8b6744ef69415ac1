"""Store directories: merging the stores of several directories, with the logs of their jobs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import DlecError, machine_error
from engine.files import open_regular, write_whole
from engine.jobs.logs import job_log
from engine.protocol import Report, no_report
from engine.store.union import United, require_source, unite


def merge_store_dirs(target: Path, sources: Sequence[Path], report: Report = no_report) -> tuple[United, ...]:
    """Copy what each of these stores holds into the store `target`, each store completely or not at all.

    Raises UsageError or MachineError for a source that cannot be merged: before anything is written if the first check
    finds it, else with the names of the stores that were merged before. A second run changes nothing, except that it
    copies logs that an error has left out.
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
    """Return the error with the names of the stores that were merged before it."""
    if not done:
        return error
    names = ", ".join(str(united.source.parent) for united in done)
    return type(error)(error.what, why=error.why, fix=f"{error.fix}\nMerged before the error: {names}.")


def _copy_logs(target: Path, source: Path, job_ids: Mapping[int, int]) -> None:
    """Copy the logs of jobs. job_ids: id in the source, to id in the target."""
    for theirs, ours in job_ids.items():
        log, copy = job_log(source, theirs), job_log(target, ours)
        try:
            _copy_missing(log, copy)
        except OSError as error:
            raise machine_error(
                f"the log {log} cannot be copied to {copy}",
                error,
                fix="Run the command again later: only missing logs are copied.",
            ) from error


def _copy_missing(log: Path, copy: Path) -> None:
    """Copy a log, if there is one: a job that was cancelled before its start has none."""
    if copy.exists() or not log.exists():
        return
    copy.parent.mkdir(exist_ok=True)
    with open_regular(log) as file:
        write_whole(copy, file.read())
