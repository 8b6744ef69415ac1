"""Proposal of a plan from measurements, for the recipe dlec.

Candidates are screened by second-pass residual and the shortlist is measured, both on the selection set of the text;
the proposal is evaluated on the held-out set, next to the naive plan of as many best single layers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.plan.recipes import dlec
from engine.plan.recipes.dlec import Block
from engine.protocol import Report
from engine.tasks import preview, score
from engine.tasks.measurement_options import MeasurementOptions, as_request, options_from
from engine.tasks.recipe_options import recipe_options
from engine.tasks.stages import Stages
from engine.text.corpus import Split

STAGES = 5
"""Residuals of blocks, costs of the shortlist, residuals of single layers, previews of two plans."""
NAIVE = "The naive plan: the single layers with the lowest second-pass residual, each twice."


@dataclass(frozen=True, slots=True)
class _Search:
    """State of one proposal."""

    checkpoint: Checkpoint
    options: dlec.Options
    measurement: MeasurementOptions
    stages: Stages

    def residuals(self, blocks: Sequence[Block]) -> dict[Block, float]:
        return {block: score["value"] for block, score in self._scores("second-pass", blocks).items()}

    def harms(self, blocks: Sequence[Block]) -> dict[Block, dict[str, Any]]:
        """Return the delta NLL of repeating each block, with its standard error, on the selection set."""
        return self._scores("duplication", blocks)

    def judged(self, plan_text: str) -> dict[str, Any]:
        """Return the preview of a plan on the held-out set."""
        request = as_request(self.measurement.of_split(Split.HELDOUT))
        return preview.run({**request, "plan": plan_text}, self.stages.next())

    def _scores(self, metric: str, blocks: Sequence[Block]) -> dict[Block, dict[str, Any]]:
        request = as_request(self.measurement.of_split(Split.SELECTION))
        model = {"model": str(self.checkpoint.directory), "reference": self.checkpoint.reference}
        scores = score.run({**request, **model, "metric": metric, "blocks": blocks}, self.stages.next())["scores"]
        return {(score["start"], score["end"]): score for score in scores}


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"model", "reference", "layers" or "growth"}, other fields of dlec.Options, and the
    measurement options.

    Answer: "plan" (text), "block", "reason" (lines), "shortlist" (measured candidates, least harmful first), "heldout"
    (as `dlec preview --json`), and "naive" with the "plan", "layers" and "heldout" of the best single layers.
    """
    search = _search(request, report)
    shortlist = _measured_shortlist(search)
    block = (shortlist[0]["start"], shortlist[0]["end"])
    singles = _best_singles(search)
    reason = _reason(search, shortlist)
    plan = dlec.write(search.checkpoint, [block], reason)
    naive = dlec.write(search.checkpoint, singles, [NAIVE])
    judged = search.judged(plan)
    reason += judged["base_check"]["findings"]
    return {
        "plan": dlec.write(search.checkpoint, [block], reason),
        "block": list(block),
        "reason": reason,
        "shortlist": shortlist,
        "heldout": judged,
        "naive": {"plan": naive, "layers": [start for start, _ in singles], "heldout": search.judged(naive)},
    }


def _search(request: Mapping[str, Any], report: Report) -> _Search:
    checkpoint = open_checkpoint(Path(request["model"]), request.get("reference", ""))
    return _Search(
        checkpoint, recipe_options(dlec.Options, request, checkpoint), options_from(request), Stages(report, STAGES)
    )


def _measured_shortlist(search: _Search) -> list[dict[str, Any]]:
    """Return the measured candidates, least harmful first."""
    candidates = dlec.candidate_blocks(search.checkpoint.layer_count, search.options)
    residuals = search.residuals(candidates)
    shortlist = dlec.shortlisted(residuals, candidates, search.options.shortlist)
    measured = [
        {"start": start, "end": end, "residual": residuals[start, end], "delta_nll": score["value"], "se": score["se"]}
        for (start, end), score in search.harms(shortlist).items()
    ]
    return sorted(measured, key=lambda each: float(each["delta_nll"]))


def _best_singles(search: _Search) -> list[Block]:
    singles = dlec.candidate_singles(search.checkpoint.layer_count, search.options)
    return sorted(dlec.shortlisted(search.residuals(singles), singles, search.options.layers))


def _reason(search: _Search, shortlist: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the reason for the head of the plan."""
    best, width = shortlist[0], search.options.layers
    return [
        f"Of the {len(shortlist)} blocks of {width} with the lowest second-pass residual, repeating this one",
        f"harms least: {best['delta_nll']:+.4f} nats a token (standard error {best['se']:.4f}) on the selection set.",
    ]
