"""What a plan says, free of YAML: slices of checkpoints, scales, donors, dtypes."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the plan's text, counted from 1."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class ScaleEntry:
    """One entry of a `scale` setting."""

    filter: str | None
    """Applies to tensors whose input name contains this text; None applies to every tensor."""
    values: tuple[float, ...]
    """One factor, or a gradient over the slice: linear from the first to the last layer."""
    place: Place


ScaleLevel: TypeAlias = tuple[ScaleEntry, ...]
"""One `scale` setting; the first entry that matches a tensor's name wins."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Layers [start, end) of one checkpoint."""

    model: str
    """The reference as written: a path or a hub id."""
    start: int
    end: int
    levels: tuple[ScaleLevel, ...]
    """Scale settings that apply here, nearest first: source, then slice."""
    place: Place
    """Of the slice."""
    range_place: Place
    """Of its layer_range."""
    model_place: Place

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole passthrough plan."""

    slices: tuple[Slice, ...]
    base_model: str | None = None
    """Gives config and tokenizer; None leaves that to the first slice."""
    base_model_place: Place = START
    dtype: str | None = None
    """What tensors are cast to before scaling; a key of checkpoint.header.DTYPE_BITS, None keeps each one's own."""
    out_dtype: str | None = None
    """What tensors are cast to when written."""
    scale: ScaleLevel = ()
    """The global scale setting, asked when a slice's own levels do not match."""

    @property
    def models(self) -> tuple[str, ...]:
        """Every checkpoint the plan names, in order of first mention, each once."""
        named = [slice_.model for slice_ in self.slices]
        return tuple(dict.fromkeys([*named, self.base_model] if self.base_model else named))
