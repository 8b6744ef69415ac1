"""What an attempt at a job leaves on the disk. Only merges do: every other task ends in the store, or in nothing."""

from pathlib import Path

from engine.store.jobs import Job, JobSpec


def continues(spec: JobSpec) -> bool:
    """Whether an attempt goes on where the one before it stopped."""
    return spec.task == "merge"


def discard_output(job: Job) -> None:
    """Remove what the unfinished attempts at a job have written, and nothing that anybody else has begun.

    Raises UsageError while somebody else is merging into the same output, MachineError when it cannot be removed.
    """
    if continues(job.spec) and job.attempts:
        from engine.merge.discard import discard  # late: it brings all of merging, and the screen asks nothing of it

        discard(Path(job.spec.request["out"]), job.uuid)
