"""The error tree: what failed, why, and what to do.

    DlecError
    ├── CheckpointError    a model directory is broken, or of a kind that cannot be stacked
    ├── PlanError          a plan has problems that forbid running it
    ├── UsageError         the request itself cannot be met: an output that exists, an unknown option
    └── MachineError       the machine stands in the way: disk, permission, network, a missing library
        └── DiskFullError  space ran out: what else wants to write to that disk had better wait

Foreign exceptions are translated into these once, where they enter.
"""


class DlecError(Exception):
    """Base of every error a user is meant to read.

    what: the thing that failed, with its path, tensor or line.
    why:  the reason, with figures. May be empty.
    fix:  what the user can do about it. May be empty.
    """

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        self.what = what
        self.why = why
        self.fix = fix
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


class MachineError(DlecError):
    """The machine lacks something: space, permission, network, a library."""


class DiskFullError(MachineError):
    """The disk is too full for what was to be written."""


def escaped(text: str) -> str:
    """`text` on one line, safe to print: control characters and lone surrogates escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(name: object) -> str:
    """A name from a file, escaped and at most 200 characters long."""
    text = escaped(str(name))
    return text if len(text) <= 200 else f"{text[:197]}..."
