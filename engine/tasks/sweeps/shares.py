"""Computation of a share: the wavefront over its plans, on its part of the text. It does not use the store."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import UsageError, shown
from engine.execution.executor import Counts, Metric, OnRow, Row, Share
from engine.inference.wavefront.visits import BASE, Step
from engine.protocol import Report
from engine.tasks.measurement_options import MeasurementOptions, options_from
from engine.tasks.resident import sequences_of, text_of, tokenizer_of
from engine.text.probe import Probe, read_probe

_ANSWERS_PER_SEQUENCE = 4
"""Number of answers in a batch for each sequence that it would hold: answers are short."""


def planned(share: Share, layers: Any) -> Any:
    """Return the engine.inference.wavefront.work.Work of a share over `layers`.

    Raises UsageError for another text than the share is about, and like plan_work.
    """
    from engine.inference.wavefront.work import plan_work

    plans = [tuple(Step(layer, scale) for layer, scale in plan) for plan in share.plans]
    batches, reader = _read(share, layers.checkpoint)
    return plan_work(layers, plans, batches, reader, share.memory, share.together)


def compute(share: Share, layers: Any, report: Report, on_row: OnRow) -> Counts:
    """Compute a share over `layers`, row by row. Raises like `planned` and Work.run."""
    work = planned(share, layers)
    pieces: Counter[int] = Counter()

    def on_read(plan: int, value: Any) -> None:
        pieces[plan] += 1
        if plan != BASE or share.returns_base:
            number = BASE if plan == BASE else share.numbers[plan]
            on_row(Row(number, _values(share.metric, value), pieces[plan] == len(work.chunks)))

    return asdict(work.run(report, on_read))


def probe_rows(probe: Probe, checkpoint: Any, options: MeasurementOptions) -> Any:
    """Return the engine.inference.multiple_choice.ProbeRows of a probe, the same in every process."""
    from engine.inference.multiple_choice import ProbeRows

    return ProbeRows.of(probe, tokenizer_of(checkpoint), _ANSWERS_PER_SEQUENCE * options.batch_size)


def _read(share: Share, checkpoint: Any) -> tuple[Sequence[Any], Any]:
    """Return batches of tokens, and the reader of their figures."""
    options = options_from(share.options)
    if share.metric is Metric.PROBE:
        return _read_probe(share, checkpoint, options)
    from engine.inference.wavefront.readers import Likelihood

    _require_same(share, text_of(options).sha256, "text")
    sequences = sequences_of(checkpoint, options)[share.first_sequence : share.end_sequence]
    batches = list(sequences.split(options.batch_size))
    return [batch.tokens for batch in batches], Likelihood([batch.is_scored for batch in batches])


def _read_probe(share: Share, checkpoint: Any, options: MeasurementOptions) -> tuple[Sequence[Any], Any]:
    from engine.inference.multiple_choice import AnswerReader

    assert share.probe is not None
    probe = read_probe(Path(share.probe))
    _require_same(share, probe.sha256, "probe")
    rows = probe_rows(probe, checkpoint, options)
    return rows.batches, AnswerReader(rows)


def _require_same(share: Share, sha256: str, what: str) -> None:
    if sha256 != share.text_sha256:
        raise UsageError(
            f"the {what} has changed since the sweep of {shown(share.model)} was started",
            why=f"its SHA-256 was {share.text_sha256[:12]}... and is {sha256[:12]}...",
            fix="Start the sweep again.",
        )


def _values(metric: Metric, value: Any) -> dict[str, list[float]]:
    if metric is Metric.LIKELIHOOD:
        return {"nll": value.nll.flatten().tolist(), "kl": value.kl.tolist(), "top1": value.top1.tolist()}
    return {
        "log_likelihoods": [answer.log_likelihood for answer in value],
        "is_first_choice": [float(answer.is_first_choice) for answer in value],
    }
