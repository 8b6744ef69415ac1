"""Continues a prompt with checkpoints, in a child process."""

from collections.abc import Sequence
from pathlib import Path

from engine.tasks.child import run_child

MODULE = "engine.inference.generate"


def generate(directories: Sequence[Path], prompt: str, max_new_tokens: int = 32) -> list[str]:
    """The greedy continuation of `prompt` by each checkpoint, without the prompt.

    Raises CheckpointError when a checkpoint or its tokenizer cannot be opened, MachineError where torch or
    transformers is missing.
    """
    listed = [str(directory.absolute()) for directory in directories]
    answer = run_child(MODULE, {"directories": listed, "prompt": prompt, "max_new_tokens": max_new_tokens})
    continuations: list[str] = answer["continuations"]
    return continuations
