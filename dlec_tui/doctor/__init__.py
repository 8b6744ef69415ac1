"""Checks of `dlec doctor`, one file each. Pure functions decide about what `look` has read."""
