"""Answers of plans to the items of a probe, through the same wavefront; each is stored when it is complete."""

from array import array
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing

from engine.execution.executor import BASE_NUMBER, Executor, Metric, Row
from engine.protocol import Report
from engine.store.database import open_for_reading, open_for_writing
from engine.store.keys import MeasurementKey
from engine.store.plan_measurements import ProbeResult, find_probes, save_probe
from engine.tasks.sweeps.costs import Cost, announced_line
from engine.tasks.sweeps.execution import shared_pass
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.shares import probe_rows
from engine.tasks.sweeps.sweep_spec import SweepSpec
from engine.text.corpus import Split


def unanswered(spec: SweepSpec, key: MeasurementKey, requested: Sequence[str]) -> list[str]:
    """Return the visits without answers in the store."""
    with closing(open_for_reading(spec.on(Split.SELECTION).store)) as connection:
        known = find_probes(connection, key)
    return [visits for visits in requested if visits not in known]


def answer(
    spec: SweepSpec,
    key: MeasurementKey,
    requested: Sequence[str],
    source: LayerSource,
    executor: Executor,
    report: Report,
) -> Cost:
    """Answer the probe with all of `requested` and the base, and store the answers.

    Raises UsageError for items that cannot be scored or are longer than the model's context."""
    from engine.inference.multiple_choice import Answer

    assert spec.probe is not None
    context = spec.on(Split.SELECTION)
    rows = probe_rows(spec.probe, spec.checkpoint, context.options)
    probed = {"metric": Metric.PROBE, "probe": str(spec.probe_file), "text_sha256": spec.probe.sha256}
    visits = [spec.visits[each] for each in requested]
    shared = shared_pass(f"probe {spec.probe.name}", source, context, visits, **probed)
    cost = shared.announced()
    total = cost["announced"]["layer_forwards"]
    report(0, total, announced_line(cost))

    answers: dict[int, list[Answer]] = defaultdict(list)

    def keep(row: Row) -> None:
        pairs = zip(row.values["log_likelihoods"], row.values["is_first_choice"], strict=True)
        answers[row.plan] += [Answer(value, bool(is_first)) for value, is_first in pairs]
        if not row.is_last:
            return
        rights, log_likelihoods = zip(*rows.scores(answers.pop(row.plan)), strict=True)
        text = spec.base if row.plan == BASE_NUMBER else requested[row.plan]
        with closing(open_for_writing(context.store)) as db:
            save_probe(db, key, ProbeResult(text, tuple(rights), array("f", log_likelihoods)))

    return cost | shared.run(executor, total, report, keep)
