"""Documents other than mergekit's passthrough: bakllama files and `linear` stacks are read, the rest is refused."""

from engine.plan.importers import bakllama, linear, unsupported
from engine.plan.model import Plan
from engine.plan.syntax.document import read_passthrough
from engine.plan.syntax.nodes import Mapping
from engine.plan.syntax.values import Findings


def read_document(root: Mapping, findings: Findings, *, is_alone: bool) -> Plan | None:
    """Read one document of a text in any format; `is_alone`: the text has no other document."""
    if unsupported.refuse(root, findings):
        return None
    if bakllama.recognises(root):
        return bakllama.read(root, findings, is_alone=is_alone)
    if linear.recognises(root):
        return linear.read(root, findings, is_alone=is_alone)
    return read_passthrough(root, findings)
