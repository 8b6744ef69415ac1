"""What the store knows of each model, put together for the screen. Reads with the standard library alone."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dlec_tui.charts import Curve
from dlec_tui.measurements.curves import profile_curves, score_curves
from engine.store.connection import StoreConnection
from engine.store.database import open_for_reading
from engine.store.keys import ProfileKey
from engine.store.models import ModelRow, all_models
from engine.store.previews import PreviewResult, all_plans, all_previews
from engine.store.profiles import LayerStatistics, find_layers, profiles_of
from engine.store.scores import Score, find_scores, scored_metrics
from engine.tasks.occasion import JOINT


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A plan that was tried, and what came out."""

    plan_text: str
    result: PreviewResult

    @property
    def title(self) -> str:
        """The plan's first comment, which says what it does; its hash where it has none."""
        first = self.plan_text.partition("\n")[0]
        return first.lstrip("# ") if first.startswith("#") else f"plan {self.result.plan_sha256[:8]}"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One model, its newest profile, and everything that was tried on it."""

    row: ModelRow
    profile: ProfileKey | None
    """None when it has not been profiled."""
    layers: tuple[LayerStatistics, ...]
    """Empty without a profile."""
    scores: tuple[Score, ...]
    """On the text of the profile."""
    results: tuple[StoredResult, ...]
    """The least harmful first."""

    @property
    def name(self) -> str:
        """The last part of its path or hub id."""
        return Path(self.row.reference).name or self.row.reference

    @property
    def curves(self) -> tuple[Curve, ...]:
        """The profile's metrics, then each score and width that covers enough of the model."""
        return (*profile_curves(self.layers), *score_curves(self.scores))

    def score_of(self, metric: str, layer: int) -> float | None:
        """Of this one layer; None when it was not measured."""
        found = (
            score.value for score in self.scores if (score.metric, score.start, score.end) == (metric, layer, layer + 1)
        )
        return next(found, None)


def read_models(store: Path) -> tuple[StoredModel, ...]:
    """Every model, the one recorded last first. Raises MachineError for a store that cannot be read."""
    with closing(open_for_reading(store)) as connection:
        texts = {plan.plan_sha256: plan.text for plan in all_plans(connection)}
        previews = sorted(all_previews(connection), key=lambda each: each.delta_nll)
        results = [StoredResult(texts.get(each.plan_sha256, ""), each) for each in previews]
        return tuple(_stored_model(connection, row, results) for row in all_models(connection))


def _stored_model(connection: StoreConnection, row: ModelRow, results: Iterable[StoredResult]) -> StoredModel:
    profiles = profiles_of(connection, row.fingerprint)
    key = profiles[0].key if profiles else None
    return StoredModel(
        row=row,
        profile=key,
        layers=find_layers(connection, key) if key else (),
        scores=tuple(_scores(connection, key)) if key else (),
        results=tuple(each for each in results if row.fingerprint in each.result.key.fingerprint.split(JOINT)),
    )


def _scores(connection: StoreConnection, key: ProfileKey) -> Iterator[Score]:
    for metric in scored_metrics(connection, key):
        yield from find_scores(connection, key, metric)
