"""A stack as one line of text."""

from engine.plan.stack import Stack


def picture(stack: Stack) -> str:
    """Return one character per layer of the new model: `0` for a first visit, `X` for a repeat."""
    return "".join("X" if visit.repeat else "0" for visit in stack.visits)
