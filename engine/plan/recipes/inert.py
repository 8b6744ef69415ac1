"""Plans whose copies are inert: the new model computes what its base does until they are trained."""

from collections.abc import Iterable, Iterator

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.layer_keys.refusals import layers_in_place
from engine.errors import CheckpointError
from engine.plan.recipes.text import SliceText, plan_text


def inert_plan_text(title: Iterable[str], checkpoint: Checkpoint, slices: Iterable[SliceText]) -> str:
    """As `plan_text`, for slices of one checkpoint whose copies are silenced.

    Raises CheckpointError where the copies would shift layers at which the model adds image features by number.
    """
    return plan_text(title, checkpoint.reference, _with_features_in_place(checkpoint, slices))


def _with_features_in_place(checkpoint: Checkpoint, slices: Iterable[SliceText]) -> Iterator[SliceText]:
    fixed = layers_in_place(checkpoint.config)
    place = 0
    for slice_ in slices:
        for layer in range(slice_.start, min(slice_.end, slice_.start + fixed - place)):
            if layer != place:
                raise _features_moved(checkpoint, fixed, layer)
            place += 1
        yield slice_


def _features_moved(checkpoint: Checkpoint, fixed: int, layer: int) -> CheckpointError:
    return CheckpointError(
        f"a copy of layer {layer} of {checkpoint.reference} would not be inert",
        why=f"image features are added at its lowest {fixed} layers by their numbers, which the copy would shift",
        fix=f"Copy layers from {fixed - 1} on: give the layers to copy, or fewer groups.",
    )
