"""Conversion of a GGUF file into a bf16 checkpoint directory with its tokenizer.

Runs as a separate process (`python -m engine.inference.dequantise`): request {"gguf": str, "out": str}, answer {}.
"""

import importlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from engine.errors import CheckpointError, DlecError, MachineError, machine_error, shown
from engine.files import sync_directory, sync_file
from engine.inference.library import transformers_library
from engine.inference.meta_model import model_class
from engine.protocol import serve
from engine.tensors.library import torch_library


def dequantise(request: dict[str, Any]) -> dict[str, Any]:
    """Write the checkpoint to a temporary sibling of `out` and rename it when complete."""
    gguf, out = Path(request["gguf"]), Path(request["out"])
    if not gguf.is_file():
        raise CheckpointError(f"{gguf} is not a file")
    if out.exists():
        raise MachineError(f"{out} exists already", fix="Remove it, or choose another directory.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise machine_error(f"{out} cannot be written", error) from error
    try:
        _write(gguf, draft)
        draft.chmod(0o755)
        for file in draft.iterdir():
            sync_file(file)
        sync_directory(draft)
        draft.rename(out)
        sync_directory(out.parent)
    except OSError as error:
        raise machine_error(f"{out} cannot be written", error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return {}


def _write(gguf: Path, draft: Path) -> None:
    try:
        tokenizer, model = _opened(gguf)
    except DlecError:
        raise
    except Exception as error:
        raise CheckpointError(f"transformers cannot read {gguf}", why=shown(error)) from error
    model.save_pretrained(str(draft))
    tokenizer.save_pretrained(str(draft))


def _opened(gguf: Path) -> tuple[Any, Any]:
    """Return tokenizer and model.

    The weights are unpacked explicitly, since from_pretrained(gguf_file=...) keeps them packed and requires accelerate.
    """
    torch, transformers = torch_library(), transformers_library()
    unpacking: Any = importlib.import_module("transformers.modeling_gguf_pytorch_utils")
    where = {"gguf_file": gguf.name, "local_files_only": True}
    config = transformers.AutoConfig.from_pretrained(str(gguf.parent), **where)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(gguf.parent), **where)
    with torch.device("meta"):
        empty = model_class(config)(config)
    tensors = unpacking.load_gguf_checkpoint(str(gguf), return_tensors=True, model_to_load=empty)["tensors"]
    weights = {name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()}
    model, info = model_class(config).from_pretrained(
        None, config=config, state_dict=weights, dtype=torch.bfloat16, output_loading_info=True
    )
    missing = sorted(info["missing_keys"])
    if missing:
        raise CheckpointError(f"{gguf} lacks weights", why=f"{len(missing)} tensors, such as {missing[0]}")
    return tokenizer, model


if __name__ == "__main__":
    serve(lambda request, _report: dequantise(request))
