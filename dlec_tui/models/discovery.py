"""Finds models: those that the store knows, paths and hub ids that were added, directories here, the hub cache.

For the screen's list and for `dlec models`. Opens headers alone; asks no network.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from dlec_tui.models.listing import FoundModel, Origin
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import cached_references, locate, looked_at, opener, reference_to
from engine.checkpoint.fingerprint import fingerprint
from engine.checkpoint.reference import is_hub_id
from engine.checkpoint.summary import ModelSummary, summary_of
from engine.errors import DlecError, UsageError
from engine.files import expanded
from engine.store.database import open_for_reading
from engine.store.models import ModelRow, all_models
from engine.store.profiles import StoredProfile, profiles_of

Stops = Callable[[], bool]
"""Returns True if the search was cancelled."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model of the store, and how often it was profiled."""

    row: ModelRow
    profiles: tuple[StoredProfile, ...]
    """The newest first."""


def known_models(store: Path) -> tuple[KnownModel, ...]:
    """Models of the store, latest first. Raises MachineError if the store cannot be read."""
    with closing(open_for_reading(store)) as connection:
        return tuple(KnownModel(row, profiles_of(connection, row.fingerprint)) for row in all_models(connection))


def search(
    known: Sequence[KnownModel],
    added: Sequence[str],
    described: Mapping[str, ModelSummary],
    current_directory: Path,
    stops: Stops,
) -> Iterator[FoundModel]:
    """Every model, each directory once, the ones that the user is likely to want first.

    described: what is known of hub ids that are not here.
    """
    seen: set[Path | str] = set()
    for origin, reference in _references(known, added, current_directory, stops):
        if stops():
            return
        place = place_of(reference)
        if place not in seen:
            seen.add(place)
            yield entry_of(reference, origin, known, described)


def entry_of(
    reference: str, origin: Origin, known: Sequence[KnownModel], described: Mapping[str, ModelSummary]
) -> FoundModel:
    """Entry of a model, with its problem if it cannot be opened."""
    try:
        checkpoint = opener()(reference)
    except DlecError as error:
        return _unopened(reference, origin, known, described, error)
    same = _recorded_as(checkpoint, known)
    return FoundModel(summary_of(checkpoint), origin, is_here=True, profiles=same.profiles if same else ())


def summarised(reference: str) -> ModelSummary:
    """The figures of one checkpoint; its problem where it cannot be opened."""
    try:
        return summary_of(opener()(reference))
    except DlecError as error:
        return ModelSummary(reference, problem=error.line)


def from_data(data: Mapping[str, Any]) -> dict[str, ModelSummary]:
    """Summaries from `as_data`, limited to known fields."""
    names = [field.name for field in fields(ModelSummary)]
    return {
        reference: ModelSummary(**{name: summary[name] for name in names if name in summary})
        for reference, summary in data.items()
    }


def _references(
    known: Sequence[KnownModel], added: Sequence[str], current_directory: Path, stops: Stops
) -> Iterator[tuple[Origin, str]]:
    """References to models, some of them repeated; ends early after cancellation."""
    yield from ((Origin.ADDED, reference) for reference in added if not _is_directory(reference))
    yield from ((Origin.STORE, each.row.reference) for each in known)
    for root in (*(expanded(reference) for reference in added if _is_directory(reference)), current_directory):
        for directory, is_checkpoint in looked_at(root):
            if stops():
                return
            if is_checkpoint:
                reference = reference_to(directory)
                is_cached = reference != str(directory)
                yield (
                    Origin.CACHE if is_cached else Origin.HERE if root == current_directory else Origin.ADDED,
                    reference,
                )
    yield from ((Origin.CACHE, reference) for reference in _cached())


def _cached() -> Iterator[str]:
    """Cached models; none if no cache directory is configured, which opening a hub id reports."""
    try:
        yield from cached_references()
    except UsageError:
        return


def _is_directory(reference: str) -> bool:
    try:
        return expanded(reference).is_dir()
    except (UsageError, ValueError, OSError):  # no home directory, or no path at all
        return False


def place_of(reference: str) -> Path | str:
    """Key that is equal for all references to one directory."""
    try:
        directory = locate(reference)
    except DlecError:
        return reference
    return directory.resolve() if directory else reference


def _recorded_as(checkpoint: Checkpoint, known: Sequence[KnownModel]) -> KnownModel | None:
    """Row of this checkpoint in the store; weights are read only if a row has the same size."""
    figures = (checkpoint.layer_count, checkpoint.parameters, checkpoint.nbytes)
    alike = [each for each in known if (each.row.layers, each.row.parameters, each.row.nbytes) == figures]
    if not alike:
        return None
    try:
        own = fingerprint(checkpoint)
    except DlecError:
        return None
    return next((each for each in alike if each.row.fingerprint == own), None)


def _unopened(
    reference: str,
    origin: Origin,
    known: Sequence[KnownModel],
    described: Mapping[str, ModelSummary],
    error: DlecError,
) -> FoundModel:
    """A hub id whose headers were read, a model whose directory is gone, or one that is broken.

    A hub id that cannot be opened is not here: of many models the cache has the config alone.
    """
    is_here = _is_directory(reference)
    if not is_here and reference in described:
        return FoundModel(described[reference], origin, is_here=False)
    recorded = next((each for each in known if each.row.reference == reference), None)
    if recorded and not is_here:
        return FoundModel(_remembered(recorded.row), origin, is_here=False, profiles=recorded.profiles)
    return FoundModel(ModelSummary(reference, problem=error.line), origin, is_here=is_here)


def _remembered(row: ModelRow) -> ModelSummary:
    """Summary of a model whose files are gone."""
    problem = "not downloaded" if is_hub_id(row.reference) else "its directory is gone; the measurements are kept"
    return ModelSummary(
        row.reference,
        row.model_type or None,
        row.layers,
        row.hidden_size,
        row.parameters,
        row.nbytes,
        problem=problem,
    )
