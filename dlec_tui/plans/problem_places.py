"""Problems as text, and what they underline; pure."""

import re

from dlec_tui.terminal.glyphs import GLYPHS
from engine.errors import escaped
from engine.plan.problems import Problem, Severity

_VALUE = re.compile(
    r"""\[[^\]]*\]? | \{[^}]*\}? | "[^"]*"? | '[^']*'? | [^\s,\]}#:]+(?:[:#][^\s,\]}]+)* | \S""", re.VERBOSE
)
"""What may begin at the place of a problem: a list, a mapping, quoted text, a word; as far as it goes on its line."""


def underlined(line: str, column: int) -> tuple[int, int]:
    """The columns [start, end), from 0, of what stands at a column of a line, from 1; all of it when nothing does."""
    found = _VALUE.match(line, column - 1)
    if found:
        return found.span()
    return len(line) - len(line.lstrip()), len(line)


def sign_of(problem: Problem) -> str:
    return {Severity.ERROR: GLYPHS.error, Severity.WARNING: GLYPHS.warning}.get(problem.severity, GLYPHS.dot)


def problem_text(problem: Problem) -> str:
    """One line: "error, line 5: ... Fix." """
    where = f", line {problem.place.line}" if problem.place else ""
    return f"{sign_of(problem)} {problem.severity}{where}: {escaped(problem.message)}"
