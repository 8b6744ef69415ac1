"""Metrics of blocks that cost more than a profile: a file each, with formula, shapes, units, cost and source.

engine.tasks.score.METRICS lists them. Each module has `measure`, see measured.Measure.
"""
