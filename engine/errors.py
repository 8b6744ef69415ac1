"""The error tree: what failed, why, and what to do.

    DlecError
    ├── CheckpointError    a model directory is broken, or of a kind that cannot be stacked
    ├── PlanError          a plan has problems that forbid running it
    ├── UsageError         the request itself cannot be met: an output that exists, an unknown option
    └── MachineError       the machine stands in the way: disk, permission, network, a missing library

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

    def __str__(self) -> str:
        reason = f"{self.what}: {self.why}" if self.why else self.what
        return f"{reason}\n{self.fix}" if self.fix else reason


class CheckpointError(DlecError):
    """A checkpoint cannot be read, is malformed, or is of a kind that cannot be stacked."""


class PlanError(DlecError):
    """A plan cannot be turned into a stack."""


class UsageError(DlecError):
    """The request cannot be met as it was made."""


class MachineError(DlecError):
    """The machine lacks something: space, permission, network, a library."""


def shown(name: object) -> str:
    """A name from a file as text that is safe to print: control characters escaped, at most 200 long."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))
    return text if len(text) <= 200 else f"{text[:197]}..."
