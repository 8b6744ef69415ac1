"""Stacks and merges for the tests of this room."""

from pathlib import Path

from engine.checkpoint.checkpoint import open_checkpoint
from engine.merge.partial import partial_of
from engine.plan.stack import Donor, Stack, Visit
from engine.tasks.merge import MergeOptions, merge

PLAN = "merge_method: passthrough\n"
ZEROED = ((("o_proj", 0.0), ("down_proj", 0.0)),)


def stack_of(directory, layers=(0, 1, 2, 3, 2, 3, 4, 5), *, levels=(), **settings):
    """The layers of one checkpoint, a slice for each run; `levels` apply to those that were there before."""
    checkpoint = open_checkpoint(Path(directory))
    visits = []
    for number, layer in enumerate(layers):
        repeat = list(layers[:number]).count(layer)
        is_new_slice = number > 0 and layer != layers[number - 1] + 1
        slice_index = visits[-1].slice_index + is_new_slice if visits else 0
        visits.append(Visit.whole(checkpoint, layer, repeat, levels if repeat else (), slice_index))
    return Stack(tuple(visits), Donor(checkpoint), Donor(checkpoint), checkpoint, **settings)


def merged(stack, out, progress=lambda _done, _total: None, **options):
    return merge(stack, PLAN, out, MergeOptions(**({"load_check": False} | options)), progress)


def settled_bytes(directory):
    """Name to content of what a resumed merge must reproduce: shards, index, config."""
    names = [path for path in Path(directory).iterdir() if ".safetensors" in path.name or path.name == "config.json"]
    return {path.name: path.read_bytes() for path in names}


def leftovers(out):
    """What stands beside the output that was not asked for."""
    return sorted(path.name for path in Path(out).parent.iterdir() if path.name.startswith("."))


def partial_model(out):
    return partial_of(out).model
