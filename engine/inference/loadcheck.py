"""Has transformers open a checkpoint without its weights, and compares every layer with the one it came from.

Runs as a process of its own (`python -m engine.inference.loadcheck`), about 3 s and 350 MB. Requests:
{"directory": str, "visits": [[source directory, layer], ...] | null}, or for what is not written, or not all of it,
{"config": text of config.json, "tensors": {name: [dtype, shape]}, "what": str, "visits": as above}.
"""

import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import CheckpointError, MachineError, shown
from engine.inference.meta_model import (
    built_on_meta,
    loaded_from_headers,
    loaded_on_meta,
    model_config_of,
    read_model_config,
)
from engine.inference.signature import decoder_name, described_differences, layer_modules, layer_signature
from engine.protocol import serve

_MOST_DIFFERENCES = 20


def check(request: dict[str, Any]) -> dict[str, Any]:
    """The fields of engine.checkpoint.load_check.LoadCheck."""
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
            f"{name}: {tuple(found)} in the file, {tuple(wanted)} in the model"
            for name, found, wanted in info["mismatched_keys"]
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
    """The model on the meta device, and transformers' loading info."""
    if "config" in request:
        return loaded_from_headers(model_config_of(request["config"]), request["tensors"], request["what"])
    directory = Path(request["directory"])
    return loaded_on_meta(directory, read_model_config(directory))


def _decoder_prefix(model: Any) -> str:
    """What stands before a layer's number; "" for a model without one list of layers."""
    try:
        return decoder_name(model) + "."
    except CheckpointError:
        return ""


def _differences(model: Any, visits: Sequence[tuple[str, int]]) -> Iterator[str]:
    if not visits:
        return
    layers = layer_modules(model, len(visits))
    for place, (source, layer) in enumerate(visits):
        found = layer_signature(model.config, layers, place)
        for difference in described_differences(found, _source_signature(source, layer)):
            yield f"layer {place} is not what layer {layer} of {source} is: {difference}"


def _source_signature(source: str, layer: int) -> dict[str, Any]:
    config, layers = _source_layers(source)
    return layer_signature(config, layers, layer)


@lru_cache(maxsize=8)
def _source_layers(source: str) -> tuple[Any, Any]:
    config = read_model_config(Path(source))
    return config, layer_modules(built_on_meta(config), open_checkpoint(Path(source)).layer_count)


def _shortened(differences: list[str]) -> list[str]:
    more = len(differences) - _MOST_DIFFERENCES
    return differences if more <= 0 else [*differences[:_MOST_DIFFERENCES], f"and {more} more"]


def _peak_bytes() -> int:
    """Largest resident memory so far; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    serve(lambda request, _report: check(request))
