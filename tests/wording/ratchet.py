"""Number of forbidden wordings that each room still has, in allowed.toml: it may fall, and never rises."""

import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

from tests.wording.patterns import hits
from tests.wording.texts import product_texts

ALLOWED = Path(__file__).with_name("allowed.toml")
_HEAD = "# Forbidden wordings left in each room. Lower it with `python -m tests.wording --lower`; the goal is zero.\n"


@cache
def counts() -> Counter[str]:
    """Forbidden wordings of every room that has some."""
    return Counter(hit.text.room for text in product_texts() for hit in hits(text))


def allowed() -> dict[str, int]:
    """Limit of every room that is not clean yet."""
    return tomllib.loads(ALLOWED.read_text())


def lower() -> None:
    """Lower the limits to what there is; no limit is raised."""
    now, limits = counts(), allowed()
    write({room: min(limit, now[room]) for room, limit in limits.items() if now[room]})


def write(limits: dict[str, int]) -> None:
    """Write the table, a blank line between rooms so that changes to two of them merge."""
    ALLOWED.write_text(_HEAD + "".join(f'\n"{room}" = {limit}\n' for room, limit in sorted(limits.items())))
