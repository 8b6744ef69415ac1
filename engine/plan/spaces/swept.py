"""One plan of a space."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import UsageError
from engine.plan.recipes.blocks import Block


@dataclass(frozen=True, slots=True)
class SweptPlan:
    """A plan, and where it stands in its space."""

    name: str
    """What tells it from the others, e.g. "12:17", "12:17 x0.5", "slice_size=8 last_slice=12"."""
    text: str
    """The YAML."""
    block: Block | None = None
    """Where one block is visited again and nothing else is done: that block."""
    scale: float = 1.0
    """On what the repeated visits write into the residual stream."""


def require_plans(plans: Iterable[SweptPlan], why: str, fix: str) -> tuple[SweptPlan, ...]:
    """The plans. Raises UsageError, saying why and what to do, when there are none."""
    found = tuple(plans)
    if not found:
        raise UsageError("there is nothing to sweep", why=why, fix=fix)
    return found
