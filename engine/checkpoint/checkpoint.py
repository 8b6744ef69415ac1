"""Checkpoint opened for planning: config, tensors, anatomy and precision, no weights."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from engine.checkpoint.anatomy import Anatomy, End, dissect
from engine.checkpoint.config import ModelConfig, decoder_config
from engine.checkpoint.formats.format import Format, StoredTensor
from engine.checkpoint.formats.registry import format_in
from engine.checkpoint.formats.safetensors import SAFETENSORS
from engine.checkpoint.layer_keys.lists import KNOWN as PER_LAYER_LISTS
from engine.checkpoint.settings_files import read_settings_files
from engine.checkpoint.wrappers import unwrapped
from engine.errors import CheckpointError

FLOAT_DTYPES = ("F64", "F32", "F16", "BF16")
"""Dtypes that can be scaled and cast; anything else (quantised data, integer buffers) keeps its dtype."""

_NOT_QUANTISED = (*FLOAT_DTYPES, "BOOL", "I64")
"""Buffers such as masks and positions are no weights."""

_CORRECTION_BIAS = r"(^|[._])(correction|expert)_bias$"
"""Added to a router's scores to balance its experts (DeepSeek-V3, GLM-4.5, LFM2, AFMoE): differences far smaller than
bfloat16 can hold decide which experts a token gets."""

_OF_QUANTISED_WEIGHTS = (
    r"(scale(s|_inv|_second|_\d+)?|absmax|quant_map|zero_points?|zeros|codebooks?|centroids|s[uv]h?)$"
)
"""Factors and look-up tables of quantised weights: a rounded scale changes every weight below it."""


class Precision(NamedTuple):
    """Dtypes of a checkpoint's tensors."""

    main: str | None
    """The floating-point dtype of most bytes of the decoder; None where nothing in it is a float."""
    is_quantised: bool
    """True if a matrix of the decoder is not stored as floats."""

    def keeps(self, tensor: StoredTensor) -> bool:
        """Return True if a plan's `dtype` leaves the tensor as it is stored."""
        return tensor.dtype != self.main or _is_kept_by_name(tensor.name, is_quantised=self.is_quantised)


def precision_of(decoder: Iterable[StoredTensor]) -> Precision:
    """The precision of a checkpoint whose decoder (layers, embeddings, head) has these tensors."""
    tensors = list(decoder)
    is_quantised = any(tensor.dtype not in _NOT_QUANTISED and len(tensor.shape) > 1 for tensor in tensors)
    nbytes: Counter[str] = Counter()
    for tensor in tensors:
        if tensor.dtype in FLOAT_DTYPES and not _is_kept_by_name(tensor.name, is_quantised=is_quantised):
            nbytes[tensor.dtype] += tensor.nbytes
    return Precision(nbytes.most_common(1)[0][0] if nbytes else None, is_quantised)


def _is_kept_by_name(name: str, *, is_quantised: bool) -> bool:
    if re.search(_CORRECTION_BIAS, name):
        return True
    return is_quantised and re.search(_OF_QUANTISED_WEIGHTS, name) is not None


_BEHIND_THE_DECODER = r"(?i)nextn|mtp"
"""Keys that announce layers after the last decoder layer (multi-token prediction)."""
_PREDICTION_HEAD = r"(?i)(^|\.)(eh_proj|enorm|hnorm|shared_head|nextn\w*|mtp\w*)(\.|$)"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """One model directory in Hugging Face layout. Compared by identity: open each directory once."""

    reference: str
    """Path or hub id, as the user wrote it."""
    directory: Path
    config: ModelConfig
    tensors: Mapping[str, StoredTensor]
    is_local: bool = True
    """False when only config and headers were fetched from the hub: it can be planned with, not merged."""
    settings_files: Mapping[str, str | None] = field(default_factory=dict)
    """Other files of the directory, as `read_settings_files` reads them; none where it is not local."""
    format: Format = SAFETENSORS

    @cached_property
    def anatomy(self) -> Anatomy:
        try:
            return dissect(self.tensors, self.layer_count)
        except CheckpointError as error:
            raise CheckpointError(f"{self.reference}: {error.what}", why=error.why, fix=error.fix) from error

    @cached_property
    def precision(self) -> Precision:
        """Float dtypes of the decoder; other towers have their own."""
        ends = self.anatomy.ends
        return precision_of(tensor for name, tensor in self.tensors.items() if ends.get(name) is not End.CARRIED)

    @property
    def layer_count(self) -> int:
        return self.config.layer_count

    @property
    def unannounced_layers(self) -> int:
        """Number of layers after the last decoder layer that no key announces: readers ignore them.

        A key of the config announces them, or what they hold: no decoder layer has the parts of a prediction head.
        """
        trailing = self.anatomy.trailing
        is_announced = any(map(_announces, (self.config.decoder, self.config.data)))
        is_prediction = any(re.search(_PREDICTION_HEAD, suffix) for suffixes in trailing for suffix in suffixes)
        return 0 if is_announced or is_prediction else len(trailing)

    @property
    def surplus_of_lists(self) -> Mapping[str, int]:
        """Number of excess entries by list of the config: entries for no layer, not even one after the decoder."""
        count = self.layer_count
        lists = {key: self.config.decoder.get(key) for key in PER_LAYER_LISTS}
        surplus = {key: len(entries) - count for key, entries in lists.items() if isinstance(entries, list) and entries}
        return {key: more for key, more in surplus.items() if more > 0 and more not in self.extra_layers}

    @property
    def extra_layers(self) -> frozenset[int]:
        """Possible numbers of entries after the decoder's in a list of the config: in the weights, or announced."""
        announced = (
            value
            for config in (self.config.decoder, self.config.data)
            for key, value in config.items()
            if re.search(_BEHIND_THE_DECODER, key) and type(value) is int
        )
        return frozenset({0, len(self.anatomy.trailing), *announced})

    @property
    def is_quantised(self) -> bool:
        """Return True if the config says that weights are stored in another form than the model's class uses."""
        parts = (self.config.data, self.config.decoder)
        return any(isinstance(part.get("quantization_config"), dict) for part in parts)

    @property
    def parameters(self) -> int:
        """Elements of all stored tensors; a tied tensor is stored once."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors.values())

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors.values())

    def layer_tensors(self, layer: int) -> list[StoredTensor]:
        """The tensors of `layer`, in the order in which the anatomy lists them."""
        anatomy = self.anatomy
        return [self.tensors[anatomy.layer_tensor(layer, suffix)] for suffix in anatomy.layers[layer]]


def _announces(config: Mapping[str, Any]) -> bool:
    return any(re.search(_BEHIND_THE_DECODER, key) and value for key, value in config.items())


def open_checkpoint(directory: Path, reference: str = "") -> Checkpoint:
    """Open the checkpoint in `directory`. Raises CheckpointError or MachineError; reads no weight."""
    stored_in = format_in(directory)
    file = stored_in.read_config(directory)
    tensors = unwrapped(stored_in.read_tensors(directory))
    config = decoder_config(file, tensors)
    opened = Checkpoint(
        reference or str(directory),
        directory,
        config,
        tensors,
        settings_files=read_settings_files(directory),
        format=stored_in,
    )
    _ = opened.anatomy
    return opened


def require_local(checkpoint: Checkpoint) -> None:
    """Raises CheckpointError when the weights are not on this machine."""
    if not checkpoint.is_local:
        raise CheckpointError(
            f"{checkpoint.reference} has not been downloaded",
            why="only its headers were read",
            fix=f"Download it: dlec download {checkpoint.reference.partition('@')[0]}",
        )
