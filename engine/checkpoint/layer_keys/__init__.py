"""Per-layer keys of config.json, rewritten for a new sequence of layers."""

from engine.checkpoint.layer_keys.edit import ConfigEdit, edited_config

__all__ = ["ConfigEdit", "edited_config"]
