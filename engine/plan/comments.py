"""Comments that dlec reads and mergekit ignores: `# dlec: off RULE ...` and `# dlec: cast all`.

A rule that is off, in a comment or in the configuration, gives no warnings and no notes. Errors remain, because such a
plan cannot run or would not do what it says.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from engine.errors import shown
from engine.plan.model import Position
from engine.plan.problems import Problem, Severity
from engine.plan.syntax.events import PlanSyntaxError
from engine.plan.syntax.lines import Lines
from engine.plan.syntax.tree import SCALAR, read_trees

CAST_ALL = "cast all"
OFF = "off"
UNKNOWN_COMMENT = "dlec-comment"
UNKNOWN_RULE = "rules-off"
CONFIGURATION = "[rules] off in config.toml"
_COMMENT = re.compile(r"#[ \t]*dlec:[ \t]*(?P<word>[\w-]+)[ \t]*:?(?P<rest>[^\n\r#]*)")


class Argument(NamedTuple):
    """One argument of a comment."""

    text: str
    place: Position


class Comment(NamedTuple):
    """One `# dlec:` comment."""

    word: str
    place: Position
    arguments: tuple[Argument, ...]


@lru_cache(maxsize=2)
def comments_in(text: str) -> tuple[Comment, ...]:
    """Return the comments of a plan's text, from top to bottom. Cached, because a check needs them several times."""
    matches = list(_COMMENT.finditer(text))
    if not matches:
        return ()
    is_quoted, lines = _inside_scalars(text), Lines(text)
    return tuple([_comment(match, lines) for match in matches if not is_quoted(match.start())])


def _comment(match: re.Match[str], lines: Lines) -> Comment:
    words = re.finditer(r"[^\s,]+", match["rest"])
    arguments = [Argument(word[0], lines.position(match.start("rest") + word.start())) for word in words]
    return Comment(match["word"], lines.position(match.start("word")), tuple(arguments))


def casts_all(text: str) -> bool:
    """Return True if the plan's `dtype` applies to every tensor (`# dlec: cast all`)."""
    return any(_is_cast_all(comment) for comment in comments_in(text))


def check(text: str) -> Iterator[Problem]:
    """Yield unknown comments. The rules that `off` names are checked with the rules."""
    for comment in comments_in(text):
        if comment.word != OFF and not _is_cast_all(comment):
            said = " ".join([comment.word, *(argument.text for argument in comment.arguments)])
            fix = f"Write `# dlec: {OFF} RULE` or `# dlec: {CAST_ALL}`."
            message = f"unknown comment `# dlec: {shown(said)}`"
            yield Problem(UNKNOWN_COMMENT, Severity.WARNING, message, comment.place, fix)


def _is_cast_all(comment: Comment) -> bool:
    return [comment.word, *(argument.text for argument in comment.arguments)] == CAST_ALL.split()


def _inside_scalars(text: str) -> Callable[[int], bool]:
    """Return a predicate for offsets inside a scalar, where `#` does not begin a comment."""
    try:
        trees = read_trees(text)
    except PlanSyntaxError:
        return lambda _: False
    spans = [
        (start, end)
        for tree in trees
        for kind, start, end in zip(tree.kinds, tree.starts, tree.ends, strict=True)
        if kind is SCALAR and start < end
    ]
    return lambda offset: any(start <= offset < end for start, end in spans)


# Rules that are switched off


class Switch(NamedTuple):
    """One rule that is switched off."""

    rule: str
    place: Position | None
    """Position of the name in the plan; None for the configuration."""


def switches_in(text: str) -> Iterator[Switch]:
    """Yield the switches in the comments of a plan's text."""
    for comment in comments_in(text):
        if comment.word == OFF:
            yield from (Switch(argument.text, argument.place) for argument in comment.arguments)


def enabled_problems(
    problems: Iterable[Problem], text: str, configured: Iterable[str], known: Collection[str]
) -> list[Problem]:
    """Return the problems that are not switched off, and problems of the switches; `known`: all rule ids."""
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
    fix = f"Did you mean `{nearest[0]}`?" if nearest else "See docs/rules.md for all rules."
    message = f"{where}unknown rule `{shown(switch.rule)}`"
    return Problem(UNKNOWN_RULE, Severity.WARNING, message, switch.place, fix)


def _kept(switch: Switch) -> Problem:
    message = f"`{switch.rule}` is an error here: only warnings and notes can be switched off"
    return Problem(UNKNOWN_RULE, Severity.NOTE, message, switch.place)
