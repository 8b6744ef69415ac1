"""Results of the functions of dlec: small frozen dataclasses that notebooks show as tables."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import MachineError
from engine.units import plural

if TYPE_CHECKING:
    from pandas import DataFrame

Verdict = Literal["better", "worse", "no difference", "inconclusive", "not finite"]
"""Conclusion from a 95 % interval of the difference in NLL: "inconclusive" if the baseline failed its check,
"not finite" if a model produced NaN or infinity."""

_MOST_ROWS = 200
"""Maximum number of rows of an HTML table."""


class Result(ABC):
    """A result with rows: `to_frame()` for pandas, an HTML table for notebooks."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """Return the result as one line of text."""

    @abstractmethod
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the rows of the table; all have the same keys."""

    def to_frame(self) -> "DataFrame":
        """Return the rows as a pandas DataFrame. Raises MachineError when pandas is not installed."""
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise MachineError("pandas is not installed", fix="Install it: pip install pandas") from error
        return DataFrame([*self.rows()])

    def _repr_html_(self) -> str:
        return "\n".join(_html(self.summary, self.rows()))


def _html(caption: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"<table><caption>{escape(caption)}</caption>"
    if rows:
        yield f"<thead><tr>{''.join(f'<th>{escape(name)}</th>' for name in rows[0])}</tr></thead>"
    yield "<tbody>"
    for row in rows[:_MOST_ROWS]:
        yield f"<tr>{''.join(f'<td>{escape(_cell(value))}</td>' for value in row.values())}</tr>"
    yield "</tbody></table>"
    if len(rows) > _MOST_ROWS:
        yield f"<p>{len(rows) - _MOST_ROWS:,} more rows: to_frame()</p>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _row(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass in order."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a plan."""

    rule: str
    """Name of the rule, e.g. "layer-range"; see docs/rules.md."""
    severity: Literal["error", "warning", "note"]
    message: str
    fix: str
    """Suggested fix; may be empty."""
    line: int | None
    """Line in the plan, counted from 1; None for the plan as a whole."""
    column: int | None


@dataclass(frozen=True)
class Check(Result):
    """Result of checking a plan against the headers of its checkpoints."""

    ok: bool
    """True if the plan can be merged and previewed."""
    problems: tuple[Problem, ...]
    layers: int | None
    """Number of layers of the new model; None if the plan cannot be compiled, like `parameters` and `nbytes`."""
    parameters: int | None
    nbytes: int | None
    """Total size of the tensors as written, in bytes."""

    @property
    def summary(self) -> str:
        severities = [problem.severity for problem in self.problems]
        totals = ", ".join(plural(severities.count(kind), kind) for kind in ("error", "warning", "note"))
        return f"{self.layers} layers, {self.parameters:,} parameters; {totals}" if self.parameters else totals

    def rows(self) -> list[dict[str, Any]]:
        return [asdict(problem) for problem in self.problems]


@dataclass(frozen=True)
class Merge(Result):
    """A finished merge."""

    out: Path
    nbytes: int
    """Total size of the shards in bytes, headers included."""
    seconds: float
    """Duration of the merge, load check included."""
    shards: int
    tensors_copied: int
    tensors_computed: int
    """Number of tensors that were scaled or cast."""
    load_check: Literal["passed", "skipped", "not possible"]
    """Result of opening the checkpoint with transformers."""

    @property
    def summary(self) -> str:
        return f"{self.out}: {self.nbytes:,} bytes in {plural(self.shards, 'shard')}, load check {self.load_check}"

    def rows(self) -> list[dict[str, Any]]:
        return [_row(self)]


@dataclass(frozen=True, slots=True)
class Sample:
    """Text of a measurement."""

    corpus: str
    """Name of the text."""
    split: Literal["selection", "heldout"]
    tokens: int
    sequences: int
    dtype: str
    """Name of the torch dtype of the computation."""
    from_store: bool
    """True if all results were already in the store."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Statistics of one layer, averaged over all tokens; None if undefined."""

    layer: int
    block_influence: float | None
    """1 - cosine similarity of the layer's input and output."""
    relative_update: float | None
    """Norm of (output - input) divided by the norm of the input."""
    update_norm: float | None
    input_norm: float | None


@dataclass(frozen=True)
class Profile(Result):
    """Result of one forward pass over a text."""

    model: str
    layers: tuple[Layer, ...]
    sample: Sample

    @property
    def summary(self) -> str:
        return f"{self.model}: {len(self.layers)} layers, {self.sample.tokens:,} tokens of {self.sample.corpus}"

    def rows(self) -> list[dict[str, Any]]:
        return [asdict(layer) for layer in self.layers]


@dataclass(frozen=True)
class Preview(Result):
    """A plan compared with its base on the same text, paired token by token."""

    verdict: Verdict
    base_nll: float | None
    """Negative log-likelihood in nats per token; None if NaN or infinity was computed, like the figures below."""
    plan_nll: float | None
    delta_nll: float | None
    """Plan minus base, nats per token; lower is better."""
    interval95: tuple[float, float] | None
    """95 % interval of delta_nll over sequences."""
    kl: float | None
    """KL divergence from base to plan, nats per token."""
    top1_agreement: float | None
    """Share of tokens with the same most likely next token: 0 to 1."""
    base_findings: tuple[str, ...]
    """Reasons why the base predicts worse than expected; empty if it passed its check."""
    sample: Sample

    @property
    def summary(self) -> str:
        if self.delta_nll is None or self.interval95 is None:
            return "a model computed NaN or infinity"
        low, high = self.interval95
        return f"{self.verdict}: {self.delta_nll:+.4f} nats per token ({low:+.4f} to {high:+.4f})"

    def rows(self) -> list[dict[str, Any]]:
        shared = {"verdict": self.verdict, "base_nll": self.base_nll, "plan_nll": self.plan_nll}
        low, high = self.interval95 or (None, None)
        interval = {"delta_nll": self.delta_nll, "low": low, "high": high}
        return [{**shared, **interval, "kl": self.kl, "top1_agreement": self.top1_agreement}]


@dataclass(frozen=True, slots=True)
class SweptPlan:
    """A plan of a sweep, measured on the selection set; figures are None if its evaluation was stopped early."""

    name: str
    start: int | None
    """First layer of the repeated block; None for a plan that is not the repetition of one block."""
    end: int | None
    """First layer after the block."""
    scale: float
    delta_nll: float | None
    """Plan minus base, nats per token."""
    low: float | None
    """Lower end of the 95 % interval of delta_nll."""
    high: float | None
    kl: float | None
    holm_p: float | None
    """p-value, adjusted for all plans of the sweep (Holm)."""


@dataclass(frozen=True, slots=True)
class HeldOutPlan:
    """A plan of the shortlist, measured again on held-out text."""

    name: str
    selection_delta_nll: float
    """Plan minus base on the selection set, nats per token; biased, because it selected the plan."""
    delta_nll: float | None
    """Plan minus base on held-out text, nats per token."""
    low: float | None
    high: float | None
    holm_p: float | None
    """p-value, adjusted for all plans of the shortlist (Holm)."""
    verdict: Verdict | None


@dataclass(frozen=True)
class Sweep(Result):
    """Plans measured in one computation, and the best of them on held-out text."""

    number: int
    """Number of the sweep in the store: `dlec sweep report NUMBER`."""
    plans: tuple[SweptPlan, ...]
    shortlist: tuple[HeldOutPlan, ...]
    """The best plans on the selection set, best first."""
    best_by_chance: float | None
    """Expected best delta_nll of as many plans without any effect, nats per token."""
    winner: str | None
    """Text of the best plan on the selection set."""
    base_findings: tuple[str, ...]
    sample: Sample

    @property
    def summary(self) -> str:
        best = f"; best on the selection set: {self.shortlist[0].name}" if self.shortlist else ""
        return f"sweep {self.number}: {len(self.plans)} plans{best}"

    def rows(self) -> list[dict[str, Any]]:
        return [asdict(plan) for plan in self.plans]


@dataclass(frozen=True, slots=True)
class ChangedTensor:
    """One tensor of B against its counterpart in A. Shares are of 1; None is a value without a meaning."""

    name: str
    """Name in B."""
    base_name: str
    layer: int | None
    """Layer of B; None outside the layers."""
    base_layer: int | None
    type: str
    """Type of the tensor, e.g. "self_attn.q_proj"."""
    group: str
    """ "originals", "first copies", ...; "" where no layer is repeated."""
    elements: int
    relative: float | None
    """rms over base_rms."""
    base_rms: float | None
    """Root mean square of A's tensor."""
    rms: float | None
    """Root mean square of the difference."""
    max: float | None
    """Largest magnitude of the difference."""
    cosine: float | None
    identical: float
    """Share of elements that are equal bit by bit."""
    sign_flips: float
    factor: float
    """Scale that the plan gives A's tensor."""
    fit: float | None
    """Factor by which A's tensor fits B best."""
    not_finite: int
    rows_left: int
    stable_rank: float | None
    effective_rank: float | None
    energy: tuple[float, ...]


@dataclass(frozen=True)
class Diff(Result):
    """Result of comparing B with A."""

    a: str
    b: str
    pair: Literal["position", "plan", "copies"]
    layers: int
    """Number of layers of B."""
    tensors: tuple[ChangedTensor, ...]
    unpaired: tuple[str, ...]
    """Tensors that were not compared, with the reason."""
    notes: tuple[str, ...]

    @property
    def summary(self) -> str:
        same = sum(tensor.identical == 1 for tensor in self.tensors)
        return f"{self.b} against {self.a}: {plural(len(self.tensors), 'tensor')} compared, {same:,} bit-identical"

    def rows(self) -> Sequence[Mapping[str, Any]]:
        return [_row(tensor) for tensor in self.tensors]


@dataclass(frozen=True, slots=True)
class LayerOrigin:
    """Origin of one layer."""

    layer: int
    model: str | None
    """Reference of its base; None if no base has a layer that correlates."""
    base_layer: int | None
    scales: Mapping[str, float]
    """Factor of each zeroed or scaled tensor, by its name within the layer."""
    evidence: Literal["identical", "partly identical", "correlation", "none"]
    cosine: float
    margin: float
    """Distance of the cosine to that of the next best layer."""
    changed: tuple[str, ...]
    """Names within the layer of tensors that are neither copied nor scaled."""


@dataclass(frozen=True)
class Origin(Result):
    """Layers that a model was stacked from."""

    model: str
    plan: str | None
    """Text of a plan that makes the model again; None if a layer has no origin."""
    exact: bool
    """True if the plan gives every tensor byte for byte."""
    layers: tuple[LayerOrigin, ...]
    changed: tuple[str, ...]
    """Names of tensors outside the layers that correlate with a base's, but are not identical."""
    unexplained: tuple[str, ...]
    """Names of tensors that no base holds."""

    @property
    def summary(self) -> str:
        explained = sum(layer.base_layer is not None for layer in self.layers)
        return f"{self.model}: {explained} of {plural(len(self.layers), 'layer')} have an origin"

    def rows(self) -> Sequence[Mapping[str, Any]]:
        return [_row(layer) for layer in self.layers]
