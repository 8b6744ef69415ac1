"""Plans on the items of a probe, through the same wavefront; each is stored as soon as it is finished."""

from array import array
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from engine.inference.wavefront.visits import BASE
from engine.protocol import Report
from engine.store.database import open_for_reading, open_for_writing
from engine.store.keys import ProfileKey
from engine.store.plan_measurements import ProbeResult, find_probes, save_probe
from engine.tasks.resident import tokenizer_of
from engine.tasks.sweeps.costs import Cost, announced_line
from engine.tasks.sweeps.execution import shared_pass
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.sweep_spec import SweepSpec
from engine.text.corpus import Split

if TYPE_CHECKING:
    from engine.inference.multiple_choice import Answer

_ROWS = 4
"""How many answers are run at once for each sequence that would be: they are short."""


def unanswered(spec: SweepSpec, key: ProfileKey, wanted: Sequence[str]) -> list[str]:
    """Those of the visits whose answers the store has not."""
    with closing(open_for_reading(spec.on(Split.SELECTION).store)) as connection:
        known = find_probes(connection, key)
    return [visits for visits in wanted if visits not in known]


def answer(spec: SweepSpec, key: ProfileKey, wanted: Sequence[str], source: LayerSource, report: Report) -> Cost:
    """Have all of `wanted`, and the base, answer the probe, and store what they say. Raises UsageError for items that
    cannot be scored, or are longer than the model's context."""
    from engine.inference.multiple_choice import AnswerReader, ProbeRows

    assert spec.probe is not None
    context = spec.on(Split.SELECTION)
    rows = ProbeRows.of(spec.probe, tokenizer_of(spec.checkpoint), _ROWS * context.options.batch_size)
    visits = [spec.visits[each] for each in wanted]
    work = shared_pass(f"probe {spec.probe.name}", source, visits, rows.batches, lambda: AnswerReader(rows))
    cost = work.announced()
    report(0, cost["announced"]["layer_forwards"], announced_line(cost))

    answers: dict[int, list[Answer]] = defaultdict(list)

    def read(index: int, some: "list[Answer]") -> None:
        answers[index] += some
        if len(answers[index]) < len(rows.positions):
            return
        rights, log_likelihoods = zip(*rows.scores(answers.pop(index)), strict=True)
        text = spec.base if index == BASE else wanted[index]
        with closing(open_for_writing(context.store)) as db:
            save_probe(db, key, ProbeResult(text, tuple(rights), array("f", log_likelihoods)))

    return cost | work.run(report, read)
