"""Which device to run on when the user leaves it open."""

from engine.tensors.library import torch_library


def chosen_device(name: str) -> str:
    """`name`, or for "auto" the first GPU where torch finds one, else the CPU."""
    if name != "auto":
        return name
    return "cuda" if torch_library().cuda.is_available() else "cpu"
