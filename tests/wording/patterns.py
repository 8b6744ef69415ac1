"""Patterns that plain technical English does not need, each with what to write instead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.wording.texts import Kind, Text

_SENTENCES = frozenset({Kind.DOCSTRING, Kind.HELP})
_ALL = frozenset(Kind) - {Kind.NAME}


@dataclass(frozen=True)
class Pattern:
    """A forbidden pattern."""

    regex: re.Pattern[str]
    instead: str
    """Alternative wording."""
    kinds: frozenset[Kind] = _ALL


@dataclass(frozen=True)
class Hit:
    """A text that matches a forbidden pattern."""

    text: Text
    match: str
    pattern: Pattern

    def __str__(self) -> str:
        shown = " ".join(self.text.text.split())[:90]
        return f"{self.text.path}:{self.text.line}: {self.match!r} in {self.text.kind.value}: {shown}"


def _words(regex: str, instead: str) -> Pattern:
    return Pattern(re.compile(rf"\b(?:{regex})\b", re.IGNORECASE), instead)


PATTERNS = (
    Pattern(
        re.compile(
            r"^(?:Of|By|At|That|Which|What|How|Where|As|For|To|In|On|With|From|Whose|Who|Than)\b(?! \w+,)", re.I
        ),
        'name the thing: "Maximum number of tokens.", "Return the ..."',
        _SENTENCES,
    ),
    Pattern(
        re.compile(r"^_*(?:found|told|asked|wanted|begun|otherwise|here|about)_*$"),
        "name the thing: matches, reported, request, query, started, placeholder",
        frozenset({Kind.NAME}),
    ),
    _words(r"(?<!there )is no(?! longer| more)", '"is not a ..."'),
    _words("so (?:many|much)", '"the number of", "N"'),
    _words("stands?|stood", '"is", "represents", "remains"'),
    _words("mend(?:s|ed|ing|able)?", '"fix", "apply"'),
    _words("rightly", '"correctly"'),
    _words("(?:cannot|can) be told|(?:is|are|was|were) told", '"unknown", "is reported"'),
    _words("nobody|somebody|whoever", '"no one", "a user", or the passive'),
    _words("(?:is|are|stands?|gets?|be|was) in the way|in the way of|in its way", '"blocks", "conflicts with"'),
    _words("anew", '"again"'),
    _words("(?:takes?|taken|taking|took) \\w* ?back", '"undo", "revert"'),
    _words("beside", '"next to", "in addition to", "compared with"'),
    _words("behind", '"after", "next to"'),
    _words("at once", '"immediately", "in one batch", "at the same time"'),
    _words("one by one", '"individually"'),
    _words("(?:gives?|given|giving|gave) (?:it |them )?up", '"stops", "discards"'),
    Pattern(re.compile(r"\b(?:is|are) none\b"), '"is not a ..."'),
    _words("choosing|judg(?:e|es|ed|ing)", '"selection", "held-out", "evaluate"'),
    _words("lies?|lay", '"is"'),
    _words("begun|unasked|lately|forthwith", '"started", "without being asked", "recently"'),
    _words("had better", '"should"'),
    _words("in all(?! \\w)", '"in total"'),
    _words("(?:say|says|said|saying) of", '"says about", "reports for"'),
    _words("is said|are said|be said", '"is reported"'),
    _words("tells?|telling", '"shows", "reports", "states"'),
    _words("speaks?|spoken", '"uses", "supports"'),
    _words("bears? it|makes? do|hangs? on|came along|comes? along", "the plain verb"),
)


def hits(text: Text) -> Iterator[Hit]:
    """Yield the forbidden wordings of a text."""
    for pattern in PATTERNS:
        if text.kind in pattern.kinds and (match := pattern.regex.search(text.text)):
            yield Hit(text, match.group().strip(), pattern)
