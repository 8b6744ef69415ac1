"""transformers' config, class and meta-device model of a checkpoint."""

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engine.checkpoint.config import CONFIG_FILE, read_config_file
from engine.checkpoint.formats.registry import read_tensors
from engine.errors import CheckpointError, DlecError, MachineError, machine_error, shown
from engine.inference.library import is_out_of_memory, one_line, transformers_library, translated
from engine.tensors.library import DTYPE_NAMES, torch_library


def read_model_config(directory: Path) -> Any:
    """Return transformers' config object of a checkpoint, without network access or remote code.

    Raises MachineError if transformers has no class for it, CheckpointError if the class rejects the config.
    """
    return _read_model_config(directory, str(directory / CONFIG_FILE))


def _read_model_config(directory: Path, name: str) -> Any:
    """Read the config. name: name of the file in messages."""
    transformers = transformers_library()
    data = read_config_file(directory / CONFIG_FILE).data
    model_type = data.get("model_type")
    if model_type not in transformers.models.auto.configuration_auto.CONFIG_MAPPING:
        remote = " It brings its own code, which dlec does not run." if data.get("auto_map") else ""
        raise MachineError(
            f"transformers {transformers.__version__} does not know the model type {shown(model_type)}.{remote}"
        )
    with translated(lambda error: CheckpointError(f"transformers refuses {name}", why=one_line(error))):
        return transformers.AutoConfig.from_pretrained(str(directory), local_files_only=True, trust_remote_code=False)


def model_config_of(text: str) -> Any:
    """Return transformers' config object for the text of a config.json. Raises as `read_model_config`."""
    try:
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / CONFIG_FILE).write_text(text, encoding="utf-8")
            return _read_model_config(Path(directory), CONFIG_FILE)
    except OSError as error:
        raise machine_error("a temporary directory cannot be made", error) from error


def model_class(config: Any) -> Any:
    """Return the class that the config names, else the causal language model of its family."""
    transformers = transformers_library()
    for name in config.architectures or []:
        named = getattr(transformers, str(name), None)
        if isinstance(named, type) and issubclass(named, transformers.PreTrainedModel):
            return named
    known = transformers.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING
    if type(config) not in known:
        raise MachineError(f"transformers has no causal language model for {shown(config.model_type)}.")
    return known[type(config)]


def built_on_meta(config: Any) -> Any:
    """Return the model of `config` on the meta device. Raises CheckpointError if its class rejects the config."""
    torch = torch_library()
    with (
        translated(lambda error: CheckpointError("transformers cannot build the model", why=one_line(error))),
        torch.device("meta"),
    ):
        return model_class(config)(config)


def loaded_on_meta(directory: Path, config: Any) -> tuple[Any, dict[str, Any]]:
    """Return the model with the checkpoint's tensors loaded as shapes only, and transformers' loading info.

    Raises CheckpointError if it cannot be loaded, MachineError if the environment may be the cause.
    """
    headers = {name: (tensor.dtype, tensor.shape) for name, tensor in read_tensors(directory).items()}
    return loaded_from_headers(config, headers, str(directory))


def loaded_from_headers(config: Any, headers: Mapping[str, Any], what: str) -> tuple[Any, dict[str, Any]]:
    """Load tensors on the meta device. headers: (dtype, shape) by name. what: name of the model in messages."""
    shapes = {name: shape_only(tuple(shape), dtype) for name, (dtype, shape) in headers.items()}
    return loaded_from_tensors(config, shapes, what)


def loaded_from_tensors(
    config: Any, tensors: Mapping[str, Any], what: str, dtype: Any = "auto"
) -> tuple[Any, dict[str, Any]]:
    """Return the model of `config` with `tensors`, named as in a file, and transformers' loading info.

    transformers renames, fuses and ties the tensors as usual. Tensors without data (`shape_only`) stay on the meta
    device; `device_map="meta"` would do the same but requires accelerate. what: name of the model in messages.
    Raises CheckpointError if they cannot be loaded, MachineError if the environment may be the cause.
    """
    with translated(lambda error: load_error(config, what, error)):
        model, info = model_class(config).from_pretrained(
            None,
            config=config,
            state_dict=dict(tensors),
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    return model, info


def load_error(config: Any, what: str, error: Exception) -> DlecError:
    """Return the error for a failure of transformers to load `what`."""
    if is_out_of_memory(error):
        fix = "Free some memory, or use a narrower --dtype."
        return MachineError(f"the memory does not suffice to load {what}", why=one_line(error), fix=fix)
    if getattr(config, "quantization_config", None):
        return MachineError("transformers cannot open this quantised model in this environment", why=one_line(error))
    return CheckpointError(f"transformers cannot load {what}", why=one_line(error))


def shape_only(shape: tuple[int, ...], dtype: str) -> Any:
    """Return a meta tensor of a safetensors dtype that stays on the meta device when transformers moves it."""
    torch = torch_library()
    known = getattr(torch, DTYPE_NAMES.get(dtype, "uint8"))
    return torch.empty(shape, dtype=known, device="meta").as_subclass(_shape_only_class())


@cache
def _shape_only_class() -> Any:
    """Return the class of such tensors, created once, since torch.stack rejects mixed classes."""

    class ShapeOnly(torch_library().Tensor):  # type: ignore[misc]
        """Tensor on the meta device that ignores `to`."""

        def to(self, *_: Any, **__: Any) -> Any:
            return self

    return ShapeOnly
