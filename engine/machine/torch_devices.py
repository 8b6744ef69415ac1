"""Devices that torch sees, queried in a child process: importing it here would take seconds and 200 MB."""

import json
import sys
from dataclasses import dataclass

from engine.machine.commands import output_of
from engine.machine.gpus import Gpu

SECONDS = 30.0
"""Default timeout: torch may take that long to import from a busy network disk."""

_SCRIPT = """
import json, sys
talk, sys.stdout = sys.stdout, sys.stderr  # libraries may print to stdout
import torch
error, gpus = "", []
if torch.version.cuda or torch.version.hip:
    try:
        torch.cuda.init()
        gpus = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    except Exception as failure:
        error = str(failure)
cuda, rocm = torch.version.cuda, torch.version.hip
answer = {
    "built_for": f"CUDA {cuda}" if cuda else f"ROCm {rocm}" if rocm else "",
    "threads": torch.get_num_threads(),
    "error": error,
    "gpus": [[gpu.name, gpu.total_memory] for gpu in gpus],
}
print(json.dumps(answer), file=talk)
"""


@dataclass(frozen=True, slots=True)
class TorchDevices:
    """Devices of the installed torch."""

    built_for: str
    """"CUDA 12.8", "ROCm 6.4.1", or "" for a build that knows the CPU alone."""
    threads: int
    """Number of threads on the CPU."""
    gpus: tuple[Gpu, ...] = ()
    error: str = ""
    """Reason why a build for GPUs finds no GPU; "" without one."""


def torch_devices(seconds: float = SECONDS) -> TorchDevices:
    """Query torch. Raises MachineError if it cannot be imported, crashes, or takes longer than `seconds`."""
    # -P: a torch.py in the user's working directory must not be taken for the library.
    return devices_from(output_of([sys.executable, "-P", "-c", _SCRIPT], seconds))


def devices_from(output: str) -> TorchDevices:
    """Parse the output of the child process."""
    report = json.loads(output)
    gpus = tuple(Gpu(name, total) for name, total in report["gpus"])
    return TorchDevices(report["built_for"], report["threads"], gpus, report["error"])
