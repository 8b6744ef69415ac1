"""size: the new model is larger than the disk it goes to, or than the device it is for.

Severity: warning

Why: A merge finds out before it writes whether the disk suffices, but that may be tonight, in a batch. And a model
that does not fit the memory of its device will not run there, whatever its quality.

Source: arithmetic: the bytes of all tensors as written; a running model needs the KV cache on top.

Example: 120B parameters at 16 bits are 240 GB, for a disk with 200 GB free.

Remedy: Repeat fewer layers, write a smaller dtype, or give another disk or device.
"""

from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.units import byte_size


def check(facts: Facts) -> Iterator[Problem]:
    free, device = facts.circumstances.free_disk, facts.circumstances.device
    if free is None and device is None:
        return
    nbytes = facts.cost.nbytes
    if free is not None and nbytes > free:
        message = (
            f"the new model has {byte_size(nbytes)}, the disk has {byte_size(free)} free: "
            f"{byte_size(nbytes - free)} too little"
        )
        yield Problem("size", Severity.WARNING, message, fix="Free some space, or write it to another disk.")
    if device is not None and nbytes > device.memory:
        message = (
            f"the new model has {byte_size(nbytes)}, {device.name} has {byte_size(device.memory)} of memory: "
            f"{byte_size(nbytes - device.memory)} too little"
        )
        yield Problem("size", Severity.WARNING, message, fix="Repeat fewer layers, or quantise the result to run it.")
