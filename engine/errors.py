"""The error tree: what failed, why, and what to do.

    DlecError
    ├── CheckpointError    a model directory is broken, or of a kind that cannot be stacked
    ├── PlanError          a plan has problems that forbid running it
    ├── UsageError         the request is invalid: an output that exists, an unknown option
    │   └── NotFoundError  a file or directory that the request names does not exist
    │       └── MissingCheckpointError  and neither does a model; a CheckpointError as well
    └── MachineError       an environment error: disk, permissions, network, a missing library
        ├── DiskFullError  the disk is full: other jobs that write to it should wait
        └── UnexpectedError  an exception that no code expected: a defect in dlec or in a library

Foreign exceptions are translated into these at the boundary where they occur.
"""

import errno
from collections.abc import Mapping
from pathlib import Path

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class DlecError(Exception):
    """Base of every error that a user reads.

    what: the failure, with its path, tensor or line.
    why:  the reason, with figures. May be empty.
    fix:  an instruction for the user. May be empty.
    where: the place as data: "path", "line", "column".
    """

    def __init__(self, what: str, *, why: str = "", fix: str = "", where: Mapping[str, object] | None = None) -> None:
        self.what = what
        self.why = why
        self.fix = fix
        self.where = dict(where or {})
        super().__init__(what, why, fix)

    @property
    def line(self) -> str:
        """The failure and its reason on one line, without the fix."""
        return " ".join((f"{self.what}: {self.why}" if self.why else self.what).splitlines())

    def __str__(self) -> str:
        return f"{self.line}\n{self.fix}" if self.fix else self.line


class CheckpointError(DlecError):
    """A checkpoint cannot be read, is malformed, or is of a kind that cannot be stacked."""


class PlanError(DlecError):
    """A plan cannot be turned into a stack."""


class UsageError(DlecError):
    """The request is invalid or cannot be met."""


class NotFoundError(UsageError):
    """A file or directory that the request names does not exist."""


class MissingCheckpointError(NotFoundError, CheckpointError):
    """A model that the request names exists neither on this machine nor, if it was searched, on the hub."""


class MachineError(DlecError):
    """The machine lacks something: space, permission, network, a library."""


class DiskFullError(MachineError):
    """The disk is too full for the data to be written."""


class UnexpectedError(MachineError):
    """An exception that no code expected: a defect in dlec or in a library."""


def machine_error(what: str, error: OSError, *, fix: str = "") -> MachineError:
    """A failed system call as an error for the user. what: the operation, with its path: "/a/b cannot be read"."""
    kind = DiskFullError if error.errno in _DISK_FULL else MachineError
    return kind(what, why=system_reason(error), fix=fix)


def system_reason(error: OSError) -> str:
    """The system's explanation: "Permission denied"."""
    return error.strerror or str(error)


def contained(what: str, error: Exception, fix: str = "") -> DlecError:
    """Any exception as an error for the user; the caller keeps its traceback. A DlecError is returned unchanged.

    what: the work that it ended. An OSError becomes a MachineError that names its file.
    """
    match error:
        case DlecError():
            return error
        case OSError() if error.errno in _DISK_FULL:
            return DiskFullError(what, why=_reason_with_file(error), fix=fix)
        case OSError(errno=int()):
            return MachineError(what, why=_reason_with_file(error), fix=fix)
        case MemoryError():
            return MachineError(what, why="memory ran out", fix=fix)
    return UnexpectedError(what, why=_described(error), fix=fix)


def _reason_with_file(error: OSError) -> str:
    """ "/models/a/config.json: Input/output error"."""
    named = f"{shown(error.filename)}: " if error.filename else ""
    return f"{named}{system_reason(error)}"


def _described(error: Exception) -> str:
    """ "KeyError: 'rope' (profile.py, line 40)": kind, text, and the line of code that raised it."""
    import traceback  # late: only what fails needs it

    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    text = shown("".join(traceback.format_exception_only(error)).strip())
    return f"{text}{where}"


def escaped(text: str) -> str:
    """`text` on one line, safe to print: control characters and lone surrogates escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(name: object) -> str:
    """A name from a file, escaped and at most 200 characters long."""
    text = escaped(str(name))
    return text if len(text) <= 200 else f"{text[:197]}..."
