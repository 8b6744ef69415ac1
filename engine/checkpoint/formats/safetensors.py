"""The safetensors format: one file, or shards listed by an index, next to config.json."""

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from engine.checkpoint.config import CONFIG_FILE, missing_file, read_config_file
from engine.checkpoint.formats.format import Format, NewFile, NewTensor, StoredTensor
from engine.checkpoint.formats.safetensors_header import TYPES, header_bytes, header_of, read_header
from engine.checkpoint.reference import cached_repository
from engine.errors import CheckpointError, machine_error, shown
from engine.files import is_inside, is_text, open_regular

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
_ADAPTER_FILE = "adapter_model.safetensors"
_SHARDS = "model-*-of-*.safetensors"
_NUMBERED_SHARD = r"(.+)-(\d+)-of-(\d+)\.safetensors"
_MOST_NAMED = 3
_MOST_SHARDS = 100_000
"""A file's name may claim any number of them."""


def read_tensors(directory: Path) -> dict[str, StoredTensor]:
    """Every tensor of the checkpoint in `directory` by its name in the files, with headers checked and no weight read.

    A single file wins over an index, as it does in transformers; all numbered shards together need none.
    Raises CheckpointError if no tensor is found, a shard is missing, or an index and its shards disagree.
    """
    if not _is_there(directory / SINGLE_FILE) and _is_there(directory / INDEX_FILE):
        return _read_shards(directory, read_weight_map(directory / INDEX_FILE))
    tensors: dict[str, StoredTensor] = {}
    for file in weight_files(directory):
        for tensor in read_header(file).tensors:
            if tensor.name in tensors:
                raise _in_two_shards(tensor, tensors[tensor.name])
            tensors[tensor.name] = tensor
    return tensors


def is_opened_by_transformers(directory: Path) -> bool:
    """Return True if transformers finds the weights: it requires an index for shards."""
    return (directory / SINGLE_FILE).exists() or (directory / INDEX_FILE).exists()


def weight_files(directory: Path) -> list[Path]:
    """The files that `read_tensors` opens. Raises like it."""
    if _is_there(directory / SINGLE_FILE):
        return [directory / SINGLE_FILE]
    if _is_there(directory / INDEX_FILE):
        return [directory / name for name in sorted(set(read_weight_map(directory / INDEX_FILE).values()))]
    return _shards_without_index(directory)


def _is_there(path: Path) -> bool:
    """Also for a link that leads nowhere, so that it is named when it is opened."""
    return path.exists() or path.is_symlink()


def _shards_without_index(directory: Path) -> list[Path]:
    """All of `model-00001-of-00003.safetensors` and so on, when each is there and they are of one set.

    Raises CheckpointError, which says what is missing.
    """
    sets: dict[tuple[str, int], dict[int, Path]] = {}
    for file in sorted(directory.glob("*.safetensors")):
        if match := re.fullmatch(_NUMBERED_SHARD, file.name):
            sets.setdefault((match[1], int(match[3])), {})[int(match[2])] = file
    if len(sets) != 1:
        raise _no_safetensors(directory, [f"{stem}-*-of-{count:05}" for stem, count in sets])
    ((_, count), shards) = sets.popitem()
    missing = [number for number in range(1, min(count, _MOST_SHARDS) + 1) if number not in shards]
    if missing or len(shards) != count:
        raise _incomplete(directory, len(shards), count, missing)
    return [shards[number] for number in sorted(shards)]


def read_weight_map(index: Path) -> dict[str, str]:
    """The `weight_map` of an index file (tensor name to shard name), every shard name lexically inside."""
    try:
        with open_regular(index) as file:
            items = list(json.load(file)["weight_map"].items())
    except FileNotFoundError as error:
        raise missing_file(index) from error
    except OSError as error:
        raise machine_error(f"{index} cannot be read", error) from error
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


def _is_shard_name(shard: object) -> bool:
    """A backslash is refused too: it parts directories elsewhere."""
    return isinstance(shard, str) and is_inside(shard) and is_text(shard) and "\\" not in shard


def _read_shards(directory: Path, weight_map: Mapping[str, str]) -> dict[str, StoredTensor]:
    """Tensors of all listed shards. A shard's unlisted tensors count too: transformers loads them."""
    tensors: dict[str, StoredTensor] = {}
    for shard in sorted(set(weight_map.values())):
        for tensor in read_header(directory / shard).tensors:
            if weight_map.get(tensor.name, shard) == shard:
                tensors[tensor.name] = tensor
    for name, shard in weight_map.items():
        if name not in tensors:
            raise CheckpointError(
                f"{directory / shard} lacks tensor {shown(name)}",
                why=f"{INDEX_FILE} lists it there",
                fix="The shards and the index are of different versions: download both again.",
            )
    return tensors


def is_own(name: str) -> bool:
    return name.endswith((".safetensors", ".safetensors.index.json"))


def looks_like_checkpoint(names: Collection[str]) -> bool:
    return CONFIG_FILE in names and any(map(is_own, names))


def lay_out(tensors: Sequence[NewTensor], max_file_size: int, _settings: str) -> tuple[NewFile, ...]:
    """Shards as transformers writes them, each with the widest elements first.

    Readers view each tensor's bytes in place, which needs aligned offsets.
    """
    parts = list(_split(tensors, max_file_size)) or [[]]
    return tuple(_shard(_shard_name(number, len(parts)), part) for number, part in enumerate(parts, start=1))


def texts(files: Sequence[NewFile], settings: str) -> dict[str, str]:
    """config.json, and the index of several shards: a single file needs none."""
    return {CONFIG_FILE: settings} | ({INDEX_FILE: _index(files)} if len(files) > 1 else {})


def problems(directory: Path) -> Iterator[str]:
    if not is_opened_by_transformers(directory):
        yield f"there are shards and no {INDEX_FILE}: other readers do not find them"
    shards = weight_files(directory)
    strays = sorted(set(directory.glob(_SHARDS)) - set(shards))
    if strays:
        yield f"{shown(strays[0].name)} belongs to no index ({len(strays)} such files)"
    if (directory / INDEX_FILE).exists() and shards != [directory / SINGLE_FILE]:
        yield from _unlisted(directory, shards)


def _unlisted(directory: Path, shards: Sequence[Path]) -> Iterator[str]:
    weight_map = read_weight_map(directory / INDEX_FILE)
    for shard in shards:
        unlisted = [tensor.name for tensor in read_header(shard).tensors if weight_map.get(tensor.name) != shard.name]
        if unlisted:
            yield f"{shown(shard.name)} holds {shown(unlisted[0])}, which the index does not put there"


def _split(tensors: Iterable[NewTensor], max_file_size: int) -> Iterator[list[NewTensor]]:
    part: list[NewTensor] = []
    size = 0
    for tensor in tensors:
        if part and size + tensor.nbytes > max_file_size:
            yield part
            part, size = [], 0
        part.append(tensor)
        size += tensor.nbytes
    if part:
        yield part


def _shard_name(number: int, count: int) -> str:
    return SINGLE_FILE if count == 1 else f"model-{number:05}-of-{count:05}.safetensors"


def _shard(name: str, tensors: Sequence[NewTensor]) -> NewFile:
    header, places = header_of(sorted(tensors, key=lambda tensor: -_element_bytes(tensor.dtype)))
    return NewFile(name, header, places)


def _element_bytes(dtype: str) -> int:
    block = TYPES[dtype]
    return block.nbytes // block.elements or 1


def _index(files: Sequence[NewFile]) -> str:
    tensors = [placed.tensor for file in files for placed in file.tensors]
    metadata = {
        "total_parameters": sum(math.prod(tensor.shape) for tensor in tensors),
        "total_size": sum(tensor.nbytes for tensor in tensors),
    }
    weight_map = {placed.tensor.name: file.name for file in files for placed in file.tensors}
    return json.dumps({"metadata": metadata, "weight_map": weight_map}, indent=2, sort_keys=True) + "\n"


def _incomplete(directory: Path, present: int, count: int, missing: Sequence[int]) -> CheckpointError:
    named = ", ".join(map(str, missing[:_MOST_NAMED])) + (", ..." if len(missing) > _MOST_NAMED else "")
    return CheckpointError(
        f"{directory} holds {present} of {count} shards and no {INDEX_FILE}",
        why=f"shard {named} is missing" if missing else "their numbers go beyond that count",
        fix="Download or copy the checkpoint again, with its index.",
    )


def _in_two_shards(tensor: StoredTensor, other: StoredTensor) -> CheckpointError:
    return CheckpointError(
        f"{tensor.file.parent} has shards and no {INDEX_FILE}",
        why=f"{shown(tensor.name)} is in {shown(other.file.name)} and in {shown(tensor.file.name)}",
        fix="Download or copy the index: it determines which one is used.",
    )


def _no_safetensors(directory: Path, sets: Sequence[str] = ()) -> CheckpointError:
    what = f"{directory} holds no safetensors weights"
    if sets:
        return CheckpointError(
            f"{directory} holds shards of several checkpoints and no {INDEX_FILE}",
            why=", ".join(map(shown, sets)),
            fix="Keep the shards of one checkpoint, or copy the index that names them.",
        )
    if any(directory.glob("pytorch_model*.bin")) or any(directory.glob("*.pth")):
        return CheckpointError(
            what,
            why="it holds pickled weights (.bin), which can run code when opened",
            fix="If you trust it, convert it:\n"
            f'  python -c "from transformers import AutoModelForCausalLM as M; '
            f"M.from_pretrained('{directory}', dtype='auto', weights_only=True)"
            f".save_pretrained('{directory}-safetensors')\"\n"
            "then copy its tokenizer files to the result.",
        )
    if any(directory.glob("*.gguf")):
        return CheckpointError(
            what, why="it holds a GGUF file", fix="Use the original checkpoint the GGUF was made from."
        )
    others = sorted(file.name for file in directory.glob("*.safetensors"))
    if others == [_ADAPTER_FILE]:
        return CheckpointError(
            f"{directory} holds an adapter and no model",
            why=f"its only weights are {_ADAPTER_FILE}",
            fix="Merge it into its base first: PeftModel.from_pretrained(BASE, ADAPTER).merge_and_unload().",
        )
    if others:
        return CheckpointError(
            f"{directory} has neither {SINGLE_FILE} nor {INDEX_FILE}",
            why=f"its weights are in {', '.join(map(shown, others[:_MOST_NAMED]))}, which no reader looks for",
            fix=f"If that file is the whole model, rename it to {SINGLE_FILE}.",
        )
    if repository := cached_repository(str(directory)):
        return CheckpointError(
            what, why="its download to the hub cache is incomplete", fix=f"Run `dlec download {repository}`."
        )
    return CheckpointError(what, fix=f"A checkpoint has {SINGLE_FILE} or {INDEX_FILE} next to config.json.")


SAFETENSORS = Format(
    name="safetensors",
    types=TYPES,
    is_own=is_own,
    looks_like_checkpoint=looks_like_checkpoint,
    read_config=lambda directory: read_config_file(directory / CONFIG_FILE),
    weight_files=weight_files,
    read_tensors=read_tensors,
    read_header=read_header,
    header_bytes=header_bytes,
    lay_out=lay_out,
    texts=texts,
    problems=problems,
)
