"""Metrics by the names of their modules."""

from importlib import import_module

from engine.inference.metrics.block_metric import Measure


def measure_of(name: str) -> Measure:
    measure: Measure = import_module(f"engine.inference.metrics.{name}").measure
    return measure
