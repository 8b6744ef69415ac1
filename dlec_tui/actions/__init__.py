"""Everything that a key does, as data: one file for each part of the screen.

Bindings, footer, palette, help and the documentation of keys are made from it, and from nothing else.
"""
