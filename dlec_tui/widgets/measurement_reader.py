"""Reader of the measurements of a model, in a thread."""

from functools import partial
from pathlib import Path

from textual.message import Message
from textual.widget import Widget

from dlec_tui.measurements.measured import MeasuredModel, read_measured
from engine.errors import DlecError


class MeasurementsRead(Message):
    """The measurements of a model were read."""

    def __init__(self, reference: str, model: MeasuredModel | None, problem: str = "") -> None:
        """model: None without measurements; problem: error of the store."""
        super().__init__()
        self.reference, self.model, self.problem = reference, model, problem


class MeasurementReader(Widget):
    """Posts the measurements that it reads. Invisible."""

    DEFAULT_CSS = "MeasurementReader { display: none; }"

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store

    def read(self, reference: str) -> None:
        """Read the measurements; cancel a running reading."""
        work = partial(self._read, reference)
        self.run_worker(work, group="measured", thread=True, exclusive=True)

    def _read(self, reference: str) -> None:
        try:
            self.post_message(MeasurementsRead(reference, read_measured(self._store, reference)))
        except DlecError as error:
            self.post_message(MeasurementsRead(reference, None, str(error)))
        except Exception as error:
            self.post_message(MeasurementsRead(reference, None, f"unexpected {type(error).__name__}"))
            raise
