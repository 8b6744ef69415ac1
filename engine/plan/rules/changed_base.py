"""changed-base: a stack's base has changed since the stack was merged.

Severity: note

Why: The manifest of a merged checkpoint records the fingerprints of its sources. If a source has other weights now, the
checkpoint cannot be made again from it, and a comparison with it shows more than what training did.

Source: `dlec_manifest.json`, written by every merge.

Example: A plan stacks `./grown`, which was merged from `./base`, and `./base` was trained further.

Fix: Keep the base as it was, or merge the stack again.
"""

from collections.abc import Iterator

from engine.errors import shown
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for reference, place in facts.first_mentions():
        for source in facts.context.changed_sources(facts.checkpoints[reference]):
            message = f"{shown(reference)} was merged from {shown(source)}, which has changed since"
            fix = "Restore it, or merge the stack again."
            yield Problem("changed-base", Severity.NOTE, message, place, fix)
