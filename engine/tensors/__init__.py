"""Arithmetic on tensors, with torch: the one arithmetic that preview and merge share."""
