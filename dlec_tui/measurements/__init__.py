"""Measurements of a model: reading, charts, view state, and job specs for more."""
