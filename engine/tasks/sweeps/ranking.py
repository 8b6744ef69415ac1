"""Rank correlation of cheap metrics of blocks with the measured cost of repeating them.

The free baseline is the distance of a block from the middle of the model: a metric that does not beat it is useless.
The correlation of a metric is positive if a larger value goes with more harm.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TypeAlias

from engine.errors import DlecError
from engine.numbers.ranks import spearman
from engine.protocol import Report
from engine.store.database import open_for_reading
from engine.store.plan_measurements import find_measurements
from engine.store.profiles import find_angles, find_layers
from engine.store.sweeps import Ranking, StoredPlan
from engine.tasks import profile, score
from engine.tasks.measurement_options import as_request
from engine.tasks.sweeps.sweep_spec import SweepSpec
from engine.text.corpus import Split

Block: TypeAlias = tuple[int, int]

BASELINE = "distance from the middle"
SCORED = ("second-pass", "logit-lens")
"""Scores that cost less than measuring the plans."""
FEWEST = 4
"""Minimum number of blocks to rank."""


def rankings(spec: SweepSpec, report: Report) -> tuple[Ranking, ...]:
    """Return the correlations of each metric, over all blocks and over those of each width; empty for too few blocks.

    Costs a profile and scores of the blocks, unless the store has them. Raises whatever measuring them raises.
    """
    harms = _harms(spec)
    if len(harms) < FEWEST:
        return ()
    metrics = {BASELINE: _distances(spec.checkpoint.layer_count, harms), **_measured(spec, list(harms), report)}
    return tuple(ranked(metrics, harms))


def ranked(metrics: Mapping[str, Mapping[Block, float]], harms: Mapping[Block, float]) -> Iterator[Ranking]:
    """Return the correlation of each metric with the harms; blocks with NaN are left out."""
    widths = sorted({end - start for start, end in harms})
    for width in (0, *widths) if len(widths) > 1 else widths:
        for name, values in metrics.items():
            pairs = [
                (values[block], harm)
                for block, harm in harms.items()
                if width in (0, block[1] - block[0]) and math.isfinite(values.get(block, math.nan))
            ]
            if len(pairs) >= FEWEST:
                xs, ys = zip(*pairs, strict=True)
                yield Ranking(name, width, len(pairs), spearman(xs, ys))


def _harms(spec: SweepSpec) -> dict[Block, float]:
    """Return the delta NLL of the plans that only repeat a block, at one scale: 1 if there are such plans."""
    context = spec.on(Split.SELECTION)
    plans = [plan for plan in spec.stored if plan.start is not None]
    scale = 1.0 if any(plan.scale == 1 for plan in plans) else next((plan.scale for plan in plans), 1.0)
    of_scale = [plan for plan in plans if plan.scale == scale]
    with closing(open_for_reading(context.store)) as connection:
        figures = find_measurements(connection, context.key, [plan.visits for plan in of_scale])
    return {
        _block(plan): figures[plan.visits].delta_nll
        for plan in of_scale
        if plan.visits in figures and math.isfinite(figures[plan.visits].delta_nll)
    }


def _block(plan: StoredPlan) -> Block:
    assert plan.start is not None
    assert plan.end is not None
    return plan.start, plan.end


def _distances(layers: int, blocks: Mapping[Block, float]) -> dict[Block, float]:
    return {(start, end): abs((start + end) / 2 - layers / 2) for start, end in blocks}


def _measured(spec: SweepSpec, blocks: Sequence[Block], report: Report) -> dict[str, dict[Block, float]]:
    context = spec.on(Split.SELECTION)
    model = {"model": str(spec.checkpoint.directory), "reference": spec.checkpoint.reference}
    request = as_request(context.options) | model
    profile.run(request, report)
    with closing(open_for_reading(context.store)) as connection:
        layers, angles = find_layers(connection, context.key), find_angles(connection, context.key)
    influences = {each.layer: each.block_influence for each in layers}
    updates = {each.layer: each.relative_update for each in layers}
    values = {
        "angular distance": {(each.start, each.end): each.angular_distance for each in angles},
        "block influence": _means(influences, blocks),
        "relative update": _means(updates, blocks),
    }
    for metric in SCORED:
        scores = score.run({**request, "metric": metric, "blocks": blocks}, report)["scores"]
        values[metric] = {(each["start"], each["end"]): each["value"] for each in scores}
    return values


def _means(layers: Mapping[int, float], blocks: Sequence[Block]) -> dict[Block, float]:
    """Return the sum of single layers over each block."""
    return {
        (start, end): math.fsum(layers[layer] for layer in range(start, end)) / (end - start) for start, end in blocks
    }


def why_not(error: DlecError) -> str:
    """Return the reason for missing rankings, on one line."""
    return f"the metrics could not be measured: {error.line}"
