"""Exit codes, and the mapping from errors to them."""

from collections.abc import Mapping

from engine.errors import CheckpointError, DlecError, MachineError, PlanError, UnexpectedError, UsageError

SUCCESS, HAS_ERRORS, USAGE, ENVIRONMENT, JOB_FAILED, JOB_CANCELLED = range(6)
UNEXPECTED, REQUEUE = 70, 75
"""As sysexits.h has them: an internal software error; a temporary failure, to be tried again."""
INTERRUPTED, NO_READER = 130, 141
"""As a shell reports a process that SIGINT or SIGPIPE ended."""

MEANINGS: Mapping[int, str] = {
    SUCCESS: "success",
    HAS_ERRORS: "the plan or the checkpoint has errors, or the model produces NaN",
    USAGE: "usage error (invalid command, missing file or model)",
    ENVIRONMENT: "environment error (disk, permissions, network, missing library)",
    JOB_FAILED: "a job failed",
    JOB_CANCELLED: "a job was cancelled",
    UNEXPECTED: "internal error; the message names the file with the traceback",
    REQUEUE: "unfinished work; run or queue it again",
    INTERRUPTED: "interrupted; merge, demo, download and sweep resume when run again",
    NO_READER: "broken pipe",
}
"""Every code that a verb ends with. README lists them in the same words."""

CODE_OF: Mapping[type[DlecError], int] = {
    UsageError: USAGE,
    CheckpointError: HAS_ERRORS,
    PlanError: HAS_ERRORS,
    UnexpectedError: UNEXPECTED,
    MachineError: ENVIRONMENT,
}
"""The first kind that an error is of counts."""


def code_of(error: DlecError) -> int:
    """The code of the error's kind; an error of another kind is about the checkpoint."""
    return next((code for kind, code in CODE_OF.items() if isinstance(error, kind)), HAS_ERRORS)


def explained() -> str:
    """The table as click prints it below the help of `dlec`: each line as it is."""
    lines = (f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())
    return "\n".join(["\b", "Exit codes:", *lines])
