"""All measurements of one model, for the activations pane. Reads only the store."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dlec_tui.charts import Curve
from dlec_tui.measurements.plots import BlockMap, angle_maps, profile_curves, score_curves, score_maps
from engine.checkpoint.find import locate, opener
from engine.checkpoint.fingerprint import fingerprint
from engine.errors import DlecError
from engine.store.comparisons import Comparison, comparisons_of
from engine.store.connection import StoreConnection
from engine.store.database import open_for_reading
from engine.store.keys import MeasurementKey
from engine.store.models import ModelRow, all_models
from engine.store.neurons import count_neurons
from engine.store.profiles import (
    BlockAngle,
    LayerHistogram,
    LayerStatistics,
    find_angles,
    find_histograms,
    find_layers,
    profiles_of,
)
from engine.store.scores import Score, find_scores, scored_keys, scored_metrics
from engine.store.sweeps import find_swept_blocks, swept_keys
from engine.text.corpus import Split


@dataclass(frozen=True)
class Measured:
    """Measurements on one split of one text."""

    key: MeasurementKey
    measured_at: str
    """Time of the profile in UTC; "" if only scores were measured."""
    layers: tuple[LayerStatistics, ...]
    angles: tuple[BlockAngle, ...]
    histograms: tuple[LayerHistogram, ...]
    neurons: int
    """Number of neurons with statistics."""
    scores: tuple[Score, ...]

    @property
    def text(self) -> str:
        """Measured text in words."""
        key = self.key
        return f"{key.tokens:,} tokens of the {Split(key.split).label} ({key.text_sha256[:8]}), {key.dtype}"

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """Metrics of the profile, then scores that cover enough of the model."""
        return (*profile_curves(self.layers), *score_curves(self.scores))

    @cached_property
    def maps(self) -> tuple[BlockMap, ...]:
        """Angular distances, then scores of longer blocks."""
        return (*angle_maps(self.angles), *score_maps(self.scores))


_NOTHING = Measured(MeasurementKey("", "", "", Split.SELECTION, 0, 0, "", ""), "", (), (), (), 0, ())
"""Measurements of a model that was only compared."""


@dataclass(frozen=True)
class MeasuredModel:
    """One model and its measurements."""

    reference: str
    layers: int
    measured_texts: tuple[Measured, ...]
    """Measured texts: profiles first, newest first."""
    comparisons: tuple[Comparison, ...] = ()
    """Comparisons with other checkpoints, newest first."""

    @property
    def texts(self) -> tuple[Measured, ...]:
        """Measured texts; never empty."""
        return self.measured_texts or (_NOTHING,)


def read_measured(store: Path, reference: str) -> MeasuredModel | None:
    """None where nothing was measured of the model as it is now; opens the headers and windows of its weights.

    A model that is not here is known by its reference. Raises MachineError for a store that cannot be read.
    """
    own = _own_fingerprint(reference)
    with closing(open_for_reading(store)) as connection:
        row = next((row for row in all_models(connection) if _is(row, reference, own)), None)
        texts = tuple(_texts(connection, row.fingerprint)) if row else ()
        known = own or (row.fingerprint if row else None)
        comparisons = comparisons_of(connection, known) if known else ()
    if not (texts or comparisons):
        return None
    return MeasuredModel(reference, row.layers if row else comparisons[0].layers, texts, comparisons)


def _own_fingerprint(reference: str) -> str | None:
    """Fingerprint of the model; None if it is not on this disk or cannot be opened."""
    try:
        return fingerprint(opener()(reference)) if locate(reference) else None
    except DlecError:
        return None


def _is(row: ModelRow, reference: str, own: str | None) -> bool:
    return row.fingerprint == own if own else row.reference == reference


def _texts(connection: StoreConnection, of: str) -> Iterator[Measured]:
    profiles = {profile.key: profile.measured_at for profile in profiles_of(connection, of)}
    others = dict.fromkeys([*scored_keys(connection, of), *swept_keys(connection, of)])
    for key in (*profiles, *(key for key in others if key not in profiles)):
        yield Measured(
            key=key,
            measured_at=profiles.get(key, ""),
            layers=find_layers(connection, key),
            angles=find_angles(connection, key),
            histograms=find_histograms(connection, key),
            neurons=count_neurons(connection, key),
            scores=tuple(_scores(connection, key)),
        )


def _scores(connection: StoreConnection, key: MeasurementKey) -> Iterator[Score]:
    for metric in scored_metrics(connection, key):
        yield from find_scores(connection, key, metric)
    yield from find_swept_blocks(connection, key)
