"""The processes in which a worker's tasks run: one that keeps its models loaded, and fresh ones for what needs none."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import BinaryIO

from engine.errors import MachineError
from engine.jobs.slots import Slot
from engine.tasks.child import TASK_MODULE
from engine.tasks.process import EngineProcess
from engine.tasks.specs import spec_of


class TaskProcesses:
    """Task processes of one slot; a context that ends them."""

    def __init__(self, slot: Slot) -> None:
        self._name = f"tasks on {slot}"
        self._resident: EngineProcess | None = None

    def __enter__(self) -> "TaskProcesses":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._end_resident()

    @property
    def is_warm(self) -> bool:
        """Return True if models may be loaded."""
        return self._resident is not None and self._resident.is_alive

    @contextmanager
    def process_for(self, task: str, log: BinaryIO) -> Iterator[EngineProcess]:
        """Yield a process for one request; its earlier output goes to `log`."""
        spec = spec_of(task)
        if not spec.needs_device:
            with EngineProcess([TASK_MODULE, task], log, online=spec.is_online) as process:
                yield process
        else:
            try:
                yield self._living_resident(log)
            except MachineError:  # the device or its memory may be in a bad state
                self._end_resident()
                raise

    def _living_resident(self, log: BinaryIO) -> EngineProcess:
        if self._resident is None or not self._resident.is_alive:
            self._end_resident()
            self._resident = EngineProcess([TASK_MODULE, self._name], log)
        return self._resident

    def _end_resident(self) -> None:
        if self._resident is not None:
            self._resident.kill()
            self._resident = None
