"""mergekit's other methods, which mix the weights of models of one shape instead of stacking layers."""

from engine.errors import shown
from engine.plan.syntax.document import is_like_passthrough
from engine.plan.syntax.nodes import Mapping, Scalar
from engine.plan.syntax.reading import Findings, as_text

WHAT_THEY_DO = {
    "linear": "averages models",
    "slerp": "interpolates between two models",
    "nuslerp": "interpolates between two models",
    "multislerp": "interpolates between several models",
    "karcher": "averages models on a sphere",
    "task_arithmetic": "adds differences from a base",
    "ties": "adds differences from a base, with their signs reconciled",
    "dare_ties": "adds differences from a base, thinned out, with their signs reconciled",
    "dare_linear": "adds differences from a base, thinned out",
    "della": "adds differences from a base, thinned out by size, with their signs reconciled",
    "della_linear": "adds differences from a base, thinned out by size",
    "breadcrumbs": "adds differences from a base without their extremes",
    "breadcrumbs_ties": "adds differences from a base without their extremes, with their signs reconciled",
    "sce": "adds differences from a base, weighted by their variance",
    "model_stock": "averages finetunes around their base",
    "nearswap": "brings two models together where they are close",
    "arcee_fusion": "takes over the weights that changed most",
    "ram": "mixes finetunes",
    "core_space": "mixes LoRA differences",
}


def recognises(root: Mapping) -> bool:
    """Any method but passthrough, misspelt or not, and `linear` with slices, which may be a stack."""
    node = root.get("merge_method")
    if not isinstance(node, Scalar):
        return False
    is_stack = node.text == "linear" and "slices" in root.entries
    return not is_stack and not is_like_passthrough(node.text)


def refuse(root: Mapping, found: Findings) -> None:
    node = root.get("merge_method")
    method = None if node is None else as_text(node, "`merge_method`", found)
    if node is None or method is None:
        return
    if method in WHAT_THEY_DO:
        message = f"`{method}` {WHAT_THEY_DO[method]}; dlec stacks layers, which is `passthrough`"
        fix = "Let mergekit run this, then stack its result: name its directory as the model."
        found.error("merge-method", message, node.place, fix)
    else:
        message = f"`{shown(method)}` is no method that dlec knows; dlec stacks layers, which is `passthrough`"
        found.error("merge-method", message, node.place, f"Methods of mergekit: {', '.join(WHAT_THEY_DO)}.")
