"""Plans written for the tests of this room: short texts, and models called A, B, ... by their paths."""

from engine.checkpoint.find import opener
from engine.plan.check import check_plan
from engine.plan.outputs import Fill, Scale
from tests.tiny import write_llama


def write_models(root, variants):
    """Name to path, of 4-layer llamas; each variant holds the options of `write_llama`."""
    return {
        name: str(write_llama(root / name, **{"layers": 4, "seed": number, **options}))
        for number, (name, options) in enumerate(variants.items())
    }


def plan_of(*slices, **top):
    """Slices as (name, start, end) or (name, start, end, scale text); further keys of the plan as texts."""
    lines = ["merge_method: passthrough", *(f"{key}: {value}" for key, value in top.items()), "slices:"]
    for name, start, end, *scale in slices:
        lines += ["- sources:", f"  - model: {name}", f"    layer_range: [{start}, {end}]"]
        lines += [f"    parameters: {{scale: {scale[0]}}}"] if scale else []
    return "\n".join(lines) + "\n"


def checked_plan(models, text):
    """The text checked, names of models standing for their paths."""
    open_checkpoint = opener()
    return check_plan(text, lambda name: open_checkpoint(models.get(name, name)))


def stack_of(models, text):
    checked = checked_plan(models, text)
    assert checked.stack is not None, checked.problems
    return checked.stack


def name_of(models, checkpoint):
    return next(name for name, path in models.items() if path == checkpoint.reference)


def layer_map(models, stack):
    """As `A0 A1 B2`."""
    return " ".join(f"{name_of(models, visit.checkpoint)}{visit.layer}" for visit in stack.visits)


def donors(models, stack):
    """Who gives embeddings, head, config: as `ABA`."""
    given = (stack.embedding.checkpoint, stack.head.checkpoint, stack.config_donor)
    return "".join(name_of(models, checkpoint) for checkpoint in given)


def written_factor(tensor):
    """The factor by which an output tensor is scaled; None if it is not."""
    match tensor.operation:
        case Scale(scaling):
            return scaling.factor
        case Fill():
            return 0.0
        case _:
            return None
