"""Models as the list shows them: columns, details, filter and possible actions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlec_tui.terminal.glyphs import GLYPHS
from engine.checkpoint.reference import directory_name, is_hub_id
from engine.errors import UsageError, shown
from engine.text.corpus import Split
from engine.units import byte_size, count, plural

if TYPE_CHECKING:
    from engine.checkpoint.summary import ModelSummary
    from engine.store.profiles import StoredProfile


class Origin(StrEnum):
    """Why a model is on the list."""

    STORE = "measured"
    ADDED = "added"
    HERE = "here"
    CACHE = "hub cache"


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model of the list."""

    summary: "ModelSummary"
    origin: Origin
    is_here: bool
    """Whether its files are on this machine, broken or not."""
    profiles: "tuple[StoredProfile, ...]" = ()
    """The newest first."""

    @property
    def reference(self) -> str:
        return self.summary.reference

    @property
    def is_usable(self) -> bool:
        """Whether it can be measured and merged."""
        return self.is_here and self.summary.problem is None


def as_data(described: "Mapping[str, ModelSummary]") -> dict[str, Any]:
    """Descriptions from the hub as data for JSON."""
    return {reference: asdict(summary) for reference, summary in described.items()}


_TIED = {True: "tied", False: "separate", None: ""}


@dataclass(frozen=True, slots=True)
class Column:
    """One of the table's."""

    title: str
    width: int
    """Width of the text; 0 takes the remaining columns."""
    is_number: bool = False
    from_columns: int = 0
    """Width of the screen from which on there is room for it."""


NOTHING_FOUND = """\
No models found in this directory, the hub cache or the store.
A model is a directory with config.json and safetensors files.

  a           add a directory or a hub id
  dlec demo   (shell) run all steps on a small model in a few minutes"""

SEARCHING = "Searching the disk for models."

COLUMNS = (
    Column("model", 0),
    Column("family", 10, from_columns=100),
    Column("layers", 6, is_number=True),
    Column("parameters", 13, is_number=True),
    Column("hidden", 6, is_number=True, from_columns=120),
    Column("size", 7, is_number=True),
    Column("dtype", 5, from_columns=120),
    Column("embeddings", 10, from_columns=140),
    Column("attention", 20, from_columns=160),
    Column("state", 13),
)
_LEAST_NAME = 12


def columns_for(width: int) -> tuple[Column, ...]:
    """Columns that fit on a screen of `width` cells."""
    return tuple(column for column in COLUMNS if width >= column.from_columns)


def name_width(columns: Sequence[Column], width: int) -> int:
    """Width of the name column in a table of `width` columns; every cell has a blank on either side."""
    return max(width - sum(column.width + 2 for column in columns), _LEAST_NAME)


def cells(model: FoundModel) -> tuple[str, ...]:
    """One for each of COLUMNS; foreign text is escaped."""
    summary = model.summary
    return (
        shown(name_of(model.reference)),
        shown(summary.architecture or ""),
        str(summary.layers or ""),
        count(summary.parameters) if summary.parameters else "",
        str(summary.hidden_size or ""),
        byte_size(summary.bytes) if summary.bytes else "",
        summary.dtype or "",
        _TIED[summary.tied],
        shown((summary.attention or "").partition(";")[0]),
        state(model),
    )


def name_of(reference: str) -> str:
    """A hub id as it is, of a path its last part or the repository of a hub cache."""
    return reference if is_hub_id(reference) else directory_name(reference)


def state(model: FoundModel) -> str:
    """State in one or two words."""
    if model.summary.problem and model.is_here:
        return f"{GLYPHS.error} broken"
    profiled = f"{GLYPHS.done} profiled" if model.profiles else ""
    if not model.is_here:
        return f"{GLYPHS.done} no weights" if profiled else "no weights"
    return profiled or "not profiled"


def details(model: FoundModel) -> Iterator[str]:
    """All that is known of one, a line each."""
    summary = model.summary
    yield f"{shown(model.reference)}  ({model.origin})"
    if summary.problem:
        yield f"{GLYPHS.error if model.is_here else GLYPHS.warning} {shown(summary.problem)}"
    if summary.layers:
        yield _figures(model)
    yield _what_next(model)
    if summary.attention:
        yield f"attention: {shown(summary.attention)}"


def matches(model: FoundModel, filter_text: str) -> bool:
    """Whether the table row contains every word of `wanted`."""
    text = " ".join((model.reference, *cells(model), model.origin)).lower()
    return all(word in text for word in filter_text.lower().split())


def none_matches(total: int, filter_text: str) -> str:
    """Text if the filter hides all models."""
    return f"None of {plural(total, 'model')} matches {shown(filter_text)!r}.\n\n/ Ctrl+U Enter: show all."


def _figures(model: FoundModel) -> str:
    summary = model.summary
    return f" {GLYPHS.dot} ".join(
        part
        for part in (
            shown(summary.architecture or ""),
            plural(summary.layers or 0, "layer"),
            f"hidden size {summary.hidden_size:,}" if summary.hidden_size else "",
            f"{summary.parameters:,} parameters" if summary.parameters else "",
            byte_size(summary.bytes or 0),
            summary.dtype or "",
            {True: "tied embeddings", False: "separate head", None: ""}[summary.tied],
        )
        if part
    )


def _what_next(model: FoundModel) -> str:
    if model.is_here and model.summary.problem:
        return "this checkpoint cannot be used"
    if model.profiles:
        newest = model.profiles[0]
        key = newest.key
        on = f"{key.tokens:,} tokens of the {Split(key.split).label} in {key.dtype}, {newest.measured_at[:10]}"
        return f"profiled on {on} (Enter: open)"
    if not model.is_here:
        return "d: download" if is_hub_id(model.reference) else "Enter: open its measurements"
    return "not profiled (p: profile every layer and neuron, as a job)"


def reason_against(action: str, model: FoundModel | None, added: Sequence[str]) -> str:
    """Why something cannot be done with a model; "" when it can."""
    if action in _OF_NONE:
        return ""
    if model is None:
        return "no model selected"
    match action:
        case "open_model":
            is_known = model.is_usable or model.profiles or model.summary.layers
            return "" if is_known else f"cannot open the model: {shown(model.summary.problem or '')}"
        case "profile":
            return "" if model.is_usable else _why_unusable(model)
        case "download":
            is_offered = is_hub_id(model.reference) and not model.is_usable
            return "" if is_offered else "the weights are already on this disk"
        case "forget_path":
            is_added = any(leads_to(path, model.reference) for path in added)
            return "" if is_added else f"only added paths can be removed; this model is listed as {model.origin}"
    return ""


_OF_NONE = ("add_path", "filter", "look_again")
"""Actions that need no model."""


def leads_to(added: str, reference: str) -> bool:
    """Whether a model is on the list because of this added path."""
    return added == reference or Path(reference).is_relative_to(added)


def require_addable(path: Path) -> None:
    """Raises UsageError for what is neither a directory nor a hub id, OSError for what cannot be looked at."""
    if not (is_hub_id(str(path)) or path.is_dir()):
        raise UsageError(f"{shown(path)} is neither a directory nor ORG/NAME")


def _why_unusable(model: FoundModel) -> str:
    if model.is_here:
        return f"the checkpoint is broken: {shown(model.summary.problem or '')}"
    return "the weights are not on this disk" + (" (d: download)" if is_hub_id(model.reference) else "")
