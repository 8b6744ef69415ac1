"""Load check: transformers opens a checkpoint without its weights, and every layer is compared with its source layer.

Runs as a separate process (`python -m engine.inference.loadcheck`), about 3 s and 350 MB. Requests:
{"directory": str, "visits": [[source directory, layer], ...] | null}, or, for a checkpoint that is not yet complete on
disk, {"config": text of config.json, "tensors": {name: [dtype, shape]}, "what": str, "visits": as above}.
"""

import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.layer_keys.lists import KNOWN as PER_LAYER_KEYS
from engine.errors import CheckpointError, MachineError, shown
from engine.inference.decoder_layers import decoder_name, layer_modules
from engine.inference.meta_model import (
    built_on_meta,
    loaded_from_headers,
    loaded_on_meta,
    model_config_of,
    read_model_config,
)
from engine.protocol import serve

_MOST_DIFFERENCES = 20
_NUMBERS_OF_LAYERS = frozenset(
    {"layer_idx", "layer_id", "layer_index", "layer_number", "layer_num", "block_idx", "idx", "training"}
)
_SCALARS = (bool, int, float, str, type(None))


def check(request: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of engine.checkpoint.load_check.LoadCheck."""
    started = time.monotonic()
    try:
        findings = _findings(request)
    except MachineError as error:
        findings = {"unavailable": "; ".join(str(error).splitlines())}
    except CheckpointError as error:
        findings = {"differences": [error.line]}
    return {**findings, "seconds": time.monotonic() - started, "peak_bytes": _peak_bytes()}


def _findings(request: Mapping[str, Any]) -> dict[str, Any]:
    model, info = _opened(request)
    return {
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(info["unexpected_keys"]),
        "mismatched": sorted(
            f"{name}: {tuple(stored)} in the file, {tuple(expected)} in the model"
            for name, stored, expected in info["mismatched_keys"]
        ),
        "differences": [
            *map(shown, info["error_msgs"]),
            *_shortened(list(_differences(model, request.get("visits") or []))),
        ],
        "architecture": type(model).__name__,
        "decoder": _decoder_prefix(model),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }


def _opened(request: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the model on the meta device, and transformers' loading info."""
    if "config" in request:
        return loaded_from_headers(model_config_of(request["config"]), request["tensors"], request["what"])
    directory = Path(request["directory"])
    return loaded_on_meta(directory, read_model_config(directory))


def _decoder_prefix(model: Any) -> str:
    """Return the prefix of layer numbers in tensor names; "" for a model without a single list of layers."""
    try:
        return decoder_name(model) + "."
    except CheckpointError:
        return ""


def _differences(model: Any, visits: Sequence[tuple[str, int]]) -> Iterator[str]:
    if not visits:
        return
    layers = layer_modules(model, len(visits))
    for position, (source, layer) in enumerate(visits):
        signature = _layer_signature(model.config, layers, position)
        for difference in _described_differences(signature, _source_signature(source, layer)):
            yield f"layer {position} differs from layer {layer} of {source}: {difference}"


def _source_signature(source: str, layer: int) -> dict[str, Any]:
    config, layers = _source_layers(source)
    return _layer_signature(config, layers, layer)


@lru_cache(maxsize=8)
def _source_layers(source: str) -> tuple[Any, Any]:
    config = read_model_config(Path(source))
    return config, layer_modules(built_on_meta(config), open_checkpoint(Path(source)).layer_count)


def _layer_signature(config: Any, layers: Any, layer: int) -> dict[str, Any]:
    """Return all properties of a layer except its weights, by names for messages."""
    return dict(_entries(config, layers, layer))


def _described_differences(actual: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return the differences between two signatures as text."""
    return [
        f"{name} is {_text_of(actual, name)}, not {_text_of(expected, name)}"
        for name in dict.fromkeys([*expected, *actual])
        if _text_of(actual, name) != _text_of(expected, name)
    ]


def _entries(config: Any, layers: Any, layer: int) -> Iterator[tuple[str, Any]]:
    text_config = config.get_text_config()
    for key in PER_LAYER_KEYS:
        listed = getattr(text_config, key, None)
        if isinstance(listed, (list, tuple)) and len(listed) >= len(layers):
            yield f"config.{key}", str(listed[layer])
    module = layers[layer]
    for name, part in module.named_modules():
        yield f"{name or 'layer'} (class)", type(part).__name__
        for attribute, value in vars(part).items():
            if isinstance(value, _SCALARS) and not attribute.startswith("_") and attribute not in _NUMBERS_OF_LAYERS:
                yield f"{name}.{attribute}".lstrip("."), value
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        yield f"{name} (shape)", tuple(tensor.shape)


def _text_of(signature: dict[str, Any], name: str) -> str:
    return shown(signature[name]) if name in signature else "absent"


def _shortened(differences: list[str]) -> list[str]:
    more = len(differences) - _MOST_DIFFERENCES
    return differences if more <= 0 else [*differences[:_MOST_DIFFERENCES], f"and {more} more"]


def _peak_bytes() -> int:
    """Return the peak resident memory of this process in bytes.

    Linux's ru_maxrss survives exec: it would be the parent's peak wherever the parent was larger. macOS's does not.
    """
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024


if __name__ == "__main__":
    serve(lambda request, _report: check(request))
