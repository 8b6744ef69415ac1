"""Comma-separated layers: `0,1,2,3,2,3,4,5`, optionally in brackets."""

from engine.plan.layer_formats.layers import Layers, checked, number


def read(text: str, layer_count: int | None) -> Layers:
    """Return the layers of a list. Raises PlanError."""
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    return checked([number(item.strip(), "item") for item in inner.split(",")], layer_count)


def write(layers: Layers, layer_count: int | None) -> str:  # noqa: ARG001 (dialects share a signature)
    return ",".join(map(str, layers))
