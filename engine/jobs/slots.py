"""Slots: the devices that jobs are run on. One worker works on each."""

import re
from dataclasses import dataclass

from engine.errors import UsageError, shown

CPU = "cpu"
ANY_GPU = "cuda"

_GPUS = re.compile(r"cuda:(\d{1,3}(?:-\d{1,3})?(?:,\d{1,3}(?:-\d{1,3})?)*)")


@dataclass(frozen=True, slots=True)
class Slot:
    """The CPU, a GPU, or a set of GPUs over which a model is spread."""

    devices: tuple[int, ...] = ()
    """CUDA's numbers of the GPUs, ascending; none means the CPU."""

    def __str__(self) -> str:
        """As torch and the user write it: "cpu", "cuda:1", "cuda:0-3", "cuda:0,2"."""
        return f"cuda:{','.join(_runs(self.devices))}" if self.devices else CPU


def parse_slot(text: str) -> Slot:
    """Raises UsageError for what is no slot."""
    if text == CPU:
        return Slot()
    match = _GPUS.fullmatch(text)
    devices = sorted({number for run in match[1].split(",") for number in _numbers(run)}) if match else []
    if not devices:
        raise UsageError(f"{shown(text)} is no slot", fix='Use "cpu", "cuda:1", or a set such as "cuda:0-3".')
    return Slot(tuple(devices))


def parse_wanted(text: str) -> str:
    """What a job may want, in its one spelling: a slot, or "cuda" for any GPU. Raises UsageError."""
    return text if text == ANY_GPU else str(parse_slot(text))


def fits(wanted: str, slot: Slot) -> bool:
    """Whether a job that wants `wanted` may run on `slot`."""
    return bool(slot.devices) if wanted == ANY_GPU else wanted == str(slot)


def _numbers(run: str) -> range:
    first, _, last = run.partition("-")
    return range(int(first), int(last or first) + 1)


def _runs(devices: tuple[int, ...]) -> list[str]:
    """Neighbouring numbers joined: (0, 1, 2, 5) gives 0-2 and 5."""
    runs: list[list[int]] = []
    for device in devices:
        if runs and runs[-1][-1] + 1 == device:
            runs[-1].append(device)
        else:
            runs.append([device])
    return [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
