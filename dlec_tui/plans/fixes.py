"""Problems that one key can put right: those for which a rule knows the change."""

from dlec_tui.wording import elided
from engine.errors import escaped
from engine.plan.problems import Problem

_SHOWN = 40
"""Characters of a change."""


def fix_text(problem: Problem) -> str:
    """What the key would do: "f: [6, 30]"; "" where only the user can know."""
    if problem.change is None:
        return ""
    written = ", ".join(" ".join(each.text.split()) for each in problem.change.replacements)
    return f"f: {elided(escaped(written), _SHOWN) or 'take it away'}"
