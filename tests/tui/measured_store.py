"""A store with a model of which everything was measured, on both splits of a text."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from dlec_tui.session.state import Session, save_session
from engine.store.database import open_for_writing
from engine.store.keys import MeasurementKey
from engine.store.models import ModelRow, save_model
from engine.store.neurons import NeuronStatistics
from engine.store.profiles import BlockAngle, LayerHistogram, LayerStatistics, ProfileRows, save_profile
from engine.store.scores import Score, save_scores

LAYERS, WIDTH = 12, 40
REFERENCE = "org/Measured-12"
"""Not here: it is known by its reference."""
KEY = MeasurementKey("12", "c0de", "7e477e47", "selection", 4096, 256, "float32", "torch 2, transformers 5, metrics 1")
HELDOUT = replace(KEY, split="heldout")


def angle(start: int, end: int) -> float:
    """Larger for longer blocks, smallest in the middle of the model."""
    return 0.02 * (end - start) + 0.01 * abs(start + end - LAYERS)


def peak(layer: int, neuron: int) -> float:
    """Neuron 7 of layer 5 has the largest."""
    return -900.0 if (layer, neuron) == (5, 7) else (neuron % 7) + layer / 10


def rows() -> ProfileRows:
    return ProfileRows(
        layers=[LayerStatistics(n, 0.1 + abs(n - 6) / 10, 0.2 + n / 20, 1.0, 2.0) for n in range(LAYERS)],
        angles=[BlockAngle(i, j, angle(i, j)) for i in range(LAYERS) for j in range(i + 1, LAYERS + 1)],
        neurons=(neuron_row(layer, neuron) for layer in range(LAYERS) for neuron in range(WIDTH)),
        histograms=[LayerHistogram(n, -8.0, 8.0, tuple(100 - (b - 8) ** 2 for b in range(16))) for n in range(LAYERS)],
    )


def neuron_row(layer: int, neuron: int) -> NeuronStatistics:
    context = f"the moon of layer {layer}" if neuron == 7 else f"some text, {neuron % 3}"
    return NeuronStatistics(layer, neuron, 4096, 0.5, 0.25, peak(layer, neuron), layer, neuron, context, neuron / WIDTH)


def fill_measured(store: Path) -> None:
    with closing(open_for_writing(store)) as db:
        save_model(db, ModelRow("12", REFERENCE, "llama", LAYERS, 64, 1_000_000, 2_000_000))
        save_profile(db, HELDOUT, rows())
        save_profile(db, KEY, rows())
        save_scores(db, KEY, [Score("second_pass", n, n + 1, 0.5 + n / 10, 0.01) for n in range(LAYERS)])
        save_scores(db, KEY, [Score("second_pass", n, n + 4, 1.5 + n / 10, 0.01) for n in range(LAYERS - 3)])
    save_session(store, Session(pane="activations", reference=REFERENCE))
