"""What a plan says, free of YAML: slices of checkpoints, scales, donors, dtypes.

Two plans are equal when they say the same: where it stands in the text does not count.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias


class Place(NamedTuple):
    """Where something stands in the plan's text, counted from 1. A tuple, as a plan has thousands."""

    line: int
    column: int
    origin: "Place | None" = None
    """Where an alias stands at this place: what it refers to stands there."""


START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the plan's text that can be replaced without touching anything else."""

    start: Place
    end: Place
    """Of the character behind it."""


class Located(Protocol):
    """Something that a plan's text says. Where it stands is worked out when a problem has to tell it: a plan says
    thousands of things, and most are right."""

    @property
    def place(self) -> Place: ...

    @property
    def span(self) -> Span | None:
        """Where it can be replaced; None where that would change more or less than this."""


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Of what no text says."""

    place: Place = START
    span: Span | None = None


NOWHERE = Nowhere()


@dataclass(frozen=True, slots=True)
class Beside:
    """Of what another thing in the text stands for too, and so cannot be replaced by itself."""

    other: Located

    @property
    def place(self) -> Place:
        return self.other.place

    @property
    def span(self) -> Span | None:
        return None


@dataclass(frozen=True, slots=True)
class ScaleEntry:
    """One entry of a `scale` setting."""

    filter: str | None
    """Applies to tensors whose input name contains this text; None applies to every tensor."""
    values: tuple[float, ...]
    """One factor, or a gradient over the slice: linear from the first to the last layer."""
    at: Located = field(default=NOWHERE, compare=False)

    @property
    def place(self) -> Place:
        return self.at.place


ScaleLevel: TypeAlias = tuple[ScaleEntry, ...]
"""One `scale` setting; the first entry that matches a tensor's name wins."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Layers [start, end) of one checkpoint."""

    model: str
    """The reference as written: a path or a hub id; or the name of an earlier document."""
    start: int
    end: int
    """0 while `is_whole`."""
    levels: tuple[ScaleLevel, ...] = ()
    """Scale settings that apply here, nearest first: source, then slice."""
    at: Located = field(default=NOWHERE, compare=False)
    range_at: Located = field(default=NOWHERE, compare=False)
    """Its layer_range."""
    model_at: Located = field(default=NOWHERE, compare=False)
    is_whole: bool = False
    """Every layer of a model whose depth is not known yet (`models:`); a settled plan has none of these."""

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def place(self) -> Place:
        return self.at.place

    @property
    def range_place(self) -> Place:
        return self.range_at.place

    @property
    def range_span(self) -> Span | None:
        """Of its layer_range; None where that is not on one line or stands for other slices too."""
        return self.range_at.span

    @property
    def model_place(self) -> Place:
        return self.model_at.place


@dataclass(frozen=True, slots=True)
class TokenizerWish:
    """What a plan asks of the tokenizer beyond copying that of the config's donor."""

    source: str = "base"
    """"base", "union", or a reference."""
    source_place: Place = field(default=START, compare=False)
    pad_to_multiple_of: int | None = None
    """Rows of the embedding matrix."""
    pad_place: Place = field(default=START, compare=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole passthrough plan."""

    slices: tuple[Slice, ...]
    base_model: str | None = None
    """Gives config and tokenizer; None leaves that to the first slice."""
    base_model_place: Place = field(default=START, compare=False)
    dtype: str | None = None
    """What tensors are cast to before scaling; the name of a tensor type, None keeps each one's own."""
    out_dtype: str | None = None
    """What tensors are cast to when written."""
    casts_all: bool = False
    """Whether these also concern what a checkpoint stores otherwise than most of itself (`# dlec: cast all`)."""
    scale: ScaleLevel = ()
    """The global scale setting, asked when a slice's own levels do not match."""
    tokenizer: TokenizerWish | None = None
    slices_place: Place = field(default=START, compare=False)
    """Of the key that lists the slices."""
    name: str | None = None
    """Of a document that later ones of the same text refer to."""
    earlier: tuple["Plan", ...] = ()
    """The named documents that this one refers to, each before those that refer to it; a settled plan has none."""

    @property
    def donor(self) -> str:
        """What gives config and tokenizer."""
        return self.base_model or self.slices[0].model

    @property
    def models(self) -> tuple[str, ...]:
        """Every checkpoint the plan names, in order of first mention, each once."""
        named = [model for plan in (*self.earlier, self) for model in plan.own_models]
        documents = {plan.name for plan in self.earlier}
        return tuple(dict.fromkeys(model for model in named if model not in documents))

    @property
    def own_models(self) -> tuple[str, ...]:
        """What this document names itself, earlier documents included."""
        named = [slice_.model for slice_ in self.slices]
        named += [self.base_model] if self.base_model else []
        if self.tokenizer and self.tokenizer.source not in ("base", "union"):
            named.append(self.tokenizer.source)
        return tuple(dict.fromkeys(named))
