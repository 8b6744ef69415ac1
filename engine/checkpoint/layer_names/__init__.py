"""Names of layers in settings: module names, globs and regular expressions, rewritten for a new sequence of layers."""

from engine.checkpoint.layer_names.entries import are_layer_ranges, is_numbered_otherwise
from engine.checkpoint.layer_names.origins import Modules, Origins, modules_of
from engine.checkpoint.layer_names.walk import general_part, renamed, renamed_in_configs

__all__ = [
    "Modules",
    "Origins",
    "are_layer_ranges",
    "general_part",
    "is_numbered_otherwise",
    "modules_of",
    "renamed",
    "renamed_in_configs",
]
