"""What torch sees, asked in a process of its own: importing it here would take seconds and 200 MB for good."""

import json
import sys
from dataclasses import dataclass

from engine.machine.commands import answer_of
from engine.machine.gpus import Gpu

SECONDS = 30.0
"""From a busy networked disk torch may take that long to import."""

_QUESTION = """
import json, sys
talk, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
import torch
trouble, gpus = "", []
if torch.version.cuda or torch.version.hip:
    try:
        torch.cuda.init()
        gpus = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    except Exception as error:
        trouble = str(error)
cuda, rocm = torch.version.cuda, torch.version.hip
answer = {
    "built_for": f"CUDA {cuda}" if cuda else f"ROCm {rocm}" if rocm else "",
    "threads": torch.get_num_threads(),
    "trouble": trouble,
    "gpus": [[gpu.name, gpu.total_memory] for gpu in gpus],
}
print(json.dumps(answer), file=talk)
"""


@dataclass(frozen=True, slots=True)
class TorchDevices:
    """What this torch can compute on."""

    built_for: str
    """"CUDA 12.8", "ROCm 6.4.1", or "" for a build that knows the CPU alone."""
    threads: int
    """How many it uses on the CPU."""
    gpus: tuple[Gpu, ...] = ()
    trouble: str = ""
    """Why it finds no GPU although it was built for them; "" otherwise."""


def torch_devices(seconds: float = SECONDS) -> TorchDevices:
    """Raises MachineError where torch cannot be imported, crashes, or takes longer than `seconds`."""
    # -P: a torch.py in the user's working directory must not be taken for the library.
    return devices_from(answer_of([sys.executable, "-P", "-c", _QUESTION], seconds))


def devices_from(answer: str) -> TorchDevices:
    """From what the process prints."""
    said = json.loads(answer)
    gpus = tuple(Gpu(name, total) for name, total in said["gpus"])
    return TorchDevices(said["built_for"], said["threads"], gpus, said["trouble"])
