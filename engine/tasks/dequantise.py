"""Turns a GGUF file into a checkpoint that can be stacked, in a child process."""

from pathlib import Path

from engine.tasks.child import run_child

MODULE = "engine.inference.dequantise"


def dequantise(gguf: Path, out: Path) -> None:
    """Write `gguf` as a bf16 checkpoint with its tokenizer to `out`, which appears whole or not at all.

    Raises CheckpointError for a file that transformers cannot read, MachineError when `out` exists or cannot be
    written, or where torch or transformers is missing.
    """
    run_child(MODULE, {"gguf": str(gguf.absolute()), "out": str(out.absolute())})
