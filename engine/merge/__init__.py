"""Writes the checkpoint that a stack describes. No torch, unless a tensor is really scaled or cast."""
