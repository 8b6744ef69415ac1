"""Profile of a checkpoint, from one forward pass over a text, kept in the store."""

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.protocol import Report
from engine.store.database import open_for_reading, open_for_writing, transaction
from engine.store.models import save_model
from engine.store.neurons import NeuronStatistics
from engine.store.profiles import (
    BlockAngle,
    LayerHistogram,
    LayerStatistics,
    ProfileRows,
    find_layers,
    find_profile,
    save_profile,
)
from engine.tasks.measurement import MeasurementContext, measurement_context, model_row, store_sample
from engine.tasks.resident import model_of, sequences_of, tokenizer_of

if TYPE_CHECKING:
    from engine.inference.profile import NeuronFigures, Profile


def run(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"model", "reference"} and the measurement options.

    Answer: "layers" (the fields of LayerStatistics for each; null if unknown) and the keys of
    MeasurementContext.described. Raises whatever opening and running the model raises; then nothing is stored.
    """
    context = measurement_context(request)
    with closing(open_for_reading(context.store)) as connection:
        is_stored = find_profile(connection, context.key) is not None
    if not is_stored:
        _store_profile(context, report)
    with closing(open_for_reading(context.store)) as connection:
        layers = find_layers(connection, context.key)
    return context.described(is_stored=is_stored) | {"layers": [_known(layer) for layer in layers]}


def _store_profile(context: MeasurementContext, report: Report) -> None:
    context.require_writable_store()
    store_sample(context)
    rows = _rows(_measured(context, report))
    with closing(open_for_writing(context.store)) as db, transaction(db):
        save_model(db, model_row(context.checkpoint))
        save_profile(db, context.key, rows)


def _measured(context: MeasurementContext, report: Report) -> "Profile":
    from engine.inference.profile import profile_model

    checkpoint, options = context.checkpoint, context.options
    sequences = sequences_of(checkpoint, options)
    model = model_of(checkpoint, options)
    return profile_model(model, tokenizer_of(checkpoint), sequences, options.batch_size, report)


def _rows(profile: "Profile") -> ProfileRows:
    return ProfileRows(
        layers=[LayerStatistics(**asdict(layer)) for layer in profile.layers],
        angles=[BlockAngle(start, end, angle) for (start, end), angle in profile.angular_distance.items()],
        neurons=(row for layer, neurons in enumerate(profile.neurons) for row in _neuron_rows(layer, neurons)),
        histograms=[
            LayerHistogram(layer, neurons.histogram.low, neurons.histogram.high, tuple(neurons.histogram.counts))
            for layer, neurons in enumerate(profile.neurons)
            if neurons.histogram
        ],
    )


def _neuron_rows(layer: int, neurons: "NeuronFigures") -> Iterator[NeuronStatistics]:
    figures = (
        *(neurons.mean, neurons.variance, neurons.peak, neurons.peak_sequence, neurons.peak_position),
        *(neurons.peak_context, neurons.share_active),
    )
    for neuron, row in enumerate(zip(*figures, strict=True)):
        yield NeuronStatistics(layer, neuron, neurons.count, *row)


def _known(layer: LayerStatistics) -> dict[str, Any]:
    return {name: None if math.isnan(value) else value for name, value in asdict(layer).items()}
