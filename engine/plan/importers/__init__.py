"""What people write beside passthrough: what it is, and what can be done with it.

Stacks in other words are read as the stacks they are; what mixes weights or builds experts is named and refused.
"""

from engine.plan.importers import bakllama, experts, genomes, linear, methods
from engine.plan.model import Plan
from engine.plan.syntax.document import read_passthrough
from engine.plan.syntax.nodes import Mapping
from engine.plan.syntax.reading import Findings

REFUSED = (experts, genomes, methods)
"""Each tells `recognises(root)` and says why with `refuse(root, found)`."""


def read_document(root: Mapping, found: Findings, *, is_alone: bool) -> Plan | None:
    """The plan of one document of a text, whatever it is written in. `is_alone`: it is the only one."""
    for module in REFUSED:
        if module.recognises(root):
            module.refuse(root, found)
            return None
    if bakllama.recognises(root):
        return bakllama.read(root, found, is_alone=is_alone)
    if linear.recognises(root):
        return linear.read(root, found, is_alone=is_alone)
    return read_passthrough(root, found)
