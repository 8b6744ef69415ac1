"""Checks a finished checkpoint directory without torch: what its files say of themselves and of each other."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.config import CONFIG_FILE
from engine.checkpoint.layer_keys.lists import KNOWN as PER_LAYER_LISTS
from engine.checkpoint.wrappers import wrapping_of
from engine.errors import CheckpointError, DlecError, shown
from engine.merge.layout import Layout

NO_SURPLUS: Mapping[str, int] = {}


def structure_problems(directory: Path, surplus: Mapping[str, int] = NO_SURPLUS) -> Iterator[str]:
    """Sentences about what is wrong; none for a sound checkpoint. Reads headers, index and config; no weight.

    surplus: lists of the config with so many entries too many that are to be so.
    """
    try:
        checkpoint = open_checkpoint(directory)
        yield from checkpoint.format.problems(directory)
        yield from _name_problems(checkpoint)
        yield from _layer_problems(checkpoint)
        yield from _list_problems(checkpoint, surplus)
    except DlecError as error:
        yield error.line


def check_written(directory: Path, layout: Layout, donor: Checkpoint) -> None:
    """Raises CheckpointError when `directory` is not what `layout` says, or is no sound checkpoint.

    What the config's `donor` has as well (lists that are longer than the model is deep) is no fault of the merge.
    """
    for shard in layout.shards:
        header = layout.format.read_header(directory / shard.name)
        found = {(tensor.name, tensor.dtype, tensor.begin, tensor.end) for tensor in header.tensors}
        if found != {(placed.tensor.name, placed.tensor.dtype, placed.begin, placed.end) for placed in shard.tensors}:
            raise CheckpointError(f"{directory / shard.name} was not written as planned")
    problems = list(structure_problems(directory, donor.surplus_of_lists))
    if problems:
        raise CheckpointError(f"{directory} is not a sound checkpoint", why="; ".join(problems))


def _name_problems(checkpoint: Checkpoint) -> Iterator[str]:
    stored, count = wrapping_of(checkpoint.tensors.values())
    if stored:
        yield f"{count} tensors have the names of a training wrapper ({shown(stored)}): other readers do not find them"


def _layer_problems(checkpoint: Checkpoint) -> Iterator[str]:
    count, unannounced = checkpoint.layer_count, checkpoint.unannounced_layers
    if unannounced:
        yield f"{CONFIG_FILE} says {count} layers, the weights have {count + unannounced}: readers ignore the rest"


def _list_problems(checkpoint: Checkpoint, surplus: Mapping[str, int]) -> Iterator[str]:
    """Lists with one entry a layer must have one for each; some go on for the layers behind the decoder."""
    count = checkpoint.layer_count
    for key in PER_LAYER_LISTS:
        value = checkpoint.config.decoder.get(key)
        allowed = {*checkpoint.layers_behind, surplus.get(key, 0)}
        if isinstance(value, list) and value and len(value) - count not in allowed:
            yield f"{CONFIG_FILE} has {len(value)} entries in {key} for {count} layers"
