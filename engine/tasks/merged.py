"""Whether a merge need not be done, because an earlier run has done it."""

from pathlib import Path

from engine.errors import DlecError
from engine.merge.manifest import origin_of, read_origin
from engine.plan.stack import Stack
from engine.tasks.verify import VerifyReport, verify


def merged_before(out: Path, plan_text: str, stack: Stack) -> VerifyReport | None:
    """The checkpoint at `out` as its files verify, if it is whole and was merged from this plan and these weights."""
    try:
        if read_origin(out) != origin_of(stack, plan_text):
            return None
        report = verify(out, load_check=False)
    except DlecError:
        return None
    return report if report.ok else None
