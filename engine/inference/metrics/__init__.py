"""Metrics of blocks that cost more than a profile, one module each: `measure`, with formula, units, cost and source.

The table of metrics is `engine.tasks.score.METRICS`.
"""
