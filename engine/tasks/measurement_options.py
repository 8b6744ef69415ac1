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
    """Return torch's name of the dtype for computing on `device` ("auto", "cpu", "cuda", ...)."""
    is_slow = stored in INSTRUCTIONS and _runs_on_cpu(device) and not INSTRUCTIONS[stored] & _cpu_features()
    return "float32" if is_slow and _fits_as_float32(parameters) else stored


def _runs_on_cpu(device: str) -> bool:
    return device == "cpu" or (device == "auto" and not _has_gpu())


@cache
def _has_gpu() -> bool:
    return bool(gpus())


def _cpu_features() -> frozenset[str]:
    """Return the instruction set flags of the first core; all are assumed if the system does not list them."""
    try:
        flags = re.search(r"^(?:flags|Features)\s*:(.*)$", CPU_INFO.read_text(), re.MULTILINE)
    except OSError:
        flags = None
    return frozenset(flags[1].split()) if flags else frozenset().union(*INSTRUCTIONS.values())


def _fits_as_float32(parameters: int) -> bool:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return parameters * _FLOAT32_BYTES <= _MOST_OF_MEMORY * memory


@dataclass(frozen=True, slots=True)
class MeasurementOptions:
    """Text, number of tokens, and way of computing. In a request each field is an optional key."""

    text: tuple[str, ...] = ()
    """Files; empty for the built-in text."""
    split: Split = Split.SELECTION
    tokens: int = 16 * 256
    """Maximum number of tokens of the split. The default is what an interval needs, because CPUs are slow."""
    seq_len: int = 256
    dtype: str = "auto"
    """"auto" for the dtype of the checkpoint, or float32 if the CPU is slow with that."""
    device: str = "auto"
    """"auto" for a GPU if there is one."""
    batch_size: int = 4
    """Maximum number of sequences in a batch; fewer if a GPU's memory does not suffice."""
    home: str | None = None
    """Directory of the store; None for the default."""

    def of_split(self, split: Split) -> "MeasurementOptions":
        return replace(self, split=split)


DEFAULT = MeasurementOptions()


def options_from(request: Mapping[str, Any]) -> MeasurementOptions:
    """Return the options of a request; other keys belong to the task."""
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
    """Return the text to measure on. Raises UsageError for files without text."""
    return read_corpus([Path(file) for file in options.text]) if options.text else builtin_corpus()


def dtype_of(checkpoint: Checkpoint, options: MeasurementOptions) -> str:
    """Return torch's name of the dtype for computing."""
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
