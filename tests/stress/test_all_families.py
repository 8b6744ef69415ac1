"""Every family that the installed transformers can build small: stacked, previewed and expanded exactly, or refused.

Each family ends in one of OUTCOMES; `make stress` prints how many in each, and the reason of every refusal.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoint.find import opener
from engine.errors import DlecError
from engine.inference.decoder_layers import decoder_layers
from engine.inference.virtual import load
from engine.plan.check import check_plan
from engine.plan.recipes import interleave
from engine.tasks.inertness import inertness_trials
from engine.tasks.merge import MergeOptions, merge
from tests.stress.small_families import LAYERS, CannotBuildError, families, small_model

EXACT, EXACT_BUT_FOR_COPIES = "exact", "exact, but inert copies are refused"
REFUSED, NOT_BUILT = "refused by plan check", "cannot be built small"
OUTCOMES = (EXACT, EXACT_BUT_FOR_COPIES, REFUSED, NOT_BUILT)

STACK = [*range(4), *range(1, LAYERS)]
TOKENS = torch.randint(3, 100, (2, 20), generator=torch.Generator().manual_seed(7))
Record = Callable[[str, object], None]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.stress
@pytest.mark.timeout(240)
@pytest.mark.parametrize("family", families())
def test_a_family_is_exact_or_refused(family: str, tmp_path: Path, record_property: Record) -> None:
    try:
        model = small_model(family)
    except CannotBuildError as error:
        return _record(record_property, NOT_BUILT, str(error))
    model.save_pretrained(tmp_path / "base")
    base = aligned(type(model).from_pretrained(tmp_path / "base", dtype=torch.float32))
    expected = logits(base)
    plan = plan_of(tmp_path / "base")
    if (reason := refusal(plan)) is not None:
        return _record(record_property, REFUSED, reason)
    merged = opened(plan, tmp_path / "merged", type(model))
    assert torch.equal(logits(merged), logits(stacked_by_hand(base)))
    assert torch.equal(logits(load(plan)), logits(merged))
    copies = inert_copies(tmp_path / "base")
    if isinstance(copies, DlecError):
        return _record(record_property, EXACT_BUT_FOR_COPIES, copies.line)
    if torch.equal(logits(opened(copies, tmp_path / "expanded", type(model))), expected):
        return _record(record_property, EXACT, "")
    tried = inertness_trials().tried(opener()(str(tmp_path / "base"))).reason
    assert tried, "copies are not inert, and `dlec plan new` would not say so"
    return _record(record_property, EXACT_BUT_FOR_COPIES, tried)


def _record(record_property: Record, outcome: str, reason: str) -> None:
    record_property("outcome", outcome)
    record_property("reason", reason)


def plan_of(model: Path) -> str:
    slices = "\n".join(f"- sources: [{{model: {model}, layer_range: [{a}, {b}]}}]" for a, b in ((0, 4), (1, LAYERS)))
    return f"merge_method: passthrough\nslices:\n{slices}\n"


def refusal(plan: str) -> str | None:
    """The errors of `dlec plan check`; None where there are none."""
    checked = check_plan(plan, opener())
    errors = [problem.message for problem in checked.problems if problem.severity.name == "ERROR"]
    return None if checked.ok and not errors else "; ".join(errors)


def inert_copies(model: Path) -> str | DlecError:
    """The plan of the recipe for every second layer, or why it writes none."""
    checkpoint = opener()(str(model))
    try:
        plan = interleave.write(checkpoint, interleave.Options(layers=(1, LAYERS - 1), copies=1))
    except DlecError as error:
        return error
    checked = check_plan(plan, opener())
    inert = [problem.message for problem in checked.problems if problem.rule == "not-inert"]
    return DlecError("not inert", why=inert[0]) if inert else plan


def opened(plan: str, out: Path, model_class: Any) -> Any:
    """The merged checkpoint as transformers opens it, with nothing missing and nothing left over."""
    checked = check_plan(plan, opener())
    assert checked.stack is not None, checked.problems
    merge(checked.stack, plan, out, MergeOptions(load_check=False))
    model, info = model_class.from_pretrained(out, dtype=torch.float32, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["mismatched_keys"]
    return aligned(model)


def aligned(model: Any) -> Any:
    """With every weight where torch would have put it: CPU kernels round by where weights lie in memory."""
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()
    return model.eval()


def stacked_by_hand(model: Any) -> Any:
    """Deep copies of the base's layers in the order of the stack; lists of its config gathered by hand."""
    layers = decoder_layers(model)
    config = model.config.get_text_config()
    copies = [copy.deepcopy(layers[layer], {id(config): config}) for layer in STACK]
    for place, layer in enumerate(copies):
        for module in layer.modules():
            for name in ("layer_idx", "layer_id", "layer_number"):
                if isinstance(getattr(module, name, None), int):
                    setattr(module, name, place)
    for key, value in list(vars(config).items()):
        if isinstance(value, (list, tuple)) and len(value) == LAYERS:
            vars(config)[key] = [value[layer] for layer in STACK]
        if key == "cross_attention_layers":
            numbers = vars(config)[key] = [place for place, layer in enumerate(STACK) if layer in value]
            for module in model.modules():
                if hasattr(module, key):
                    setattr(module, key, numbers)
    del layers[:]
    layers.extend(copies)
    vars(config)[config.attribute_map.get("num_hidden_layers", "num_hidden_layers")] = len(STACK)
    return model


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found = model(TOKENS, use_cache=False).logits
    assert torch.isfinite(found).all()
    return found
