"""size: the new model is larger than the free disk space or the memory of the device.

Severity: warning

Why: A merge checks the free disk space before it writes, but a queued merge may run hours later. A model that exceeds
the memory of its device does not run there.

Source: arithmetic: the bytes of all tensors as written; a running model also needs the KV cache.

Example: 120B parameters at 16 bits need 240 GB, the disk has 200 GB free.

Fix: Repeat fewer layers, write a smaller dtype, or use another disk or device.
"""

from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.units import byte_size


def check(facts: Facts) -> Iterator[Problem]:
    free, device = facts.context.free_disk, facts.context.device
    if free is None and device is None:
        return
    nbytes = facts.cost.nbytes
    if free is not None and nbytes > free:
        message = (
            f"the new model needs {byte_size(nbytes)}, but the disk has {byte_size(free)} free "
            f"({byte_size(nbytes - free)} short)"
        )
        yield Problem("size", Severity.WARNING, message, fix="Free some space, or write to another disk.")
    if device is not None and nbytes > device.memory:
        message = (
            f"the new model needs {byte_size(nbytes)}, but {device.name} has {byte_size(device.memory)} of memory "
            f"({byte_size(nbytes - device.memory)} short)"
        )
        yield Problem("size", Severity.WARNING, message, fix="Repeat fewer layers, or quantise the result to run it.")
