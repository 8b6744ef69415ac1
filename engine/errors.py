"""The error tree: what failed, why, and what to do.

    DlecError
    ├── CheckpointError    a model directory is broken, or of a kind that cannot be stacked
    ├── PlanError          a plan has problems that forbid running it
    ├── UsageError         the request itself cannot be met: an output that exists, an unknown option
    │   └── NotFoundError  a file or directory that the request names does not exist
    │       └── MissingCheckpointError  and neither does a model; a CheckpointError as well
    └── MachineError       the machine stands in the way: disk, permission, network, a missing library
        ├── DiskFullError  space ran out: what else wants to write to that disk had better wait
        └── UnexpectedError  an exception that no code expected: a defect in dlec or in a library

Foreign exceptions are translated into these once, where they enter.
"""

import errno
from collections.abc import Mapping
from pathlib import Path

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class DlecError(Exception):
    """Base of every error a user is meant to read.

    what: the thing that failed, with its path, tensor or line.
    why:  the reason, with figures. May be empty.
    fix:  what the user can do about it. May be empty.
    where: the place as data, as far as there is one: "path", "line", "column".
    """

    def __init__(self, what: str, *, why: str = "", fix: str = "", where: Mapping[str, object] | None = None) -> None:
        self.what = what
        self.why = why
        self.fix = fix
        self.where = dict(where or {})
        super().__init__(what, why, fix)

    @property
    def line(self) -> str:
        """What failed and why, on one line, without the fix."""
        return " ".join((f"{self.what}: {self.why}" if self.why else self.what).splitlines())

    def __str__(self) -> str:
        return f"{self.line}\n{self.fix}" if self.fix else self.line


class CheckpointError(DlecError):
    """A checkpoint cannot be read, is malformed, or is of a kind that cannot be stacked."""


class PlanError(DlecError):
    """A plan cannot be turned into a stack."""


class UsageError(DlecError):
    """The request cannot be met as it was made."""


class NotFoundError(UsageError):
    """A file or directory that the request names does not exist."""


class MissingCheckpointError(NotFoundError, CheckpointError):
    """A model that the request names is neither on this machine nor where else it was looked for."""


class MachineError(DlecError):
    """The machine lacks something: space, permission, network, a library."""


class DiskFullError(MachineError):
    """The disk is too full for what was to be written."""


class UnexpectedError(MachineError):
    """An exception that is no DlecError reached a place where it is contained."""


def machine_error(what: str, error: OSError, *, fix: str = "") -> MachineError:
    """A failed system call as an error for the user. what: the operation, with its path: "/a/b cannot be read"."""
    kind = DiskFullError if error.errno in _DISK_FULL else MachineError
    return kind(what, why=system_reason(error), fix=fix)


def system_reason(error: OSError) -> str:
    """The system's explanation: "Permission denied"."""
    return error.strerror or str(error)


def contained(what: str, error: Exception, fix: str = "") -> DlecError:
    """Any exception as an error for the user; its traceback is the caller's to keep. A DlecError is itself.

    what: the work that it ended. An OSError is an error of the machine, of the file that it names.
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
