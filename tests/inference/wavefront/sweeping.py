"""Sweeps and what they are compared with, for the tests of this room."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from engine.checkpoint.checkpoint import open_checkpoint
from engine.inference.likelihood import token_nll
from engine.inference.load_model import open_model
from engine.inference.virtual import virtual_model
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.layers import ResidentLayers
from engine.inference.wavefront.readers import Figures, Likelihood
from engine.inference.wavefront.streamed import StreamedLayers
from engine.inference.wavefront.visits import Step, Visits, stack_of, visits
from engine.inference.wavefront.work import Work, plan_work
from engine.protocol import no_report
from tests.inference.stacks import TOKENS

PLENTY = 2**34


def resident(source: Path, **options: Any) -> ResidentLayers:
    return ResidentLayers(open_checkpoint(source), open_model(source, **options))


def streamed(source: Path, *options: Any) -> StreamedLayers:
    return StreamedLayers(open_checkpoint(source), *options)


def planned(
    layers: Any, plans: Sequence[Visits], sequences: torch.Tensor = TOKENS, memory: int = PLENTY, together: int = 1
) -> Work[Figures]:
    return plan_work(layers, plans, sequences.split(1), Likelihood(), memory, together)


def swept(work: Work[Figures]) -> tuple[Mapping[int, Figures], Counted]:
    """What each plan measured on the whole text."""
    pieces: dict[int, list[Figures]] = defaultdict(list)
    counted = work.run(no_report, lambda plan, figures: pieces[plan].append(figures))
    return {plan: joined(figures) for plan, figures in pieces.items()}, counted


def joined(pieces: Sequence[Figures]) -> Figures:
    """Figures of chunks of a text as those of the whole."""
    return Figures(*(torch.cat([getattr(each, name) for each in pieces]) for name in ("nll", "kl", "top1")))


def figures(layers: Any, plans: Sequence[Visits], **options: Any) -> Mapping[int, Figures]:
    return swept(planned(layers, plans, **options))[0]


def plain_nll(layers: ResidentLayers, plan: Visits, sequences: torch.Tensor = TOKENS) -> torch.Tensor:
    """NLL from a forward pass of the virtual model over the resident one, which equals the merged checkpoint's."""
    model = virtual_model(stack_of(layers.checkpoint, plan), {layers.checkpoint: layers.model})
    return token_nll(model, sequences)


ODD = visits((0, 1, 2, 3, 1, 2, 2, 3, 1, 4, 5))
"""Jumps back twice, visits layer 2 three times, once immediately."""
SCALED = tuple(
    Step(layer, scale) for layer, scale in [(0, 1.0), (1, 1.0), (1, 0.5), (2, 0.0), (3, 1.0), (4, 1.0), (5, 0.7)]
)
SHORT = visits((0, 2, 4))
PLANS = (ODD, SCALED, SHORT, visits(range(6)), ODD)
