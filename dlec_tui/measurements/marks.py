"""Layers and blocks that were marked among the measurements, each with what spoke for it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from dlec_tui.measurements.heat import Block


@dataclass(frozen=True, slots=True)
class Mark:
    """One block of layers, and the measurement under the cursor when it was marked."""

    start: int
    end: int
    """Exclusive."""
    metric: str
    """In words."""
    value: float | None
    """None where nothing was measured of this very block."""
    on: str
    """The text, how much of it, and the dtype."""

    @property
    def block(self) -> Block:
        return (self.start, self.end)


Marks = tuple[Mark, ...]


def toggled(marks: Marks, mark: Mark) -> Marks:
    """With the mark, or without it where its block is marked already; by first layer."""
    others = tuple(each for each in marks if each.block != mark.block)
    return others if len(others) < len(marks) else tuple(sorted((*marks, mark), key=lambda each: each.block))


def blocks_of(marks: Marks) -> tuple[Block, ...]:
    """Ascending."""
    return tuple(mark.block for mark in marks)


def justification(marks: Marks) -> str:
    """For the plan: which measurement spoke for which block, on which text."""
    texts = dict.fromkeys(mark.on for mark in marks)
    return "; ".join(f"{', '.join(_reason(mark) for mark in marks if mark.on == text)} (on {text})" for text in texts)


def marks_text(marks: Marks) -> str:
    """For the screen: "6:12, 14"; "" for none."""
    return ", ".join(short(mark.block) for mark in marks)


def short(block: Block) -> str:
    """A single layer by its number, several as START:END."""
    start, end = block
    return str(start) if end == start + 1 else f"{start}:{end}"


def in_words(block: Block) -> str:
    """ "layer 6", "layers 6 to 11"."""
    start, end = block
    return f"layer {start}" if end == start + 1 else f"layers {start} to {end - 1}"


def as_data(marks: Marks) -> list[dict[str, Any]]:
    """For JSON."""
    return [asdict(mark) for mark in marks]


def from_data(data: Iterable[dict[str, Any]], layers: int) -> Marks:
    """What `as_data` gave, as far as it lies in a model of so many layers."""
    marks = (Mark(**each) for each in data)
    return tuple(mark for mark in marks if 0 <= mark.start < mark.end <= layers)


def _reason(mark: Mark) -> str:
    where = in_words(mark.block)
    return f"{where} for {mark.metric}" + ("" if mark.value is None else f" {mark.value:.4g}")
