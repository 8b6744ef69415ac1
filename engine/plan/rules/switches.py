"""Switching rules off: by `# dlec: off RULE ...` anywhere in a plan, or in the configuration.

What is off gives no warning and no note. Errors stay: such a plan cannot be run, or would not be what it says.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from engine.errors import shown
from engine.plan.comments import OFF, comments_in
from engine.plan.model import Position
from engine.plan.problems import Problem, Severity

RULE = "rules-off"
CONFIGURATION = "[rules] off in config.toml"


@dataclass(frozen=True, slots=True)
class Switch:
    """One rule that somebody switched off."""

    rule: str
    place: Position | None
    """Of its name in the plan; None for the configuration."""


def switches_in(text: str) -> Iterator[Switch]:
    """Those in the comments of a plan's text."""
    for comment in comments_in(text):
        if comment.word == OFF:
            yield from (Switch(argument.text, argument.place) for argument in comment.arguments)


def without_switched_off(
    problems: Iterable[Problem], text: str, configured: Iterable[str], known: Collection[str]
) -> list[Problem]:
    """The problems that are left, and those of the switches themselves. `known`: the ids that there are."""
    switches = [*(Switch(rule, None) for rule in configured), *switches_in(text)]
    off = {switch.rule for switch in switches}
    left = [problem for problem in problems if problem.rule not in off or problem.severity is Severity.ERROR]
    unknown = [_unknown(switch, known) for switch in switches if switch.rule not in known]
    insisting = {problem.rule for problem in left} & off
    kept = [_kept(switch) for switch in switches if switch.place and switch.rule in insisting]
    return [*left, *unknown, *kept]


def _unknown(switch: Switch, known: Collection[str]) -> Problem:
    where = "" if switch.place else f"{CONFIGURATION}: "
    nearest = difflib.get_close_matches(switch.rule, known, n=1)
    fix = f"Did you mean `{nearest[0]}`?" if nearest else "docs/rules.md lists all rules."
    message = f"{where}there is no rule `{shown(switch.rule)}` to switch off"
    return Problem(RULE, Severity.WARNING, message, switch.place, fix)


def _kept(switch: Switch) -> Problem:
    message = f"`{switch.rule}` has found an error; only warnings and notes can be switched off"
    return Problem(RULE, Severity.NOTE, message, switch.place)
