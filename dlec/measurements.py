"""Measurements: profile a model, preview a plan, sweep many plans. Results are kept in the dlec store and reused."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict, Unpack

from dlec.plans import PlanLike
from dlec.results import HeldOutPlan, Layer, Preview, Profile, Sample, Sweep, SweptPlan, Verdict
from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.errors import UsageError, shown
from engine.plan.plan_file import plan_text
from engine.plan.spaces import SweptPlan as PlanOfSpace
from engine.plan.spaces import blocks as block_space
from engine.plan.spaces import plans as plan_space
from engine.tasks import measurement_options
from engine.text import corpus

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called with the amount of work done, the total, and a description."""

Split: TypeAlias = Literal["selection", "heldout"]


class MeasurementOptions(TypedDict, total=False):
    """Options of every measurement; results are stored per combination of them."""

    text: Sequence[str | os.PathLike[str]]
    """Files of plain text, or JSONL with `text` or `messages` (default: the built-in text)."""
    tokens: int
    """Maximum number of tokens (default: 4096)."""
    seq_len: int
    """Tokens per sequence (default: 256)."""
    batch_size: int
    """Sequences per batch (default: 4)."""
    dtype: str
    """Name of the torch dtype to compute in, or "auto"."""
    device: str
    """ "cpu", "cuda", "cuda:1", a set such as "cuda:0-3", or "auto"."""
    home: str | os.PathLike[str]
    """Directory of the dlec store (default: the user's store)."""


def profile(
    model: str | os.PathLike[str],
    *,
    split: Split = "selection",
    progress: Progress | None = None,
    **options: Unpack[MeasurementOptions],
) -> Profile:
    """Measure every layer of a model, and every neuron of its MLPs, in one forward pass.

    Raises CheckpointError for a model that cannot be opened, UsageError for a text or an option that cannot be used,
    MachineError for memory, disk or a missing library.
    """
    from engine.tasks import profile as task

    checkpoint = _checkpoint(model)
    request = measurement_options.request_for(checkpoint, _options(options, split))
    answer = task.run(request, progress or _ignored)
    layers = tuple(Layer(**layer) for layer in answer["layers"])
    return Profile(checkpoint.reference, layers, _sample(answer))


def preview(
    plan: PlanLike,
    *,
    patches: Sequence[str | os.PathLike[str]] = (),
    split: Split = "heldout",
    progress: Progress | None = None,
    **options: Unpack[MeasurementOptions],
) -> Preview:
    """Compare a plan with its base on the same text without writing a model.

    Raises PlanError for a plan with errors, and what `profile` raises.
    """
    from engine.tasks import preview as task

    request = measurement_options.as_request(_options(options, split)) | {
        "plan": plan_text(plan),
        "patches": [str(Path(patch).absolute()) for patch in patches],
    }
    answer = task.run(request, progress or _ignored)
    return Preview(
        verdict=_verdict(answer),
        base_nll=answer["base"]["nll"],
        plan_nll=answer["plan"]["nll"],
        delta_nll=answer["delta_nll"],
        interval95=_pair(answer["interval95"]),
        kl=answer["kl"],
        top1_agreement=answer["top1_agreement"],
        base_findings=tuple(answer["base_check"]["findings"]),
        sample=_sample(answer),
    )


def sweep(
    model: str | os.PathLike[str],
    plans: Sequence[str | os.PathLike[str]] | None = None,
    *,
    width: int = 1,
    scales: Sequence[float] = (1.0,),
    top: int = 3,
    progress: Progress | None = None,
    **options: Unpack[MeasurementOptions],
) -> Sweep:
    """Measure many plans of one model in one computation, and the `top` best again on held-out text.

    plans: plan files. Without them, every block of up to `width` layers is repeated once, at each of `scales`.
    Raises PlanError for a plan that cannot be swept, and what `profile` raises.
    """
    from engine.tasks import sweep as task

    checkpoint = _checkpoint(model)
    space, swept = _space(checkpoint, plans, width, scales)
    measurement = measurement_options.request_for(checkpoint, _options(options, "selection"))
    request = measurement | {"space": space, "plans": swept, "top": top}
    answer = task.run(request, progress or _ignored)
    return Sweep(
        number=answer["sweep"],
        plans=tuple(map(_swept, answer["plans"])),
        shortlist=tuple(map(_held_out, answer["shortlist"])),
        best_by_chance=answer["by_chance"] and answer["by_chance"]["delta"],
        winner=answer["winner"] and answer["winner"]["plan"],
        base_findings=tuple(answer["base_check"]["findings"]),
        sample=_sample(answer),
    )


def _checkpoint(model: str | os.PathLike[str]) -> Checkpoint:
    checkpoint = opener()(os.fspath(model))
    require_local(checkpoint)
    return checkpoint


def _options(options: MeasurementOptions, split: Split) -> measurement_options.MeasurementOptions:
    if split not in list(corpus.Split):
        raise UsageError(f"{shown(split)} is not a split of a text", fix=f"Splits: {', '.join(corpus.Split)}.")
    given: dict[str, Any] = {name: value for name, value in options.items() if name not in ("text", "home")}
    text = tuple(str(Path(file).absolute()) for file in options.get("text", ()))
    home = str(Path(options["home"]).absolute()) if "home" in options else None
    return measurement_options.MeasurementOptions(text=text, split=corpus.Split(split), home=home, **given)


def _space(
    checkpoint: Checkpoint, files: Sequence[str | os.PathLike[str]] | None, width: int, scales: Sequence[float]
) -> tuple[str, list[dict[str, Any]]]:
    """Return the description and the plans of a sweep's space."""
    swept: Sequence[PlanOfSpace]
    if files is None:
        swept = block_space.plans(checkpoint, block_space.Options(width, tuple(scales)))
        name = f"blocks up to width {width}"
    else:
        swept = plan_space.plans({Path(file): plan_text(Path(file)) for file in files})
        name = "plans in files"
    return name, [{"name": plan.name, "text": plan.text, "block": plan.block, "scale": plan.scale} for plan in swept]


def _swept(plan: Mapping[str, Any]) -> SweptPlan:
    start, end = plan["block"] or (None, None)
    low, high = plan["interval95"] or (None, None)
    return SweptPlan(plan["name"], start, end, plan["scale"], plan["delta_nll"], low, high, plan["kl"], plan["holm_p"])


def _held_out(plan: Mapping[str, Any]) -> HeldOutPlan:
    low, high = plan["interval95"] or (None, None)
    return HeldOutPlan(
        name=plan["name"],
        selection_delta_nll=plan["selection_delta_nll"],
        delta_nll=plan["delta_nll"],
        low=low,
        high=high,
        holm_p=plan["holm_p"],
        verdict=plan["verdict"],
    )


def _sample(answer: Mapping[str, Any]) -> Sample:
    key, sample = answer["key"], answer["sample"]
    return Sample(
        corpus=answer["corpus"],
        split=key["split"],
        tokens=sample["tokens"],
        sequences=sample["sequences"],
        dtype=key["dtype"],
        from_store=answer["stored"],
    )


def _verdict(answer: Mapping[str, Any]) -> Verdict:
    if answer["interval95"] is None:
        return "not finite"
    low, high = answer["interval95"]
    if low <= 0 <= high:
        return "no difference"
    if not answer["base_check"]["ok"]:
        return "inconclusive"
    return "worse" if low > 0 else "better"


def _pair(interval: Sequence[float] | None) -> tuple[float, float] | None:
    return (interval[0], interval[1]) if interval else None


def _ignored(_done: int, _total: int, _what: str) -> None:
    """Ignore progress."""
