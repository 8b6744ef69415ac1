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
from engine.tasks.sweeps.asking import Asked
from engine.tasks.sweeps.costs import Cost, announced_line
from engine.tasks.sweeps.sources import Source
from engine.tasks.sweeps.works import shared_work
from engine.text.corpus import Half

if TYPE_CHECKING:
    from engine.inference.answers import Answer

_ROWS = 4
"""How many answers are run at once for each sequence that would be: they are short."""


def unanswered(asked: Asked, key: ProfileKey, wanted: Sequence[str]) -> list[str]:
    """Those of the visits whose answers the store has not."""
    with closing(open_for_reading(asked.on(Half.CHOOSING).store)) as connection:
        known = find_probes(connection, key)
    return [visits for visits in wanted if visits not in known]


def answer(asked: Asked, key: ProfileKey, wanted: Sequence[str], source: Source, report: Report) -> Cost:
    """Have all of `wanted`, and the base, answer the probe, and store what they say. Raises UsageError for items that
    cannot be scored, or are longer than the model's context."""
    from engine.inference.answers import AnswerReader, ProbeRows

    assert asked.probe is not None
    occasion = asked.on(Half.CHOOSING)
    rows = ProbeRows.of(asked.probe, tokenizer_of(asked.checkpoint), _ROWS * occasion.setting.batch_size)
    visits = [asked.visits[each] for each in wanted]
    work = shared_work(f"probe {asked.probe.name}", source, visits, rows.batches, lambda: AnswerReader(rows))
    cost = work.announced()
    report(0, cost["announced"]["layer_forwards"], announced_line(cost))

    answers: dict[int, list[Answer]] = defaultdict(list)

    def read(index: int, some: "list[Answer]") -> None:
        answers[index] += some
        if len(answers[index]) < len(rows.places):
            return
        rights, log_likelihoods = zip(*rows.judged(answers.pop(index)), strict=True)
        text = asked.base if index == BASE else wanted[index]
        with closing(open_for_writing(occasion.store)) as db:
            save_probe(db, key, ProbeResult(text, tuple(rights), array("f", log_likelihoods)))

    return cost | work.run(report, read)
