"""Arithmetic on tensors with torch, shared by preview and merge so that both round alike."""
