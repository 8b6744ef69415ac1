"""How much memory a job may take."""

from dlec_tui.doctor.result import Finding, fine, note
from engine.machine.memory import Memory, memory
from engine.units import byte_size

LITTLE = 2e9
"""Bytes: the weights of a small model, and torch itself."""


def look() -> Finding:
    return memory_finding(memory())


def memory_finding(known: Memory) -> Finding:
    value = f"{byte_size(known.available)} available of {byte_size(known.total)}"
    if known.limit is not None:
        value += f"; this container or batch job may take {byte_size(known.limit)} in all"
    if known.available < LITTLE:
        return note(value, "The weights of a model that runs have to fit. End what you can spare, or ask for more.")
    return fine(value)
