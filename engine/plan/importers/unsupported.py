"""Documents of mergekit that do not describe a stack: other merge methods, mixtures of experts, evolutionary searches.

Each kind has a predicate `is_...(root)` and a function that reports why dlec cannot read it.
"""

from engine.errors import shown
from engine.plan.syntax.document import is_like_passthrough
from engine.plan.syntax.nodes import Mapping, Scalar
from engine.plan.syntax.values import Findings, as_text

METHODS = {
    "linear": "averages models",
    "slerp": "interpolates between two models",
    "nuslerp": "interpolates between two models",
    "multislerp": "interpolates between several models",
    "karcher": "computes the Karcher mean of models",
    "task_arithmetic": "adds task vectors to a base",
    "ties": "adds sparse task vectors with a sign consensus to a base",
    "dare_ties": "adds randomly pruned task vectors with a sign consensus to a base",
    "dare_linear": "adds randomly pruned task vectors to a base",
    "della": "adds task vectors pruned by magnitude with a sign consensus to a base",
    "della_linear": "adds task vectors pruned by magnitude to a base",
    "breadcrumbs": "adds task vectors without their extremes to a base",
    "breadcrumbs_ties": "adds task vectors without their extremes, with a sign consensus, to a base",
    "sce": "adds task vectors weighted by variance to a base",
    "model_stock": "averages finetunes around their base",
    "nearswap": "interpolates two models where their weights are close",
    "arcee_fusion": "takes over the weights that changed most",
    "ram": "mixes finetunes",
    "core_space": "mixes LoRA adapters",
}
"""Descriptions of mergekit's methods, in the third person."""
_EXPERT_KEYS = ("experts", "gate_mode", "experts_per_token")


def refuse(root: Mapping, findings: Findings) -> bool:
    """Report a document that dlec cannot read. Returns True if it is one."""
    if "merge_method" not in root.entries and any(key in root.entries for key in _EXPERT_KEYS):
        _refuse_experts(root, findings)
    elif "genome" in root.entries:
        _refuse_genome(root, findings)
    elif _mixes_weights(root):
        _refuse_method(root, findings)
    else:
        return False
    return True


def _refuse_experts(root: Mapping, findings: Findings) -> None:
    place = root.place_of(next(key for key in _EXPERT_KEYS if key in root.entries))
    message = "this is a mergekit-moe file: it describes a mixture of experts, not a stack of layers"
    fix = "Build the mixture with mergekit-moe, then stack layers of the result."
    findings.error("merge-method", message, place, fix)


def _refuse_genome(root: Mapping, findings: Findings) -> None:
    message = "this is a mergekit-evolve file: it describes a search for mixing weights, not a stack of layers"
    fix = "To search for stacks, profile the model with `dlec profile`, then run `dlec plan new dlec`."
    findings.error("merge-method", message, root.place_of("genome"), fix)


def _mixes_weights(root: Mapping) -> bool:
    """Return True for a method other than passthrough; not for `linear` with slices, which may be a stack."""
    node = root.get("merge_method")
    if not isinstance(node, Scalar):
        return False
    is_stack = node.text == "linear" and "slices" in root.entries
    return not is_stack and not is_like_passthrough(node.text)


def _refuse_method(root: Mapping, findings: Findings) -> None:
    node = root.get("merge_method")
    method = None if node is None else as_text(node, "`merge_method`", findings)
    if node is None or method is None:
        return
    if method in METHODS:
        message = f"`{method}` {METHODS[method]}; dlec stacks layers (`passthrough`)"
        fix = "Run this merge with mergekit, then use its output directory as a model."
        findings.error("merge-method", message, node.place, fix)
    else:
        message = f"unknown merge method `{shown(method)}`; dlec stacks layers (`passthrough`)"
        findings.error("merge-method", message, node.place, f"Methods of mergekit: {', '.join(METHODS)}.")
