"""What lm-eval's tasks say of a plan and its base, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from dlec_tui.jobs.task_results import base_lines
from dlec_tui.terminal.glyphs import GLYPHS
from engine.errors import shown

Answer = Mapping[str, Any]


def eval_headline(found: Answer) -> str:
    """One line: how many figures moved by more than chance explains; not adjusted for how many there are."""
    told = [each for each in found["figures"] if each["p"] is not None]
    moved = [each for each in told if each["p"] * len(told) < 0.05]
    if not moved:
        return f"no difference can be seen in {len(told)} figures"
    return f"{len(moved)} of {len(told)} figures differ: {', '.join(_moved(each) for each in moved[:3])}"


def eval_lines(found: Answer) -> Iterator[str]:
    """A line for each task and metric, and what that says."""
    names = [f"{shown(each['task'])} {shown(each['metric'])}" for each in found["figures"]]
    width = max(map(len, names), default=0)
    yield f"{'':{width}}  {'base':>16}  {'plan':>16}  items, paired"
    for name, each in zip(names, found["figures"], strict=True):
        yield f"{name:{width}}  {_value(each, 'base'):>16}  {_value(each, 'plan'):>16}  {_paired(each)}"
    yield eval_headline(found)
    yield from base_lines(found)
    yield f"{shown(found['reference'])}, {found['dtype']}" + (
        f", {found['limit']} items a task" if found["limit"] else ""
    )


def _value(each: Answer, side: str) -> str:
    se = each[f"{side}_se"]
    return f"{each[side]:.4f}" + ("" if se is None else f" {GLYPHS.plus_minus} {se:.4f}")


def _paired(each: Answer) -> str:
    if each["p"] is None:
        return f"{each['items']}, too few to tell" if each["items"] else "not item by item"
    if each["test"] == "mcnemar":
        moved = f"{each['only_plan']} gained, {each['only_base']} lost"
        return f"{each['items']}: {moved}, p = {each['p']:.2g} (exact McNemar)"
    return f"{each['items']}: {each['delta']:+.4f}, p = {each['p']:.2g} (paired t)"


def _moved(each: Answer) -> str:
    return f"{shown(each['task'])} {each['base']:.3f} to {each['plan']:.3f}"
