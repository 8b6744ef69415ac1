"""Measurement of plans on one split of the text, through an executor; each is stored when it is measured.

An interrupted measurement continues after the last piece of the text that all its plans were measured on.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from time import monotonic

from engine.execution.executor import BASE_NUMBER, Executor, Row
from engine.numbers.multiplicity import is_surely_worse, looks
from engine.protocol import Report, no_report
from engine.store.database import open_for_reading, open_for_writing
from engine.store.plan_measurements import (
    find_measurements,
    find_partial,
    forget_partial,
    measured_visits,
    save_measurement,
    save_partial,
)
from engine.store.sweeps import save_stopped
from engine.tasks.measurement import store_sample
from engine.tasks.resident import sequences_of
from engine.tasks.sweeps.costs import Cost, added, announced_line
from engine.tasks.sweeps.execution import SharedPass, in_threads, shared_pass
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.measured import MeasuredPlan
from engine.tasks.sweeps.sweep_spec import SweepSpec
from engine.text.corpus import Split


def missing(spec: SweepSpec, split: Split, requested: Sequence[str]) -> list[str]:
    """Return the visits without figures in the store."""
    context = spec.on(split)
    with closing(open_for_reading(context.store)) as connection:
        known = measured_visits(connection, context.key)
    return [visits for visits in requested if visits not in known]


def measure(
    spec: SweepSpec,
    split: Split,
    requested: Sequence[str],
    source: LayerSource,
    executor: Executor,
    report: Report,
) -> Cost:
    """Measure all of `requested`, and the base, to the end of the text, and store them.

    executor: computes the shares. Only this process writes the store.
    """
    return _Run(spec, split, source, executor, report).run(requested)


def measure_until_worse(
    spec: SweepSpec,
    split: Split,
    requested: Sequence[str],
    source: LayerSource,
    executor: Executor,
    report: Report,
    sweep_id: int,
) -> Cost:
    """Measure like `measure`, but stop plans that are surely worse; the store keeps after how many sequences."""
    return _Run(spec, split, source, executor, report, sweep_id).run(requested)


def announced(spec: SweepSpec, split: Split, requested: Sequence[str], source: LayerSource) -> Cost:
    """Return what measuring these would take; only one layer and one head are timed."""
    return _Run(spec, split, source, in_threads(source), no_report).announced(requested)


STORE_SECONDS = 5.0
"""Interval in seconds of writing partial results, which is what a kill may cost."""


class _Run:
    """Plans on one split of the text."""

    def __init__(
        self,
        spec: SweepSpec,
        split: Split,
        source: LayerSource,
        executor: Executor,
        report: Report,
        sweep_id: int | None = None,
    ) -> None:
        self._spec = spec
        self._context = spec.on(split)
        self._split = split
        self._source = source
        self._report = report
        self._executor = executor
        self._sweep_id = sweep_id
        """Sweep that records stopped plans; None where no plan is stopped."""
        self._sequences = sequences_of(spec.checkpoint, self._context.options)
        self._base = self._stored_base()
        """Mean NLL of each sequence after all are measured."""
        self._unfinished: dict[str, MeasuredPlan] = {}
        """Plans that are not measured to the end, by visits."""
        self._unstored: dict[str, int] = {}
        """Visits to the first sequence whose result is not in the store."""
        self._stored_at = monotonic()

    def run(self, requested: Sequence[str]) -> Cost:
        store_sample(self._context)
        plans = list(requested)
        done = self._go_on_with(plans)
        self._forget_beyond(done)
        costs = []
        for look, end in enumerate(self._ends(), start=1):
            if done < end:
                costs.append(self._run_piece(done, end, plans))
                done = end
            if end < len(self._sequences):
                plans = self._still_open(plans, look, end)
        return added(costs)

    def announced(self, requested: Sequence[str]) -> Cost:
        return self._pass(self._go_on_with(requested), len(self._sequences), requested).announced()

    def _ends(self) -> Iterator[int]:
        sequences = len(self._sequences)
        return iter([sequences]) if self._sweep_id is None else looks(sequences)

    def _go_on_with(self, requested: Sequence[str]) -> int:
        """Load the partial results of an interrupted run; return the number of sequences that all plans have."""
        needed = [*requested, *([self._spec.base] if self._base is None else [])]
        with closing(open_for_reading(self._context.store)) as connection:
            partial = find_partial(connection, self._context.key, needed)
        done = min((len(partial[visits].kl) if visits in partial else 0 for visits in needed), default=0)
        self._unfinished = {visits: MeasuredPlan.of(partial[visits], done) for visits in needed if done}
        return done

    def _forget_beyond(self, done: int) -> None:
        """Delete partial results that some of the plans lack: they are measured again."""
        with closing(open_for_writing(self._context.store)) as db:
            forget_partial(db, self._context.key, [self._spec.base, *self._spec.visits], kept_sequences=done)

    def _pass(self, start: int, end: int, requested: Sequence[str]) -> SharedPass:
        visits = [self._spec.visits[each] for each in requested]
        sequences = {"first_sequence": start, "end_sequence": end}
        return shared_pass(self._split.label, self._source, self._context, visits, **sequences)

    def _run_piece(self, start: int, end: int, requested: Sequence[str]) -> Cost:
        shared = self._pass(start, end, requested)
        cost = shared.announced()
        total = cost["announced"]["layer_forwards"]
        self._report(0, total, announced_line(cost))

        def keep(row: Row) -> None:
            if row.plan != BASE_NUMBER:
                self._add(requested[row.plan], row)
            elif self._base is None:
                self._add(self._spec.base, row)

        try:
            return cost | shared.run(self._executor, total, self._report, keep)
        finally:
            self._store_partial()

    def _add(self, visits: str, row: Row) -> None:
        measured = self._unfinished.setdefault(visits, MeasuredPlan())
        first_sequence = measured.sequences
        measured.add(row.values)
        if measured.sequences < len(self._sequences):
            self._unstored.setdefault(visits, first_sequence)
            if monotonic() - self._stored_at > STORE_SECONDS:
                self._store_partial()
            return
        if visits == self._spec.base:
            self._base = measured.sequence_nll
        if self._base is not None:
            self._store_whole()

    def _store_partial(self) -> None:
        """Store the new partial results, a row for each plan, in one transaction."""
        pieces = {
            visits: (first, self._unfinished[visits].since(first))
            for visits, first in self._unstored.items()
            if visits in self._unfinished
        }
        if pieces:
            with closing(open_for_writing(self._context.store)) as db:
                save_partial(db, self._context.key, pieces)
        self._unstored, self._stored_at = {}, monotonic()

    def _store_whole(self) -> None:
        """Store the plans that are measured to the end; of several devices, one may finish before the base is known."""
        whole = [visits for visits, plan in self._unfinished.items() if plan.sequences == len(self._sequences)]
        with closing(open_for_writing(self._context.store)) as db:
            for visits in whole:
                base = None if visits == self._spec.base else self._base
                save_measurement(db, self._context.key, self._unfinished.pop(visits).as_figures(visits, base))
            forget_partial(db, self._context.key, whole)

    def _stored_base(self) -> Sequence[float] | None:
        with closing(open_for_reading(self._context.store)) as connection:
            stored = find_measurements(connection, self._context.key, [self._spec.base])
        return stored[self._spec.base].sequence_nll if stored else None

    def _still_open(self, plans: list[str], look: int, end: int) -> list[str]:
        """Return the plans that are not surely worse after `end` sequences."""
        surely_worse = {visits for visits in plans if self._is_worse(visits, look, end)}
        assert self._sweep_id is not None
        numbers = {visits: number for number, visits in enumerate(self._spec.visits)}
        with closing(open_for_writing(self._context.store)) as db:
            save_stopped(db, self._sweep_id, {numbers[visits]: end for visits in surely_worse})
            forget_partial(db, self._context.key, surely_worse)
        return [visits for visits in plans if visits not in surely_worse]

    def _is_worse(self, visits: str, look: int, end: int) -> bool:
        base = self._base or self._unfinished[self._spec.base].sequence_nll
        means = self._unfinished[visits].sequence_nll[:end]
        deltas = [mean - own for mean, own in zip(means, base[:end], strict=True)]
        return all(map(math.isfinite, deltas)) and is_surely_worse(deltas, look, len(self._spec.visits))
