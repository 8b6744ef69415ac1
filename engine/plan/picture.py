"""A stack as one line of text."""

from engine.plan.stack import Stack


def picture(stack: Stack) -> str:
    """One character per layer of the new model: `0` a layer's first visit, `X` a repeat of one below."""
    return "".join("X" if visit.repeat else "0" for visit in stack.visits)
