"""Plans in YAML, as far as other formats can express them: unscaled layers of one model."""

from engine.errors import PlanError, shown
from engine.plan.layer_formats.layers import Layers, checked, refused, runs, without_count
from engine.plan.model import Plan, Slice
from engine.plan.problems import Severity
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text
from engine.plan.syntax import parse


def plan_of(text: str) -> Plan:
    """Return the plan of a text. Raises PlanError with its first error."""
    parsed = parse(text)
    errors = [problem for problem in parsed.problems if problem.severity is Severity.ERROR]
    if errors or parsed.plan is None:
        first = errors[0] if errors else None
        line = f"line {first.place.line}: " if first and first.place else ""
        raise PlanError(
            "the plan has an error", why=f"{line}{first.message}" if first else "", fix=first.fix if first else ""
        )
    return parsed.plan


def model_of(plan: Plan) -> str:
    """Return the model of a plan. Raises PlanError if it has several."""
    if len(plan.models) > 1:
        named = ", ".join(map(shown, plan.models))
        raise refused("this plan", f"it has {len(plan.models)} models, {named}; other formats support one")
    return plan.models[0]


def layers_of(plan: Plan, layer_count: int | None) -> Layers:
    """Return the layers of a plan. Raises PlanError for a plan that other formats cannot express."""
    model_of(plan)
    if plan.earlier:
        raise refused("this plan", f"it refers to {len(plan.earlier)} earlier documents of its text")
    scaled = [slice_ for slice_ in plan.slices if slice_.levels]
    if scaled or plan.scale:
        where = f"line {scaled[0].place.line}" if scaled else "its end"
        raise refused("this plan", f"it scales tensors ({where}), which other formats do not support")
    layers = [layer for slice_ in plan.slices for layer in range(slice_.start, _end(slice_, layer_count))]
    return checked(layers, layer_count)


def needs_layer_count(plan: Plan) -> bool:
    """Return True if the plan uses a whole model without its depth."""
    return any(slice_.is_whole for slice_ in plan.slices)


def _end(slice_: Slice, layer_count: int | None) -> int:
    if not slice_.is_whole:
        return slice_.end
    if layer_count is None:
        raise without_count(f"the whole model {shown(slice_.model)}")
    return layer_count


def left_out(plan: Plan) -> tuple[str, ...]:
    """Return the settings of a plan that other formats cannot express."""
    settings = {"dtype": plan.dtype, "out_dtype": plan.out_dtype, "tokenizer": plan.tokenizer and plan.tokenizer.source}
    return tuple(f"{key}: {value}" for key, value in settings.items() if value)


def write(layers: Layers, model: str, origin: str) -> str:
    """Return a plan that visits `layers` of `model`; `origin`: the text that they were converted from."""
    slices = [SliceText(start, end, layers_in_words(start, end)) for start, end in runs(layers)]
    return plan_text([f"Converted from {origin}: {len(layers)} layers."], model, slices)
