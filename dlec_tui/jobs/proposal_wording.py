"""Results of the tasks that propose plans, as text for the screen and the command line."""

from collections.abc import Iterator, Mapping
from typing import Any

from dlec_tui.jobs.answers import base_lines, measured_on, verdict
from engine.errors import escaped, shown
from engine.plan.recipes.dlec_classic import kept_layers
from engine.units import plural

Answer = Mapping[str, Any]
_NAME_WIDTH = 24
_MOST_PLANS = 12
"""In a table; --json has all of them."""


def proposal_headline(found: Answer) -> str:
    """Effect of the proposed plan on held-out text."""
    return verdict(found["judged"])


def proposal_lines(found: Answer) -> Iterator[str]:
    """The measured shortlist, the judgement, and the naive plan beside it."""
    yield "block     residual   harm, nats a token"
    for each in found["shortlist"]:
        block = f"{each['start']}-{each['end'] - 1}"
        yield f"{block:9} {each['residual']:8.4f}   {each['delta_nll']:+.4f} ± {each['se']:.4f}"
    start, end = found["block"]
    yield f"proposed: layers {start} to {end - 1} once more"
    yield f"    {verdict(found['judged'])}"
    layers = found["naive"]["layers"]
    yield f"the {plural(len(layers), 'best single layer')} ({', '.join(map(str, layers))}) instead"
    yield f"    {verdict(found['naive']['judged'])}"
    yield from base_lines(found["judged"])
    yield measured_on(found["judged"])


def reason_lines(found: Answer) -> Iterator[str]:
    """Why this plan, as it stands in the plan's comments."""
    yield from (escaped(line) for line in found.get("reason", ()))


def search_lines(found: Answer) -> Iterator[str]:
    """The judged shortlist, and what that says of the plan."""
    yield f"{plural(sum(found['tried'].values()), 'plan')} tried; the best, on text that chose nothing:"
    for plan in found["shortlist"][:_MOST_PLANS]:
        if plan["delta_nll"] is None:
            yield f"{shown(plan['name']):{_NAME_WIDTH}}  computes no numbers"
            continue
        low, high = plan["interval95"]
        yield (
            f"{shown(plan['name']):{_NAME_WIDTH}}  {plan['delta_nll']:+.4f}  {low:+.4f} {high:+.4f}"
            f"  adjusted p {plan['holm_p']:.2g}"
        )
    yield f"proposed: {shown(found['shortlist'][0]['name'])} once more"
    yield f"    {verdict(found['judged'])}"
    yield from base_lines(found)
    yield measured_on(found)


def classic_headline(found: Answer) -> str:
    """How much of the model the rule keeps."""
    shares = found["shares"]
    return f"keeps {len(kept_layers(shares))} of {plural(len(shares), 'layer')}"


def classic_lines(found: Answer) -> Iterator[str]:
    """Each layer's share of magnitudes above the threshold, and what becomes of the layer."""
    kept = kept_layers(found["shares"])
    yield classic_headline(found)
    yield "layer   share above the threshold"
    for layer, share in enumerate(found["shares"]):
        yield f"{layer:>5}   {100 * share:5.1f} %   {'kept' if layer in kept else 'left out'}"
