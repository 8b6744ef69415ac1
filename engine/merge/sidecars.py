"""Sidecar files: tokenizer, chat template and the like, copied from the config's donor, and files left out.

Code of the model directory is copied as bytes and never run; links are followed, so the copy is independent.
"""

import fnmatch
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from engine.checkpoint.config import CONFIG_FILE
from engine.checkpoint.formats.registry import is_weight_file, looks_like_checkpoint
from engine.checkpoint.formats.safetensors import INDEX_FILE
from engine.errors import machine_error
from engine.files import sync_file, write_synced
from engine.plan.companions import LEFT_OUT as OF_THE_SOURCE
from engine.plan.companions import Companions

_ANOTHER_FORMAT = "another weight format"
LEFT_OUT = {
    "an adapter, which is not part of the merge": ("adapter_config.json", "adapter_model.*", "adapter.safetensors"),
    _ANOTHER_FORMAT: (
        "*.bin", "*.pt", "*.pth", "*.ckpt", "*.gguf", "*.ggml", "*.onnx", "*.onnx_data", "*.h5", "*.msgpack", "*.ot",
        "*.npz", "*.tflite", "*.safetensors", "*.index.json", "onnx", "original", "openvino", "coreml",
    ),
    "training state": (
        "optimizer*", "scheduler*", "rng_state*", "trainer_state.json", "training_args*", "checkpoint-*",
        "global_step*", "runs", "events.out.tfevents*", "*.distcp",
    ),
    "written again": ("README.md", "mergekit_config.yml", "dlec_manifest.json", "SHA256SUMS"),
    "hidden": (".*",),
}  # fmt: skip
"""Reason to patterns of names, of files and of directories alike; `training_args*` is a pickle besides."""

NONE = Companions()


@dataclass(frozen=True, slots=True)
class Sidecars:
    """Files of a model directory that a merge copies, rewrites or leaves out."""

    directory: Path
    copied: tuple[PurePath, ...]
    """Relative names, in order."""
    left_out: dict[str, str]
    """Relative name to reason; the checkpoint's own weights and config are not listed."""
    rewritten: Mapping[str, str] = field(default_factory=dict)
    """Relative name to new text, of files that describe layers."""

    @property
    def nbytes(self) -> int:
        return sum((self.directory / name).stat().st_size for name in self.copied)


def sidecars_of(directory: Path, weights: set[Path], changed: Companions = NONE) -> Sidecars:
    """Look through `directory`, whose own weight files are `weights` and some of whose other files describe layers.

    Raises MachineError when it cannot be read.
    """
    left_out: dict[str, str] = {}
    try:
        copied = tuple(sorted(_carried(directory, PurePath(), weights, left_out)))
    except OSError as error:
        raise machine_error(f"{directory} cannot be read", error) from error
    left_out = {**changed.left_out, **left_out}
    rewritten = {name: text for name, text in changed.rewritten.items() if name not in left_out}
    copied = tuple(name for name in copied if str(name) not in (*left_out, *rewritten))
    return Sidecars(directory, copied, dict(sorted(left_out.items())), rewritten)


def copy_sidecars(sidecars: Sidecars, target: Path) -> None:
    """Put them below `target`, contents only, and sync each. Raises MachineError for one that cannot be read."""
    for name in sidecars.copied:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        _copy(sidecars.directory / name, target / name)
    for rewritten, text in sidecars.rewritten.items():
        write_synced(target / rewritten, text)


def _carried(root: Path, below: PurePath, weights: set[Path], left_out: dict[str, str]) -> Iterator[PurePath]:
    with os.scandir(root / below) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = below / entry.name
            if root / name in weights or str(name) in (CONFIG_FILE, INDEX_FILE):
                continue
            if reason := _reason_against(entry):
                left_out[str(name)] = reason
            elif entry.is_dir():
                yield from _carried(root, name, weights, left_out)
            else:
                yield name


def _reason_against(entry: os.DirEntry[str]) -> str:
    for reason, patterns in (LEFT_OUT | OF_THE_SOURCE).items():
        if any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in patterns):
            return reason
    if is_weight_file(entry.name):
        return _ANOTHER_FORMAT
    if entry.is_symlink() and entry.is_dir():
        return "a link to a directory"
    if entry.is_dir() and _is_checkpoint(Path(entry.path)):
        return "another checkpoint"
    return "" if entry.is_dir() or entry.is_file() else "not a file"


def _is_checkpoint(directory: Path) -> bool:
    return looks_like_checkpoint([file.name for file in directory.iterdir()])


def _copy(source: Path, target: Path) -> None:
    try:
        opened = source.open("rb")
    except OSError as error:
        raise machine_error(f"{source} cannot be read", error) from error
    with opened, target.open("wb") as file:
        shutil.copyfileobj(opened, file)
    sync_file(target)
