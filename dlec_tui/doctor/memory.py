"""Check of the memory that a job can use."""

from dlec_tui.doctor.result import Finding, fine, note
from engine.machine.memory import Memory, memory
from engine.units import byte_size

LITTLE = 2e9
"""Warning limit in bytes: weights of a small model, and torch itself."""


def look() -> Finding:
    return memory_finding(memory())


def memory_finding(known: Memory) -> Finding:
    value = f"{byte_size(known.available)} available of {byte_size(known.total)}"
    if known.limit is not None:
        value += f"; limit of this container or batch job: {byte_size(known.limit)}"
    if known.available < LITTLE:
        return note(value, "The weights of a running model must fit. Close other programs, or request more memory.")
    return fine(value)
