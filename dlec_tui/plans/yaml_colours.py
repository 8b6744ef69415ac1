"""What in a line of YAML has which part to play: enough to colour a plan, a line at a time and without a parser."""

import re
from collections.abc import Iterator

_PARTS = re.compile(
    r"""(?P<comment>(?:^|(?<=\s))\#.*)
      | (?P<string>"(?:[^"\\]|\\.)*"|'[^']*')
      | (?P<key>[A-Za-z_][\w.-]*(?=\s*:(?:\s|$)))
      | (?P<anchor>(?<![^\s\[{,])[&*][\w-]+)
      | (?P<number>(?<![\w./-])-?\d+(?:\.\d+)?(?![\w./-]))""",
    re.VERBOSE,
)


def coloured(line: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and part ("comment", "string", "key", "anchor", "number") of what has one; in characters."""
    for found in _PARTS.finditer(line):
        assert found.lastgroup is not None
        yield found.start(), found.end(), found.lastgroup
