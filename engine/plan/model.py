"""A plan without its YAML: slices of checkpoints, scales, donors, dtypes.

Plans are equal if their content is equal; positions in the text are not compared.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias


class Position(NamedTuple):
    """Line and column in the plan's text, counted from 1. A tuple, because a plan has thousands."""

    line: int
    column: int
    origin: "Position | None" = None
    """Position of the target, if this is an alias."""


START = Position(1, 1)


class Span(NamedTuple):
    """A part of the plan's text that can be replaced without changing anything else."""

    start: Position
    end: Position
    """Position after the last character."""


class Located(Protocol):
    """An element of the plan's text. Its position is computed on demand, because only problems need it."""

    @property
    def place(self) -> Position: ...

    @property
    def span(self) -> Span | None:
        """Span to replace; None if that would change more or less than this element."""


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Location of an element that is not in the text."""

    place: Position = START
    span: Span | None = None


NOWHERE = Nowhere()


@dataclass(frozen=True, slots=True)
class Beside:
    """Location of an element that cannot be replaced by itself: it shares the text of another."""

    other: Located

    @property
    def place(self) -> Position:
        return self.other.place

    @property
    def span(self) -> Span | None:
        return None


@dataclass(frozen=True, slots=True)
class ScaleEntry:
    """One entry of a `scale` setting."""

    filter: str | None
    """Substring of the input tensor names that the entry applies to; None: every tensor."""
    values: tuple[float, ...]
    """One factor, or a gradient: linear from the first to the last layer of the slice."""
    at: Located = field(default=NOWHERE, compare=False)

    @property
    def place(self) -> Position:
        return self.at.place


ScaleLevel: TypeAlias = tuple[ScaleEntry, ...]
"""One `scale` setting; the first entry that matches a tensor's name applies."""


@dataclass(frozen=True, slots=True)
class Graft:
    """Tensors that the layers of a slice take from those of another checkpoint."""

    model: str
    """Reference as written."""
    start: int
    """Layer that gives to the first layer of the slice; the following ones follow."""
    filters: tuple[str, ...]
    """Substrings of the input tensor names that are taken."""
    model_at: Located = field(default=NOWHERE, compare=False)

    def takes(self, tensor_name: str) -> bool:
        return any(pattern in tensor_name for pattern in self.filters)


@dataclass(frozen=True, slots=True)
class Slice:
    """Layers [start, end) of one checkpoint."""

    model: str
    """Reference as written: a path, a hub id, or the name of an earlier document."""
    start: int
    end: int
    """0 if `is_whole`."""
    levels: tuple[ScaleLevel, ...] = ()
    """Scale settings, nearest first: source, then slice."""
    at: Located = field(default=NOWHERE, compare=False)
    range_at: Located = field(default=NOWHERE, compare=False)
    """Location of its layer_range."""
    model_at: Located = field(default=NOWHERE, compare=False)
    is_whole: bool = False
    """All layers of a model of unknown depth (`models:`); False in a resolved plan."""
    graft: Graft | None = None

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def place(self) -> Position:
        return self.at.place

    @property
    def range_place(self) -> Position:
        return self.range_at.place

    @property
    def range_span(self) -> Span | None:
        """Span of its layer_range; None if that spans lines or is shared with other slices."""
        return self.range_at.span

    @property
    def model_place(self) -> Position:
        return self.model_at.place


@dataclass(frozen=True, slots=True)
class TokenizerWish:
    """A plan's tokenizer settings, beyond copying the config donor's."""

    source: str = "base"
    """"base", "union", or a reference."""
    source_place: Position = field(default=START, compare=False)
    pad_to_multiple_of: int | None = None
    """Divisor of the number of embedding rows."""
    pad_place: Position = field(default=START, compare=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole passthrough plan."""

    slices: tuple[Slice, ...]
    base_model: str | None = None
    """Donor of config and tokenizer; None: the first slice's model."""
    base_model_place: Position = field(default=START, compare=False)
    dtype: str | None = None
    """Dtype for scaling, the name of a tensor type; None keeps each tensor's own."""
    out_dtype: str | None = None
    """Dtype of the written tensors."""
    casts_all: bool = False
    """Apply the dtypes also to tensors that are stored in another dtype on purpose (`# dlec: cast all`)."""
    scale: ScaleLevel = ()
    """Global scale setting, used if a slice's own levels do not match."""
    tokenizer: TokenizerWish | None = None
    slices_place: Position = field(default=START, compare=False)
    """Position of the key that lists the slices."""
    name: str | None = None
    """Name under which later documents of the text refer to this one."""
    earlier: tuple["Plan", ...] = ()
    """Named documents that this one refers to, in order of dependency; empty in a resolved plan."""

    @property
    def donor(self) -> str:
        """Reference of the checkpoint that gives config and tokenizer."""
        return self.base_model or self.slices[0].model

    @property
    def models(self) -> tuple[str, ...]:
        """References of all checkpoints, in order of first mention."""
        named = [model for plan in (*self.earlier, self) for model in plan.own_models]
        documents = {plan.name for plan in self.earlier}
        return tuple(dict.fromkeys(model for model in named if model not in documents))

    @property
    def own_models(self) -> tuple[str, ...]:
        """References in this document, including the names of earlier documents."""
        named = [slice_.model for slice_ in self.slices]
        named += [slice_.graft.model for slice_ in self.slices if slice_.graft]
        named += [self.base_model] if self.base_model else []
        if self.tokenizer and self.tokenizer.source not in ("base", "union"):
            named.append(self.tokenizer.source)
        return tuple(dict.fromkeys(named))
