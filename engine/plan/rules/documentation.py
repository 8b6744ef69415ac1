"""The page docs/rules.md, generated from the docstrings of the rules.

A docstring begins with `id: summary.`; paragraphs that begin with `Severity:`, `Why:`, `Source:`, `Example:` and
`Fix:` follow.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from engine.plan.rules import MODULES, PARSER_WARNINGS, id_of

PARTS = ("Severity", "Why", "Source", "Example", "Fix")

HEAD = """\
# Rules

Every plan is checked against these rules: while you edit it, by `dlec plan check`, and before a merge. Rules read
config files and the headers of checkpoints, never weights. An error is a plan that cannot work, or that would silently
do something else than it says. A warning is a plan that experience advises against, with the source of the experience.
Some sources are the notes of one author: a reason to look twice, not a law.

Switch a rule off for one plan with a comment anywhere in it:

```yaml
# dlec: off unused-layer, first-slice
```

or for all plans in `config.toml` in dlec's home:

```toml
[rules]
off = ["first-slice"]
```

Errors cannot be switched off. Unknown names are reported.

This page is generated from the rules (`engine/plan/rules/`) by `python docs/write_rules.py`.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """Parsed docstring of a rule."""

    rule: str
    title: str
    """Summary, one sentence."""
    parts: dict[str, str]
    """Each on one line; keys: PARTS."""


def entry_of(module: ModuleType) -> Entry:
    """Raises ValueError, naming the rule, where its docstring lacks a part."""
    title, *paragraphs = (" ".join(text.split()) for text in (module.__doc__ or "").strip().split("\n\n"))
    rule, _, what = title.partition(": ")
    parts = dict(_part(paragraph) for paragraph in paragraphs)
    if rule != id_of(module) or tuple(parts) != PARTS:
        raise ValueError(f"the docstring of {module.__name__} should be `{id_of(module)}: ...` with {', '.join(PARTS)}")
    return Entry(rule, what[0].upper() + what[1:], parts)


def page() -> str:
    """Return the text of docs/rules.md."""
    entries = sorted((entry_of(module) for module in MODULES), key=lambda entry: entry.rule)
    return "\n".join(
        [HEAD, *_table(entries), "", *_of_the_text(), "", *(line for entry in entries for line in _section(entry))]
    )


def _part(paragraph: str) -> tuple[str, str]:
    name, _, text = paragraph.partition(": ")
    return name, text


def _table(entries: list[Entry]) -> Iterator[str]:
    yield "| rule | severity | finding |"
    yield "| --- | --- | --- |"
    for entry in entries:
        severity = entry.parts["Severity"].split(";")[0].split(" ")[0]
        yield f"| [{entry.rule}](#{entry.rule}) | {severity} | {entry.title} |"


def _of_the_text() -> Iterator[str]:
    yield "The parser has more warnings, which are switched off in the same way:"
    yield ""
    yield from (f"- {rule}: {what}" for rule, what in PARSER_WARNINGS.items())


def _section(entry: Entry) -> Iterator[str]:
    yield f"## {entry.rule}"
    yield ""
    yield entry.title
    for name in PARTS:
        yield ""
        yield textwrap.fill(f"**{name}:** {entry.parts[name]}", 120, break_long_words=False, break_on_hyphens=False)
    yield ""
