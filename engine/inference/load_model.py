"""Loading of a checkpoint: the model with checked weights, and the tokenizer."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from safetensors import safe_open

from engine.checkpoint.config import CONFIG_FILE
from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.formats.registry import read_tensors
from engine.checkpoint.formats.safetensors import is_opened_by_transformers
from engine.checkpoint.wrappers import wrapping_of
from engine.errors import CheckpointError, UsageError, shown
from engine.inference.device_map import placed
from engine.inference.devices import devices_named, require_device
from engine.inference.library import one_line, transformers_library, translated
from engine.inference.meta_model import load_error, loaded_from_tensors, model_class, read_model_config
from engine.tensors.library import torch_library

DTYPES = ("auto", "float64", "float32", "bfloat16", "float16")
"""dtypes that a model can be opened in; "auto" is the dtype in its config."""

_NO_ADAPTER = {"subfolder": "no-adapter-is-put-on"}
"""Name of a directory that does not exist: keeps transformers from applying an adapter that it finds next to the
weights if peft is installed. Plan, preview and merge use the checkpoint alone."""
_GENERATION_CONFIG = "generation_config.json"
_MOST_NAMED = 3
_ALIGNMENT = 64
"""Alignment of torch's allocator in bytes."""


def open_model(directory: Path, dtype: str = "auto", device: str = "cpu") -> Any:
    """Return the language model in `directory` in eval mode, with weights checked to be finite.

    device: a torch device, or a set such as "cuda:0-3", over which the layers are spread.
    Raises CheckpointError if it is not a decoder with a language head, does not load, lacks tensors or has weights that
    are not finite (in `dtype`), UsageError for an unknown dtype or device, MachineError if the device does not exist or
    has too little memory.
    """
    require_dtype(dtype)
    require_device(device)
    config = read_model_config(directory)
    require_language_head(directory, config)
    model = _loaded(directory, config, dtype)
    require_finite(model, directory)
    _align(model)
    return placed(model, devices_named(device)).eval()


def open_tokenizer(directory: Path) -> Any:
    """Return the tokenizer in `directory`. Raises CheckpointError if it is missing or cannot be read."""
    transformers = transformers_library()

    def explained(error: Exception) -> CheckpointError:
        return CheckpointError(
            f"{directory} has no tokenizer that transformers can open",
            why=one_line(error),
            fix="Put the tokenizer's files next to the weights.",
        )

    with translated(explained):
        return transformers.AutoTokenizer.from_pretrained(
            str(directory), local_files_only=True, trust_remote_code=False
        )


def require_language_head(directory: Path, config: Any) -> None:
    """Raise CheckpointError if the model of `config` does not predict the next token of a text."""
    named = model_class(config)
    if config.is_encoder_decoder or not named.can_generate():
        raise CheckpointError(
            f"{directory} has no language head",
            why=f"{named.__name__}, which {CONFIG_FILE} names, does not predict the next token",
            fix="Use a checkpoint of a decoder for causal language modelling.",
        )


def require_finite(model: Any, directory: Path) -> None:
    """Raise CheckpointError, naming the parameter, if a weight is NaN or infinite."""
    require_finite_weights(model.named_parameters(), directory)


def require_finite_weights(weights: Iterable[tuple[str, Any]], directory: Path) -> None:
    """Raise CheckpointError, naming the first of `weights` that has a NaN or infinite element."""
    torch = torch_library()
    for name, parameter in weights:
        # A finite sum implies finite terms, in one pass without memory. The sum may overflow, so check elements then.
        if parameter.is_floating_point() and not torch.isfinite(parameter.sum(dtype=torch.float32)):
            count = int((~torch.isfinite(parameter)).sum())
            if count:
                raise _not_finite(directory, name, parameter, count)


def require_dtype(dtype: str) -> None:
    """Raise UsageError if `dtype` is not one of DTYPES."""
    if dtype not in DTYPES:
        raise UsageError(f"{shown(dtype)} is not a dtype for running a model", fix=f"Use one of {', '.join(DTYPES)}.")


def _loaded(directory: Path, config: Any, dtype: str) -> Any:
    tensors = read_tensors(directory)
    wrapped, _ = wrapping_of(tensors.values())
    if wrapped or not is_opened_by_transformers(directory):
        return _loaded_by_name(directory, config, tensors, dtype)
    with translated(lambda error: load_error(config, str(directory), error)):
        model, info = model_class(config).from_pretrained(
            str(directory),
            config=config,
            local_files_only=True,
            dtype=dtype,
            output_loading_info=True,
            adapter_kwargs=_NO_ADAPTER,
        )
    require_loaded(info, str(directory))
    return model


def _loaded_by_name(directory: Path, config: Any, tensors: Mapping[str, StoredTensor], dtype: str) -> Any:
    """Return a model whose weight files transformers would not find, memory-mapped as transformers does."""
    with ExitStack() as opened:
        files = {path: opened.enter_context(safe_open(path, "pt")) for path in {each.file for each in tensors.values()}}
        weights = {name: files[each.file].get_tensor(each.name_in_file) for name, each in tensors.items()}
    model, info = loaded_from_tensors(config, weights, str(directory), dtype)
    require_loaded(info, str(directory))
    if (directory / _GENERATION_CONFIG).exists():
        model.generation_config = transformers_library().GenerationConfig.from_pretrained(str(directory))
    return model


def require_loaded(info: dict[str, Any], what: str) -> None:
    """Raise CheckpointError if weights were missing, so that transformers initialised them randomly."""
    if missing := sorted(info["missing_keys"]):
        more = ", ..." if len(missing) > _MOST_NAMED else ""
        named = ", ".join(map(shown, missing[:_MOST_NAMED])) + more
        raise CheckpointError(f"{what} lacks weights that its config asks for", why=f"{len(missing)} tensors: {named}")


def _align(model: Any) -> None:
    """Copy weights that are not aligned in memory.

    Memory-mapped weights have the offset of the file's header, and CPU kernels round differently by alignment: without
    this, results would differ in the last bit from those of the same weights in another file.
    """
    for parameter in model.parameters():
        if parameter.data_ptr() % _ALIGNMENT:
            parameter.data = parameter.data.clone()


def _not_finite(directory: Path, name: str, parameter: Any, count: int) -> CheckpointError:
    dtype = str(parameter.dtype).removeprefix("torch.")
    return CheckpointError(
        f"{shown(name)} of {directory} is broken",
        why=f"{count:,} of its {parameter.numel():,} weights are NaN or infinite in {dtype}",
        fix="Use an intact copy, or a wider dtype if that one is too narrow for it.",
    )
