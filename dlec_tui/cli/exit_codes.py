"""Exit codes, and the mapping from errors to them."""

from collections.abc import Mapping

from engine.errors import CheckpointError, DlecError, MachineError, PlanError, UnexpectedError, UsageError

SUCCESS, HAS_ERRORS, USAGE, ENVIRONMENT, JOB_FAILED, JOB_CANCELLED = range(6)
UNEXPECTED, REQUEUE = 70, 75
"""Codes of sysexits.h: EX_SOFTWARE and EX_TEMPFAIL."""
INTERRUPTED, NO_READER = 130, 141
"""Codes of a shell for a process that SIGINT or SIGPIPE ended."""

MEANINGS: Mapping[int, str] = {
    SUCCESS: "success",
    HAS_ERRORS: "the plan or the checkpoint has errors, or the model produces NaN",
    USAGE: "usage error (invalid command, missing file or model)",
    ENVIRONMENT: "environment error (disk, permissions, network, missing library)",
    JOB_FAILED: "a job failed",
    JOB_CANCELLED: "a job was cancelled",
    UNEXPECTED: "unexpected error; the message names the file with the traceback",
    REQUEUE: "unfinished work; run or queue it again",
    INTERRUPTED: "interrupted; merge, demo, download and sweep resume when run again",
    NO_READER: "broken pipe",
}
"""Every exit code and its meaning, in the words of help and documentation."""

CODE_OF: Mapping[type[DlecError], int] = {
    UsageError: USAGE,
    CheckpointError: HAS_ERRORS,
    PlanError: HAS_ERRORS,
    UnexpectedError: UNEXPECTED,
    MachineError: ENVIRONMENT,
}
"""Exit code of each kind of error; the first match counts."""


def code_of(error: DlecError) -> int:
    """Return the exit code of an error; other kinds count as errors of the checkpoint."""
    return next((code for kind, code in CODE_OF.items() if isinstance(error, kind)), HAS_ERRORS)


def explained() -> str:
    """Return the table for the help of `dlec`, formatted so that click keeps its lines."""
    lines = (f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())
    return "\n".join(["\b", "Exit codes:", *lines])
