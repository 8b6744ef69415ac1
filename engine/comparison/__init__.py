"""Comparison of stored weights with numpy, streamed from the files: no model is opened and torch is not loaded."""
