"""Actions as data. Key bindings, key line, palette, help and documentation are generated from them.

Bindings, footer, palette, help and the documentation of keys are made from it, and from nothing else.
"""
