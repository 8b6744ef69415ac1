"""Request of a sweep: plans compiled to visits, the text, the probe, and the digest that identifies it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.find import opener
from engine.errors import PlanError, UsageError, shown
from engine.inference.wavefront.visits import Step, Visits, base_visits, visits_of
from engine.numbers.intervals import MIN_SEQUENCES
from engine.plan.check import check_plan
from engine.store.keys import MeasurementKey
from engine.store.plan_measurements import PROBE
from engine.store.sweeps import StoredPlan, StoredSweep
from engine.tasks.measurement import MeasurementContext
from engine.tasks.measurement_options import MeasurementOptions, options_from
from engine.text.corpus import Split
from engine.text.probe import Probe, read_probe


def visits_text(visits: Iterable[Step]) -> str:
    """Return the name of visits in the store, equal for plans that compute the same."""
    runs = groupby(enumerate(visits), key=lambda pair: (pair[1].layer - pair[0], pair[1].scale))
    return " ".join(_run_text([step for _, step in run]) for _, run in runs)


def _run_text(steps: list[Step]) -> str:
    first, last = steps[0], steps[-1]
    layers = str(first.layer) if first == last else f"{first.layer}-{last.layer}"
    return layers if first.scale == 1 else f"{layers}*{first.scale!r}"


TOP = 3
"""Default number of the best plans that are evaluated on held-out text."""


@dataclass(frozen=True)
class SweepSpec:
    """One sweep."""

    checkpoint: Checkpoint
    options: MeasurementOptions
    """The split does not matter: plans are selected on one and evaluated on the other."""
    space: str
    """Description of the space."""
    visits: Mapping[str, Visits]
    """Visits of every plan by their text, each once."""
    stored: tuple[StoredPlan, ...]
    """The plans of these visits, in the same order."""
    top: int
    early_stop: bool
    probe: Probe | None
    probe_file: Path | None
    memory: int | None
    """Maximum number of bytes to use; None for the free memory."""
    together: int
    """Maximum number of plans at one layer to run as a batch; above 1 the last digits of figures differ."""
    ranks_metrics: bool

    def on(self, split: Split) -> MeasurementContext:
        return MeasurementContext(self.checkpoint, self.options.of_split(split))

    @cached_property
    def base(self) -> str:
        """Visits of the base, as text."""
        return visits_text(base_visits(self.checkpoint.layer_count))

    @cached_property
    def probe_key(self) -> MeasurementKey | None:
        """Key of the probe, which counts as a text whose tokens are the items."""
        if self.probe is None:
            return None
        items = len(self.probe.items)
        return replace(
            self.on(Split.SELECTION).key, text_sha256=self.probe.sha256, split=PROBE, tokens=items, seq_len=0
        )

    @cached_property
    def sweep(self) -> StoredSweep:
        """Return the sweep as a row of the store."""
        selection, heldout = self.on(Split.SELECTION), self.on(Split.HELDOUT)
        keys = [key and asdict(key) for key in (selection.key, heldout.key, self.probe_key)]
        identity = [*keys, [[plan.name, plan.visits] for plan in self.stored], self.top, self.early_stop]
        return StoredSweep(
            sha256=hashlib.sha256(json.dumps(identity).encode()).hexdigest(),
            reference=self.checkpoint.reference,
            space=self.space,
            corpus=selection.corpus.name,
            selection=selection.key,
            heldout=heldout.key,
            plans=self.stored,
            top=self.top,
            early_stop=self.early_stop,
            probe_key=self.probe_key,
            probe=self.probe.name if self.probe else None,
        )


def read_sweep_spec(request: Mapping[str, Any]) -> SweepSpec:
    """Read a request: {"model", "reference", "space", "plans": [{"name", "text", "block", "scale"}, ...]}, the
    measurement options, and optionally "top", "early_stop", "probe" (a file), "memory" (bytes), "together" and
    "metrics".

    Of plans with equal visits only the first is kept. Raises PlanError, naming the plan, for one that cannot be swept.
    """
    checkpoint = open_checkpoint(Path(request["model"]), request.get("reference", ""))
    options = options_from(request)
    early_stop = bool(request.get("early_stop", False))
    if early_stop:
        _require_looks(options)
    compiled_plans = dict(_compiled(checkpoint, request["plans"]))
    if not compiled_plans:
        raise UsageError("there is nothing to sweep", why="there is no plan")
    return SweepSpec(
        checkpoint=checkpoint,
        options=options,
        space=request["space"],
        visits={text: visits for text, (visits, _) in compiled_plans.items()},
        stored=tuple(plan for _, plan in compiled_plans.values()),
        top=_at_least_one(request.get("top", TOP), "of the best plans cannot be evaluated"),
        early_stop=early_stop,
        probe=read_probe(Path(request["probe"])) if request.get("probe") else None,
        probe_file=Path(request["probe"]).absolute() if request.get("probe") else None,
        memory=request.get("memory"),
        together=_at_least_one(request.get("together", 1), "plans cannot be run together"),
        ranks_metrics=bool(request.get("metrics", True)),
    )


def _compiled(
    checkpoint: Checkpoint, plans: list[Mapping[str, Any]]
) -> Iterator[tuple[str, tuple[Visits, StoredPlan]]]:
    """Yield the visits of each plan, as text, with the plan."""
    open_other = opener()
    known = set()

    def opened(reference: str) -> Checkpoint:
        return checkpoint if reference == checkpoint.reference else _same(checkpoint, open_other(reference))

    for plan in plans:
        try:
            visits = visits_of(check_plan(plan["text"], opened).require_stack())
        except PlanError as error:
            raise PlanError(f"{shown(plan['name'])}: {error.what}", why=error.why, fix=error.fix) from error
        text = visits_text(visits)
        if text not in known:
            known.add(text)
            start, end = plan.get("block") or (None, None)
            yield text, (visits, StoredPlan(plan["name"], text, plan["text"], start, end, plan.get("scale", 1.0)))


def _same(checkpoint: Checkpoint, other: Checkpoint) -> Checkpoint:
    """Return `checkpoint` if `other` is the same model under another reference, such as its path; else `other`."""
    return checkpoint if other.directory.resolve() == checkpoint.directory.resolve() else other


def _require_looks(options: MeasurementOptions) -> None:
    if options.tokens // options.seq_len <= MIN_SEQUENCES:
        raise UsageError(
            "there is nothing to stop early",
            why=f"a plan is looked at after {MIN_SEQUENCES} sequences for the first time, and no more were requested",
            fix=f"Ask for more text, such as --tokens {4 * MIN_SEQUENCES * options.seq_len}.",
        )


def _at_least_one(count: int, refusal: str) -> int:
    if count < 1:
        raise UsageError(f"{count} {refusal}", fix="Ask for 1 or more.")
    return count
