"""What the screen does to jobs, and what it says of that afterwards. Each reads and writes the disk.

All raise UsageError for a job whose state has changed meanwhile, MachineError where the store cannot be written.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from engine.jobs import launch, queue
from engine.store.database import open_for_reading
from engine.store.job_states import Cancelled, Held, Stop, Waiting
from engine.store.jobs import Job, jobs_in
from engine.units import plural


def cancel(store: Path, job_id: int, stop: Stop) -> str:
    """Cancel a job. Its own partial output is removed or kept as `stop` says; output of other runs always stays."""
    job = queue.cancel(store, job_id, stop)
    if not isinstance(job.state, Cancelled):
        return f"job {job_id} will end in a moment"
    return f"job {job_id} is cancelled"


def hold(store: Path, job_id: int) -> str:
    queue.hold(store, job_id)
    return f"job {job_id} is held; h releases it"


def release(store: Path, job_id: int) -> str:
    queue.release(store, job_id)
    return f"job {job_id} waits again"


def retry(store: Path, job_ids: Sequence[int]) -> str:
    """Every failed one when none is named; and that somebody takes them."""
    waiting = queue.retry(store, job_ids)
    launch.start_workers(store)
    what = f"job {waiting[0]} waits" if len(waiting) == 1 else f"{len(waiting)} jobs wait"
    return f"{what} again"


def clear(store: Path, job_ids: Sequence[int]) -> str:
    """Every one that is done or cancelled when none is named."""
    return f"{plural(len(queue.clear(store, job_ids)), 'job')} deleted"


def start(store: Path) -> str:
    started = launch.start_workers(store)
    slots = ", ".join(str(each.slot) for each in started)
    return f"started a worker for {slots}" if slots else "every slot has its worker already"


def move_up(store: Path, job_id: int) -> str:
    """By one; nothing is said of what can be seen."""
    return _move(store, job_id, place_above)


def move_down(store: Path, job_id: int) -> str:
    return _move(store, job_id, place_below)


def place_above(job_id: int, queued: Sequence[Job]) -> queue.QueuePosition | None:
    """Where a job goes that is moved up by one; None for one that cannot. queued: in the order of the queue."""
    alike = _alike(job_id, queued)
    at = alike.index(job_id) if job_id in alike else 0
    return queue.Before(alike[at - 1]) if at else None


def place_below(job_id: int, queued: Sequence[Job]) -> queue.QueuePosition | None:
    """And one that is moved down."""
    alike = _alike(job_id, queued)
    behind = alike[alike.index(job_id) + 1 :] if job_id in alike else []
    if not behind:
        return None
    others = [other.id for other in queued if other.id != job_id]
    after = others[others.index(behind[0]) + 1 :]
    return queue.Before(after[0]) if after else queue.Last()


def _alike(job_id: int, queued: Sequence[Job]) -> list[int]:
    """The list shows those that wait and those that are held one below the other: a job moves among its like."""
    state = next((type(job.state) for job in queued if job.id == job_id), None)
    return [job.id for job in queued if type(job.state) is state]


def _move(store: Path, job_id: int, find: Callable[[int, Sequence[Job]], queue.QueuePosition | None]) -> str:
    with closing(open_for_reading(store)) as connection:
        place = find(job_id, jobs_in(connection, Waiting, Held))
    if place is not None:
        queue.reorder(store, job_id, place)
    return ""
