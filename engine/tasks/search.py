"""Search for blocks and scales that use up a budget, for the recipe dlec-search.

Every step is measured through the wavefront on the selection set of the text, where plans share what they have in
common; the best at the end are evaluated on the held-out set, as a sweep's are.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.errors import PlanError
from engine.plan.recipes import dlec_search
from engine.plan.recipes.dlec_search import State
from engine.protocol import Report
from engine.store.database import open_for_reading, open_for_writing
from engine.store.models import save_model
from engine.store.plan_measurements import find_measurements
from engine.tasks import sweep
from engine.tasks.measurement import model_row
from engine.tasks.recipe_options import recipe_options
from engine.tasks.sweeps.execution import in_threads
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.measuring import measure, missing
from engine.tasks.sweeps.sweep_spec import read_sweep_spec
from engine.text.corpus import Split


@dataclass(frozen=True, slots=True)
class _Search:
    """State of one search."""

    checkpoint: Checkpoint
    options: dlec_search.Options
    request: Mapping[str, Any]
    report: Report

    def harms(self, states: Sequence[State]) -> dict[State, float]:
        """Return the delta NLL of each on the selection set, without those that compute NaN."""
        spec = read_sweep_spec(self.asking(states))
        context = spec.on(Split.SELECTION)
        if requested := missing(spec, Split.SELECTION, list(spec.visits)):
            with closing(open_for_writing(context.store)) as db:
                save_model(db, model_row(self.checkpoint))
            source = LayerSource(spec)
            measure(spec, Split.SELECTION, requested, source, in_threads(source), self.report)
        with closing(open_for_reading(context.store)) as connection:
            figures = find_measurements(connection, context.key, spec.visits)
        names = {plan.name: figures[plan.visits].delta_nll for plan in spec.stored}
        harms = {state: names.get(dlec_search.name_of(state)) for state in states}
        return {state: harm for state, harm in harms.items() if harm is not None and harm == harm}

    def asking(self, states: Sequence[State]) -> dict[str, Any]:
        """Return the request of a sweep of these plans."""
        plans = [
            {"name": dlec_search.name_of(state), "text": dlec_search.write(self.checkpoint, state)} for state in states
        ]
        space = f"search for {self.options.layers} more layers"
        top = self.options.shortlist
        return {**self.request, "space": space, "plans": plans, "top": top, "metrics": False, "early_stop": False}


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"model", "reference", "layers" or "growth"}, other fields of dlec_search.Options,
    "memory", and the measurement options.

    Answer: "plan" (text), "repeats" ([start, end, scale] each), "reason" (lines), "tried" (plans measured for each
    number of added layers), "sweep" (the last step's number in the store), "heldout" (figures of the plan on the
    held-out set), "verdict", and the "shortlist" with its held-out figures. Raises UsageError for a budget that
    cannot be used up, and whatever sweeping raises.
    """
    search = _search(request, report)
    last, tried = _searched(search)
    swept = sweep.run(search.asking(last), report)
    winner = swept["winner"]
    if winner is None or winner["heldout"]["delta_nll"] is None:
        why = "every one of the last candidates computes NaN or infinity on the text"
        raise PlanError("the search found no plan", why=why, fix="Use --dtype float32 if that is wider.")
    state = next(state for state in last if dlec_search.name_of(state) == winner["name"])
    judged = {**winner["heldout"], "split": Split.HELDOUT, "base_check": swept["base_check"]}
    reason = [*_reason(search, sum(tried.values()), judged), *swept["base_check"]["findings"]]
    return {
        "plan": dlec_search.write(search.checkpoint, state, reason),
        "repeats": [list(repeat) for repeat in state],
        "reason": reason,
        "tried": tried,
        "sweep": swept["sweep"],
        "heldout": judged,
        "base_check": swept["base_check"],
        "sample": swept["heldout_sample"],
        "verdict": winner["verdict"],
        "shortlist": [
            {name: plan[name] for name in ("name", "delta_nll", "se", "interval95", "holm_p")}
            for plan in swept["shortlist"]
        ],
        "corpus": swept["corpus"],
        "key": swept["key"] | {"split": Split.HELDOUT},
        "stored": swept["stored"],
    }


def _search(request: Mapping[str, Any], report: Report) -> _Search:
    checkpoint = open_checkpoint(Path(request["model"]), request.get("reference", ""))
    options = recipe_options(dlec_search.Options, request, checkpoint)
    dlec_search.require_possible(checkpoint.layer_count, options)
    return _Search(checkpoint, options, request, report)


def _searched(search: _Search) -> tuple[list[State], dict[int, int]]:
    """Return the candidates that use up the budget, and how many were tried for each number of added layers."""
    kept: dict[int, list[State]] = {0: [()]}
    tried: dict[int, int] = {}
    for added in range(1, search.options.layers + 1):
        states = dlec_search.candidates(search.checkpoint.layer_count, search.options, kept, added)
        tried[added] = len(states)
        if added == search.options.layers:
            return states, tried
        if states:
            harms = search.harms(states)
            kept[added] = sorted(harms, key=lambda state: (harms[state], state))[: search.options.beam]
    raise AssertionError("a budget has at least one layer")


def _reason(search: _Search, tried: int, judged: Mapping[str, Any]) -> list[str]:
    """Return the reason for the head of the plan: held-out figures alone."""
    scales = "" if search.options.scales == (1.0,) else f", scales {', '.join(f'{x:g}' for x in search.options.scales)}"
    kept = "greedily" if search.options.beam == 1 else f"with a beam of {search.options.beam}"
    return [
        f"Found {kept} among {tried} plans{scales}. On text that chose nothing, it costs",
        f"{judged['delta_nll']:+.4f} nats a token (standard error {judged['se']:.4f}).",
    ]
