"""patches: a patch does not fit the new model, or is cast when it is written.

Severity: error; note where a tensor is cast, or replaced by a later patch

Why: A patch is a safetensors file whose tensors replace those of the new model, by name. A tensor that the model does
not have, or that has another shape, would be left out silently; a language head that is tied to the embeddings would
be overwritten when the model is opened; and a quantised tensor means nothing without its scales.

Source: the format of safetensors; transformers ties weights after it has loaded them.

Example: a patch for 12 layers on a plan that now has 11: `model.layers.11.mlp.down_proj.weight` belongs to nothing.

Fix: Make the patch again for this plan, or leave the tensor out of it. A floating-point tensor of another dtype is
cast to the dtype of the tensor that it replaces, which is a note. Of two patches with a tensor of the same name, the
later one applies, which is a note too.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from engine.checkpoint.anatomy import is_output_head
from engine.checkpoint.checkpoint import FLOAT_DTYPES
from engine.checkpoint.formats.format import StoredTensor
from engine.errors import shown
from engine.plan.outputs import OutputTensor, is_tied, planned_tensors
from engine.plan.patches import Patch, applied
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.units import plural


def check(facts: Facts) -> Iterator[Problem]:
    stack = facts.stack
    if not stack.patches:
        return
    planned = {tensor.name: tensor for tensor in planned_tensors(stack)}
    for tensor in applied(stack.patches).values():
        if problem := _refused(tensor, planned, is_tied=is_tied(stack)):
            yield problem
    yield from _casts(stack.patches, planned)
    yield from _overlaps(stack.patches)


def _refused(tensor: StoredTensor, planned: Mapping[str, OutputTensor], *, is_tied: bool) -> Problem | None:
    replaced, name = planned.get(tensor.name), shown(tensor.name)
    if is_tied and is_output_head(tensor.name):
        return _error(tensor, f"{name} is tied to the embeddings", "Patch the embeddings: the head follows them.")
    if replaced is None:
        close = get_close_matches(tensor.name, planned, 1)
        fix = f"Did you mean {shown(close[0])}?" if close else "Leave it out of the patch."
        return _error(tensor, f"the new model has no tensor {name}", fix)
    if replaced.shape != tensor.shape:
        shapes = f"has the shape {list(tensor.shape)}, the new model's has {list(replaced.shape)}"
        return _error(tensor, f"{name} {shapes}", "Make the patch again for this plan.")
    if tensor.dtype != replaced.dtype and not {tensor.dtype, replaced.dtype} <= set(FLOAT_DTYPES):
        dtypes = f"is {tensor.dtype}, and {tensor.dtype} cannot be cast to {replaced.dtype} as the new model stores it"
        return _error(tensor, f"{name} {dtypes}", "Patch a model that is not quantised.")
    return None


def _error(tensor: StoredTensor, what: str, fix: str) -> Problem:
    return Problem("patches", Severity.ERROR, f"{shown(tensor.file)}: {what}", fix=fix)


def _casts(patches: tuple[Patch, ...], planned: Mapping[str, OutputTensor]) -> Iterator[Problem]:
    for patch in patches:
        fitting = [(tensor, planned[tensor.name]) for tensor in patch.tensors if tensor.name in planned]
        cast = [tensor for tensor, replaced in fitting if _is_cast(tensor, replaced)]
        if cast:
            dtypes = sorted({f"{tensor.dtype} to {planned[tensor.name].dtype}" for tensor in cast})
            message = f"{shown(patch.path)}: {plural(len(cast), 'tensor')} cast from {', '.join(dtypes)}"
            yield Problem("patches", Severity.NOTE, message, fix="The dtype of the replaced tensors is kept.")


def _is_cast(tensor: StoredTensor, replaced: OutputTensor) -> bool:
    return tensor.dtype != replaced.dtype and {tensor.dtype, replaced.dtype} <= set(FLOAT_DTYPES)


def _overlaps(patches: tuple[Patch, ...]) -> Iterator[Problem]:
    for number, patch in enumerate(patches):
        later = {tensor.name for other in patches[number + 1 :] for tensor in other.tensors}
        hidden = [tensor for tensor in patch.tensors if tensor.name in later]
        if hidden:
            message = f"{shown(patch.path)}: a later patch replaces {plural(len(hidden), 'tensor')}"
            message += f", for example {shown(hidden[0].name)}"
            yield Problem("patches", Severity.NOTE, message)
