"""Finds the tensors of a checkpoint directory: one safetensors file, or shards listed by an index."""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from engine.checkpoint.header import StoredTensor, is_text, read_header
from engine.errors import CheckpointError, MachineError, shown
from engine.files import open_regular

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"


def read_tensors(directory: Path) -> dict[str, StoredTensor]:
    """Every tensor of the checkpoint in `directory` by name, headers checked, no weight read.

    A single file wins over an index, as it does in transformers.
    Raises CheckpointError when there are none or an index and its shards disagree.
    """
    single = directory / SINGLE_FILE
    if single.exists():
        return {tensor.name: tensor for tensor in read_header(single).tensors}
    index = directory / INDEX_FILE
    if index.exists():
        return _read_shards(directory, read_weight_map(index))
    raise _no_safetensors(directory)


def read_weight_map(index: Path) -> dict[str, str]:
    """The `weight_map` of an index file (tensor name to shard name), every shard name lexically inside."""
    try:
        with open_regular(index) as file:
            items = list(json.load(file)["weight_map"].items())
    except OSError as error:
        raise MachineError(f"{index} cannot be read", why=error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{index} is not a safetensors index", why="it has no readable weight_map") from error
    for tensor, shard in items:
        if not _is_shard_name(shard):
            raise CheckpointError(
                f"{index} is refused",
                why=f"it puts tensor {shown(tensor)} into {shown(shard)}, which is not a file of this directory",
                fix="Do not use this checkpoint unless you know where it comes from.",
            )
    return dict(items)


def is_inside(name: str) -> bool:
    """Whether a relative file name stays in its directory.

    Lexical on purpose: the shards of a hub cache are symlinks out of the snapshot, and that is fine.
    """
    path = PurePosixPath(name)
    is_relative = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    return is_relative and "\0" not in name


def _is_shard_name(shard: object) -> bool:
    """A backslash is refused too: it parts directories elsewhere."""
    return isinstance(shard, str) and is_inside(shard) and is_text(shard) and "\\" not in shard


def _read_shards(directory: Path, weight_map: Mapping[str, str]) -> dict[str, StoredTensor]:
    """Tensors of all listed shards. A shard's unlisted tensors count too: transformers loads them."""
    found: dict[str, StoredTensor] = {}
    for shard in sorted(set(weight_map.values())):
        for tensor in read_header(directory / shard).tensors:
            if weight_map.get(tensor.name, shard) == shard:
                found[tensor.name] = tensor
    for name, shard in weight_map.items():
        if name not in found:
            raise CheckpointError(
                f"{directory / shard} lacks tensor {shown(name)}",
                why=f"{INDEX_FILE} says it is there",
                fix="The shards and the index are of different versions: download both again.",
            )
    return found


def _no_safetensors(directory: Path) -> CheckpointError:
    what = f"{directory} holds no safetensors weights"
    if any(directory.glob("pytorch_model*.bin")) or any(directory.glob("*.pth")):
        return CheckpointError(
            what,
            why="it holds pickled weights (.bin), which can run code when opened",
            fix="If you trust it, convert it once:\n"
            f'  python -c "from transformers import AutoModelForCausalLM as M; '
            f"M.from_pretrained('{directory}', dtype='auto', weights_only=True)"
            f".save_pretrained('{directory}-safetensors')\"\n"
            "then copy its tokenizer files beside the result.",
        )
    if any(directory.glob("*.gguf")):
        return CheckpointError(
            what, why="it holds a GGUF file", fix="Use the original checkpoint the GGUF was made from."
        )
    return CheckpointError(what, fix=f"A checkpoint has {SINGLE_FILE} or {INDEX_FILE} beside config.json.")
