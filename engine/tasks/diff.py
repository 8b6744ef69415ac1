"""Comparison of two checkpoints or plans, tensor by tensor, kept in the store."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.checkpoint.fingerprint import fingerprint
from engine.comparison.pairing import Pair, Pairing, Pairs, copies, groups_of, paired, visited, visited_by_text
from engine.comparison.provenance import Provenance, is_changed, names, provenance_of, stack_on
from engine.comparison.sides import Side, side_of_checkpoint, side_of_stack
from engine.errors import UsageError, machine_error, shown
from engine.files import expanded
from engine.plan.check import check_plan
from engine.plan.plan_file import plan_text_of
from engine.plan.stack import Stack
from engine.protocol import Report
from engine.store.comparisons import (
    Comparison,
    ComparisonKey,
    TensorDifference,
    UnpairedTensor,
    find_comparison,
    save_comparison,
)
from engine.store.database import open_for_reading, open_for_writing
from engine.store.location import store_path
from engine.tasks.download import downloading_opener
from engine.units import plural

if TYPE_CHECKING:
    from engine.comparison.differences import Difference
    from engine.comparison.spectrum import Spectrum

VERSION = 1
"""Version of the formulas; comparisons of other versions are not used."""

_Opener = Callable[[str], Checkpoint]


@dataclass(frozen=True)
class _Operand:
    """One of the two things to compare."""

    reference: str
    checkpoint: Checkpoint | None
    """None for a plan."""
    stack: Stack | None = None
    """The plan itself."""
    plan_text: str = ""

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        return self.stack.checkpoints if self.stack else (self.checkpoint,) if self.checkpoint else ()

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the checkpoint, or of the plan and its checkpoints."""
        if self.checkpoint:
            return fingerprint(self.checkpoint)
        parts = [self.plan_text, *map(fingerprint, self.checkpoints)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def side(self) -> Side:
        if self.stack:
            return side_of_stack(self.stack, self.reference)
        assert self.checkpoint
        return side_of_checkpoint(self.checkpoint)


@dataclass(frozen=True)
class _Question:
    """Two operands and the way to pair them."""

    a: _Operand
    b: _Operand
    pairing: Pairing
    reason: str
    """Why this pairing."""
    origin: Provenance | None
    """The plan that B was made of; None if it is not known."""
    stack: Stack | None
    """The same, compiled on A; None if the pairing does not need it."""
    notes: tuple[str, ...] = ()

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        planned = self.stack.checkpoints if self.stack else ()
        return tuple(dict.fromkeys((*self.a.checkpoints, *self.b.checkpoints, *planned)))

    def pairs(self) -> Pairs:
        """Raises CheckpointError if no tensor has a counterpart."""
        if self.pairing is Pairing.COPIES and self.stack:
            return copies(self.b.side(), self.stack)
        if self.stack:
            return paired(side_of_stack(self.stack, self.a.reference), self.b.side(), groups_of(visited(self.stack)))
        groups = groups_of(visited_by_text(self.origin.text)) if self.origin else {}
        return paired(self.a.side(), self.b.side(), groups)


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"a", "b": references of checkpoints or paths of plans}, and optionally "pair" (a Pairing;
    default: the one that fits), "plan": path of the plan that B was made of, "spectrum": True for ranks,
    "downloads": True to download what is missing, "home": directory of the store.

    Answer: "a", "b", "pair", "reason" of the pairing, "layers" of B, "stored" (True if it was in the store), "notes",
    "pairs" (the fields of TensorDifference for each), "unpaired" (the fields of UnpairedTensor).
    Raises CheckpointError, PlanError, UsageError or MachineError; then nothing is stored.
    """
    question, spectrum = _question(request), bool(request.get("spectrum"))
    for checkpoint in question.checkpoints:
        require_local(checkpoint)
    store = store_path(Path(request["home"]) if request.get("home") else None)
    key = _key(question, spectrum=spectrum)
    with closing(open_for_reading(store)) as connection:
        comparison = find_comparison(connection, key)
    is_stored = comparison is not None
    if comparison is None:
        comparison = _compared(question, key, report, spectrum=spectrum)
        with closing(open_for_writing(store)) as db:
            save_comparison(db, comparison)
    return as_answer(comparison) | {"stored": is_stored, "notes": list(question.notes)}


def as_answer(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON data."""
    return {
        "a": comparison.a_reference,
        "b": comparison.b_reference,
        "pair": comparison.pairing,
        "reason": comparison.pairing_reason,
        "layers": comparison.layers,
        "pairs": [asdict(tensor) for tensor in comparison.tensors],
        "unpaired": [asdict(tensor) for tensor in comparison.unpaired],
    }


def _question(request: Mapping[str, Any]) -> _Question:
    """Open both sides by their headers, and download only once it is known that they can be compared."""
    if not request.get("downloads"):
        return _opened(request, opener())
    question = _opened(request, opener(remote=True))
    if all(checkpoint.is_local for checkpoint in question.checkpoints):
        return question
    question.pairs()
    return _opened(request, downloading_opener())


def _opened(request: Mapping[str, Any], open_checkpoint: _Opener) -> _Question:
    a, b = (_operand(request[name], open_checkpoint) for name in ("a", "b"))
    origin = _origin(b, request.get("plan"))
    pairing, reason = _chosen(request.get("pair"), a, b, origin)
    if pairing is Pairing.POSITION:
        return _Question(a, b, pairing, reason, origin, None)
    base = _base(a)
    if origin is None:
        origin = _origin_by_weights(base, b)
        reason = f"{reason}; {origin.file} say what it was made of"
    stack = stack_on(origin, base, open_checkpoint)
    notes = (f"{shown(a.reference)} has changed since {origin.file} was written",) if is_changed(origin, base) else ()
    return _Question(a, b, pairing, reason, origin, stack, notes)


def _operand(reference: str, open_checkpoint: _Opener) -> _Operand:
    path = expanded(reference)
    if not path.is_file():
        return _Operand(reference, open_checkpoint(reference))
    text = plan_text_of(path)
    return _Operand(reference, None, check_plan(text, open_checkpoint).require_stack(path.name), text)


def _origin(b: _Operand, plan: str | None) -> Provenance | None:
    """Return the plan that B was made of, as far as files say."""
    if plan:
        return Provenance(plan_text_of(Path(plan)), Path(plan).name, {})
    if b.checkpoint is None:
        return Provenance(b.plan_text, Path(b.reference).name, {})
    return provenance_of(b.checkpoint.directory) if b.checkpoint.is_local else None


def _chosen(pairing: str | None, a: _Operand, b: _Operand, origin: Provenance | None) -> tuple[Pairing, str]:
    """Return the pairing and the reason for it."""
    if pairing:
        return Pairing(pairing), "as requested"
    if origin and a.checkpoint and names(origin, a.checkpoint):
        return Pairing.PLAN, f"{origin.file} says that B was made of A"
    layers = a.side().layers, b.side().layers
    if len(set(layers)) == 1:
        return Pairing.POSITION, f"both have {plural(layers[0], 'layer')}"
    return Pairing.PLAN, f"A has {plural(layers[0], 'layer')}, B has {layers[1]}"


def _base(a: _Operand) -> Checkpoint:
    if a.checkpoint is None:
        raise UsageError(
            f"{shown(a.reference)} cannot be the base",
            why="it is a plan, and the pairing needs the checkpoint that B was made of",
            fix="Choose --pair position, or give the checkpoint as A.",
        )
    return a.checkpoint


def _origin_by_weights(base: Checkpoint, b: _Operand) -> Provenance:
    """Ask the weights what B was made of. Raises CheckpointError if they do not say."""
    from engine.comparison.origin import plan_by_weights

    assert b.checkpoint
    require_local(base)
    require_local(b.checkpoint)
    return Provenance(plan_by_weights(b.checkpoint, base), "its weights", {})


def _key(question: _Question, *, spectrum: bool) -> ComparisonKey:
    parts = {
        "version": VERSION,
        "a": question.a.fingerprint,
        "b": question.b.fingerprint,
        "pairing": question.pairing,
        "plan": question.origin.text if question.origin else "",
        "spectrum": spectrum,
    }
    sha256 = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return ComparisonKey(sha256, _files(question))


def _files(question: _Question) -> str:
    """Hash of sizes and times of all weight files: a change that the windows of a fingerprint miss is noticed."""
    files = {tensor.file for checkpoint in question.checkpoints for tensor in checkpoint.tensors.values()}
    try:
        states = [(str(file), *_state(file)) for file in sorted(files)]
    except OSError as error:
        raise machine_error("the weights cannot be read", error) from error
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()


def _state(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _compared(question: _Question, key: ComparisonKey, report: Report, *, spectrum: bool) -> Comparison:
    pairs = question.pairs()
    return Comparison(
        key,
        question.a.reference,
        question.b.reference,
        question.a.fingerprint,
        question.b.fingerprint,
        question.pairing,
        question.reason,
        question.b.side().layers,
        tuple(_differences(pairs.pairs, report, spectrum=spectrum)),
        tuple(UnpairedTensor(*each) for each in pairs.unpaired),
    )


def _differences(pairs: Sequence[Pair], report: Report, *, spectrum: bool) -> Iterator[TensorDifference]:
    from engine.comparison.differences import Workspace, difference  # late: numpy
    from engine.comparison.spectrum import spectrum as spectrum_of

    workspace = Workspace()
    done, total = 0, sum(pair.base.stored.nbytes + pair.weights.stored.nbytes for pair in pairs)
    for pair in pairs:
        report(done, total, shown(pair.weights.stored.name))
        sums = difference(pair, workspace)
        yield _row(pair, sums, spectrum_of(pair) if spectrum and sums.difference_squares else None)
        done += pair.base.stored.nbytes + pair.weights.stored.nbytes


def _row(pair: Pair, sums: "Difference", spectrum: "Spectrum | None") -> TensorDifference:
    return TensorDifference(
        name=pair.weights.stored.name,
        base_name=pair.base.stored.name,
        layer=pair.place.layer,
        base_layer=pair.base.layer,
        type=pair.place.type,
        group=pair.group,
        elements=sums.elements,
        relative=sums.relative,
        base_rms=sums.base_rms,
        rms=sums.rms,
        max=sums.largest if sums.finite else None,
        cosine=sums.cosine,
        identical=sums.identical / sums.elements,
        sign_flips=sums.sign_flips / sums.elements,
        factor=pair.base.factor,
        fit=sums.fit,
        not_finite=sums.elements - sums.finite,
        rows_left=pair.rows_left,
        stable_rank=spectrum.stable_rank if spectrum else None,
        effective_rank=spectrum.effective_rank if spectrum else None,
        energy=spectrum.energy if spectrum else (),
    )
