"""Slots: the devices that jobs run on, one worker for each."""

from dataclasses import dataclass

from engine.errors import UsageError, shown
from engine.machine.gpus import gpu_numbers

CPU = "cpu"
ANY_GPU = "cuda"


@dataclass(frozen=True, slots=True)
class Slot:
    """The CPU, one GPU, or a set of GPUs that a model is spread over."""

    devices: tuple[int, ...] = ()
    """CUDA's numbers of the GPUs, ascending; empty for the CPU."""

    def __str__(self) -> str:
        """Name of the slot: "cpu", "cuda:1", "cuda:0-3", "cuda:0,2"."""
        return f"cuda:{','.join(_runs(self.devices))}" if self.devices else CPU


def parse_slot(text: str) -> Slot:
    """Parse the name of a slot. Raises UsageError."""
    if text == CPU:
        return Slot()
    devices = gpu_numbers(text)
    if not devices:
        raise UsageError(f"{shown(text)} is not a valid slot", fix='Use "cpu", "cuda:1", or a set such as "cuda:0-3".')
    return Slot(devices)


def parse_wanted(text: str) -> str:
    """Normalize what a job may ask for: a slot, or "cuda" for any GPU. Raises UsageError."""
    return text if text == ANY_GPU else str(parse_slot(text))


def fits(requested: str, slot: Slot) -> bool:
    """Return True if a job that asks for `wanted` may run on `slot`."""
    return bool(slot.devices) if requested == ANY_GPU else requested == str(slot)


def _runs(devices: tuple[int, ...]) -> list[str]:
    """Join consecutive numbers: (0, 1, 2, 5) gives "0-2" and "5"."""
    runs: list[list[int]] = []
    for device in devices:
        if runs and runs[-1][-1] + 1 == device:
            runs[-1].append(device)
        else:
            runs.append([device])
    return [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
