"""Measures plans on one half of the text, through the wavefront; each is stored as soon as it is finished."""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from engine.inference.wavefront.visits import BASE
from engine.numbers.sequential import is_surely_worse, looks
from engine.protocol import Report
from engine.store.database import open_for_reading, open_for_writing
from engine.store.plan_figures import find_figures, measured_visits, save_figures
from engine.store.sweeps import save_stopped
from engine.tasks.resident import sequences_of
from engine.tasks.sweeps.asking import Asked
from engine.tasks.sweeps.costs import Cost, added, announced_line
from engine.tasks.sweeps.measured import MeasuredPlan
from engine.tasks.sweeps.sources import Source
from engine.tasks.sweeps.works import SharedWork, shared_work
from engine.text.corpus import Half

if TYPE_CHECKING:
    from engine.inference.wavefront.likelihood import Figures


def missing(asked: Asked, half: Half, wanted: Sequence[str]) -> list[str]:
    """Those of the visits that the store has no figures of."""
    occasion = asked.on(half)
    with closing(open_for_reading(occasion.store)) as connection:
        known = measured_visits(connection, occasion.key)
    return [visits for visits in wanted if visits not in known]


def measure(asked: Asked, half: Half, wanted: Sequence[str], source: Source, report: Report) -> Cost:
    """Measure all of `wanted`, and the base, to the end of the text, and store them."""
    return _Run(asked, half, source, report).run(wanted)


def measure_until_worse(
    asked: Asked, half: Half, wanted: Sequence[str], source: Source, sweep_id: int, report: Report
) -> Cost:
    """The same, but what is surely worse is not measured on; the store keeps after how many sequences that was."""
    return _Run(asked, half, source, report, sweep_id).run(wanted)


def announced(asked: Asked, half: Half, wanted: Sequence[str], source: Source) -> Cost:
    """What measuring these would take; nothing is measured but the time of one layer and one head."""
    return _Run(asked, half, source, lambda *_: None).announced(wanted)


class _Run:
    """Plans on one half of the text."""

    def __init__(self, asked: Asked, half: Half, source: Source, report: Report, sweep_id: int | None = None) -> None:
        self._asked = asked
        self._occasion = asked.on(half)
        self._half = half
        self._source = source
        self._report = report
        self._sweep_id = sweep_id
        """Where plans may be stopped: which sweep that is told of."""
        self._found: dict[str, MeasuredPlan] = {}
        self._base: Sequence[float] | None = None

    def run(self, wanted: Sequence[str]) -> Cost:
        sequences = sequences_of(self._asked.checkpoint, self._occasion.setting)
        self._base = self._stored_base()
        plans = list(wanted)
        costs = []
        start = 0
        for look, end in enumerate(self._ends(len(sequences)), start=1):
            is_last = end == len(sequences)
            costs.append(self._run_piece(sequences[start:end], plans, is_last=is_last))
            if not is_last:
                plans = self._still_open(plans, look, end, len(wanted))
            start = end
        return added(costs)

    def announced(self, wanted: Sequence[str]) -> Cost:
        return self._work(sequences_of(self._asked.checkpoint, self._occasion.setting), wanted).announced()

    def _ends(self, sequences: int) -> Iterator[int]:
        return iter([sequences]) if self._sweep_id is None else looks(sequences)

    def _work(self, sequences: Any, wanted: Sequence[str]) -> SharedWork:
        from engine.inference.wavefront.likelihood import Likelihood

        visits = [self._asked.visits[each] for each in wanted]
        batches = sequences.split(self._occasion.setting.batch_size)
        return shared_work(f"{self._half} half", self._source, visits, batches, Likelihood)

    def _run_piece(self, sequences: Any, wanted: Sequence[str], *, is_last: bool) -> Cost:
        """is_last: no more text follows, so that what is finished can be stored."""
        work = self._work(sequences, wanted)
        cost = work.announced()
        self._report(0, cost["announced"]["layer_forwards"], announced_line(cost))

        def finished(index: int, figures: "Figures") -> None:
            visits = self._asked.base if index == BASE else wanted[index]
            measured = self._found.setdefault(visits, MeasuredPlan())
            measured.add(figures)
            if is_last:
                self._store(visits, measured)

        return cost | work.run(self._report, finished)

    def _store(self, visits: str, measured: MeasuredPlan) -> None:
        """By a connection of its own: several devices finish in several threads."""
        is_base = visits == self._asked.base
        if is_base and self._base is None:
            self._base = measured.sequence_nll
        figures = measured.as_figures(visits, None if is_base else self._base)
        with closing(open_for_writing(self._occasion.store)) as db:
            save_figures(db, self._occasion.key, figures)
        del self._found[visits]

    def _stored_base(self) -> Sequence[float] | None:
        with closing(open_for_reading(self._occasion.store)) as connection:
            found = find_figures(connection, self._occasion.key, [self._asked.base])
        return found[self._asked.base].sequence_nll if found else None

    def _still_open(self, plans: list[str], look: int, end: int, asked: int) -> list[str]:
        """The plans that are not surely worse after `end` sequences."""
        base = self._found[self._asked.base].sequence_nll
        surely_worse = {visits for visits in plans if self._is_worse(visits, base, look, asked)}
        assert self._sweep_id is not None
        numbers = {visits: number for number, visits in enumerate(self._asked.visits)}
        with closing(open_for_writing(self._occasion.store)) as db:
            save_stopped(db, self._sweep_id, {numbers[visits]: end for visits in surely_worse})
        return [visits for visits in plans if visits not in surely_worse]

    def _is_worse(self, visits: str, base: Sequence[float], look: int, asked: int) -> bool:
        means = self._found[visits].sequence_nll
        deltas = [mean - own for mean, own in zip(means, base, strict=True)]
        return all(map(math.isfinite, deltas)) and is_surely_worse(deltas, look, asked)
