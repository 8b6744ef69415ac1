"""Measurement options, the part of a request that all measuring tasks share: text, its amount, dtype and device."""

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.files import expanded
from engine.machine.gpus import gpus
from engine.tensors.library import DTYPE_NAMES
from engine.text.corpus import Corpus, Split, builtin_corpus
from engine.text.files import read_corpus

CPU_INFO = Path("/proc/cpuinfo")
INSTRUCTIONS: Mapping[str, frozenset[str]] = {
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16", "bf16"}),
    "float16": frozenset({"avx512_fp16", "amx_fp16", "asimdhp"}),
}
"""CPU features as Linux names them, on x86 and on ARM; any of them suffices."""
_FLOAT32_BYTES = 4
_MOST_OF_MEMORY = 0.5


def auto_dtype(stored: str, device: str, parameters: int) -> str:
    """torch's name of the dtype to compute in on `device` ("auto", "cpu", "cuda", ...)."""
    is_slow = stored in INSTRUCTIONS and _runs_on_cpu(device) and not INSTRUCTIONS[stored] & _cpu_features()
    return "float32" if is_slow and _fits_as_float32(parameters) else stored


def _runs_on_cpu(device: str) -> bool:
    return device == "cpu" or (device == "auto" and not _has_gpu())


@cache
def _has_gpu() -> bool:
    return bool(gpus())


def _cpu_features() -> frozenset[str]:
    """Instruction set flags of the first core; all are assumed where the system does not list them."""
    try:
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", CPU_INFO.read_text(), re.MULTILINE)
    except OSError:
        found = None
    return frozenset(found[1].split()) if found else frozenset().union(*INSTRUCTIONS.values())


def _fits_as_float32(parameters: int) -> bool:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return parameters * _FLOAT32_BYTES <= _MOST_OF_MEMORY * memory


@dataclass(frozen=True, slots=True)
class MeasurementOptions:
    """The text, how much of it, and how it is computed. As a request, each field is a key that may be left out."""

    text: tuple[str, ...] = ()
    """Files; none means the built-in text."""
    split: Split = Split.SELECTION
    tokens: int = 16 * 256
    """Maximum number of tokens of the split: no more than an interval needs, because a CPU takes a while."""
    seq_len: int = 256
    dtype: str = "auto"
    """"auto": what the checkpoint is stored in, or float32 where the CPU would be slow with that."""
    device: str = "auto"
    """"auto": a GPU where there is one."""
    batch_size: int = 4
    """Sequences at a time; where a GPU's memory does not suffice, fewer."""
    home: str | None = None
    """The directory of the store; None means the user's."""

    def of_split(self, split: Split) -> "MeasurementOptions":
        return replace(self, split=split)


DEFAULT = MeasurementOptions()


def options_from(request: Mapping[str, Any]) -> MeasurementOptions:
    """The options that a request describes; its other keys are the task's own."""
    given = {field.name: request[field.name] for field in fields(MeasurementOptions) if field.name in request}
    options = MeasurementOptions(**given)
    return replace(options, text=tuple(options.text), split=Split(options.split))


def as_request(options: MeasurementOptions) -> dict[str, Any]:
    return asdict(options)


def request_for(checkpoint: Checkpoint, options: MeasurementOptions) -> dict[str, Any]:
    """Return the common part of all measurement requests. Paths are absolute, so that workers find them."""
    directory = str(checkpoint.directory.absolute())
    is_path = expanded(checkpoint.reference).is_dir()
    return as_request(options) | {"model": directory, "reference": directory if is_path else checkpoint.reference}


def corpus_of(options: MeasurementOptions) -> Corpus:
    """The text to measure on. Raises UsageError for files that hold none."""
    return read_corpus([Path(file) for file in options.text]) if options.text else builtin_corpus()


def dtype_of(checkpoint: Checkpoint, options: MeasurementOptions) -> str:
    """torch's name of the dtype to compute in."""
    if options.dtype != "auto":
        return options.dtype
    return auto_dtype(stored_dtype(checkpoint), options.device, checkpoint.parameters)


def stored_dtype(checkpoint: Checkpoint) -> str:
    """Return the dtype that transformers means by "auto": the config's, else that of the weights."""
    config = checkpoint.config
    for part in (config.data, config.decoder):
        for key in ("dtype", "torch_dtype"):
            if part.get(key) in DTYPE_NAMES.values():
                return str(part[key])
    return next((DTYPE_NAMES[t.dtype] for t in checkpoint.tensors.values() if t.dtype in DTYPE_NAMES), "float32")
