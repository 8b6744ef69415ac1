"""Rows to put into a store."""

import random
from dataclasses import replace

from engine.store.keys import MeasurementKey
from engine.store.models import ModelRow
from engine.store.neurons import NeuronStatistics
from engine.store.profiles import BlockAngle, LayerHistogram, LayerStatistics, ProfileRows

KEY = MeasurementKey("f00d", "c0de", "7e47", "selection", 4096, 256, "float32", "torch 2, transformers 5, metrics 1")
OTHER_KEY = replace(KEY, split="heldout")
MODEL = ModelRow("f00d", "models/tiny", "llama", 4, 32, 12345, 24690)


def layer_rows(layers=4):
    return [LayerStatistics(layer, layer / 10, 0.5, 2.0, 4.0) for layer in range(layers)]


def angle_rows(layers=4):
    return [BlockAngle(i, j, (j - i) / layers) for i in range(layers) for j in range(i + 1, layers + 1)]


def neuron_rows(layers=4, width=10, seed=0):
    """Neurons with figures drawn from few values, so that there are ties."""
    rng = random.Random(seed)
    for layer in range(layers):
        for neuron in range(width):
            sequence, position = rng.randrange(4), rng.randrange(64)
            figures = (rng.randrange(3), rng.randrange(-2, 3) / 4, rng.random(), rng.randrange(-5, 6) / 2)
            context = f"the text at {sequence}, {position}"
            yield NeuronStatistics(layer, neuron, *figures, sequence, position, context, rng.randrange(5) / 4)


def profile_rows(layers=4, width=10):
    histograms = [LayerHistogram(layer, -1.0, 1.0, (1, 2, 3)) for layer in range(layers)]
    return ProfileRows(layer_rows(layers), angle_rows(layers), neuron_rows(layers, width), histograms)
