"""Whether a merge need not be done, because an earlier run has done it."""

import filecmp
from pathlib import Path

from engine.checkpoint.config import CONFIG_FILE
from engine.errors import DlecError
from engine.merge.manifest import origin_of, read_origin
from engine.merge.structure import check_written
from engine.merge.sums import SUMS_FILE
from engine.plan.stack import Stack
from engine.tasks.merge_draft import Draft
from engine.tasks.verify import VerifyReport, verify


def merged_before(out: Path, plan_text: str, stack: Stack) -> VerifyReport | None:
    """The checkpoint at `out` as its files verify, if it is whole and was merged from this plan and these weights."""
    origin = read_origin(out)
    try:
        if origin is None or origin != origin_of(stack, plan_text):
            return None
        report = verify(out, load_check=False)
    except DlecError:
        return None
    return report if report.ok else None


def is_merged(draft: Draft) -> bool:
    """Whether the checkpoint at the draft's output is whole and the one that the draft would write."""
    return merged_before(draft.out, draft.plan_text, draft.stack) is not None and _is_as_drafted(draft)


def _is_as_drafted(draft: Draft) -> bool:
    """Whether the same options and sidecars have gone into it."""
    sidecars = [str(name) for name in draft.sidecars.copied]
    try:
        check_written(draft.out, draft.layout, draft.stack.config_donor)
        _, *different = filecmp.cmpfiles(draft.sidecars.directory, draft.out, sidecars, shallow=False)
        written = {CONFIG_FILE: draft.config.text, **draft.sidecars.rewritten}
        is_same_text = all((draft.out / name).read_bytes() == text.encode() for name, text in written.items())
    except (DlecError, OSError):
        return False
    return is_same_text and not any(different) and (draft.out / SUMS_FILE).exists() == draft.options.hash_sums
