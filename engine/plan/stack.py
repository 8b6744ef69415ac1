"""The stack: what a plan compiles to. Rules, sizes, merge and preview read it and never the YAML."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple, TypeAlias

from engine.checkpoint.anatomy import EVERY_ROLE, Role, role_of
from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.model import Graft, Plan, ScaleLevel, Slice
from engine.plan.patches import Patch

FactorLevel: TypeAlias = tuple[tuple[str | None, float], ...]
"""A scale setting at one place of a slice: (filter, factor), first match wins."""

AT_THE_ENDS = 0.0
"""Position at which gradients are read for tensors outside the layers, as mergekit does."""


class Donor(NamedTuple):
    """A checkpoint with the scales that apply to what it gives outside the layers."""

    checkpoint: Checkpoint
    levels: tuple[FactorLevel, ...] = ()


class Part(NamedTuple):
    """Contribution of one layer of one checkpoint to a visit."""

    checkpoint: Checkpoint
    layer: int
    """Counted in the source checkpoint."""
    roles: frozenset[Role] = EVERY_ROLE
    """Roles of the tensors that it gives."""
    levels: tuple[FactorLevel, ...] = ()
    given: Graft | None = None
    """If set, it gives only the tensors that this graft takes."""
    left: Graft | None = None
    """If set, it gives all but the tensors that this graft takes."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Names within the layer of the tensors that it gives, in the checkpoint's order."""
        names = self.checkpoint.anatomy.layers[self.layer]
        return names if self.gives_all else tuple([name for name in names if self.gives(name)])

    @property
    def gives_all(self) -> bool:
        return self.roles == EVERY_ROLE and not self.given and not self.left

    def gives(self, suffix: str) -> bool:
        """Return True if it gives the tensor of this name within the layer."""
        name = self.checkpoint.anatomy.layer_tensor(self.layer, suffix)
        is_chosen = (self.given is None or self.given.takes(name)) and not (self.left and self.left.takes(name))
        return is_chosen and role_of(suffix) in self.roles


class Visit(NamedTuple):
    """One layer of the new model, made of parts."""

    parts: tuple[Part, ...]
    """The first gives attention; layer types, rope, window and per-layer lists of the config follow it."""
    repeat: int
    """Number of earlier visits with the same first checkpoint and layer."""
    slice_index: int = 0
    """Index of the plan's slice that it comes from."""

    @classmethod
    def whole(
        cls,
        checkpoint: Checkpoint,
        layer: int,
        repeat: int,
        levels: tuple[FactorLevel, ...] = (),
        slice_index: int = 0,
    ) -> "Visit":
        """The ordinary visit: one layer gives everything."""
        return cls((Part(checkpoint, layer, levels=levels),), repeat, slice_index)

    @property
    def checkpoint(self) -> Checkpoint:
        return self.parts[0].checkpoint

    @property
    def layer(self) -> int:
        return self.parts[0].layer

    @property
    def levels(self) -> tuple[FactorLevel, ...]:
        """Scale settings of the first part."""
        return self.parts[0].levels

    @property
    def is_scaled(self) -> bool:
        """Return True if any part has scale settings."""
        return any(part.levels for part in self.parts)


@dataclass(frozen=True)
class Stack:
    """A new model: its visits from bottom to top, and the donors of the rest."""

    visits: tuple[Visit, ...]
    embedding: Donor
    """Gives embeddings (mergekit: the first slice)."""
    head: Donor
    """Gives final norm and language head (mergekit: the last slice)."""
    config_donor: Checkpoint
    """Gives config, tokenizer and sidecar files: base_model, else the first slice's model."""
    dtype: str | None = None
    out_dtype: str | None = None
    casts_all: bool = False
    """True if the dtypes also apply to tensors that a checkpoint stores in another dtype than most of its tensors."""
    patches: tuple[Patch, ...] = ()
    """Applied last, in this order."""

    @property
    def casts(self) -> bool:
        """Return True if the plan names a dtype."""
        return bool(self.dtype or self.out_dtype)

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Every checkpoint taking part, each once, in order of use."""
        taking_part = [part.checkpoint for visit in self.visits for part in visit.parts]
        ends = [self.embedding.checkpoint, self.head.checkpoint, self.config_donor]
        return tuple(dict.fromkeys([*taking_part, *ends]))


def factor_of(levels: tuple[FactorLevel, ...], tensor_name: str) -> float | None:
    """The factor for a tensor of this input name; None if no level matches it.

    Levels fall through: the nearest one that has a matching entry decides (mergekit's ConfigReader).
    """
    for level in levels:
        for pattern, factor in level:
            if pattern is None or pattern == "*" or pattern in tensor_name:
                return factor
    return None


def compile_plan(plan: Plan, checkpoints: Mapping[str, Checkpoint]) -> Stack:
    """The stack of `plan`, given the checkpoint for each of `plan.models`.

    The plan is resolved: it names checkpoints only. Ranges are not checked here, but by the structural rules.
    A reversed range gives no visit.
    """
    first, last = plan.slices[0], plan.slices[-1]
    return Stack(
        visits=tuple(_visits(plan, checkpoints)),
        embedding=Donor(checkpoints[first.model], levels_at((*first.levels, plan.scale), AT_THE_ENDS)),
        head=Donor(checkpoints[last.model], levels_at((*last.levels, plan.scale), AT_THE_ENDS)),
        config_donor=checkpoints[plan.donor],
        dtype=plan.dtype,
        out_dtype=plan.out_dtype,
        casts_all=plan.casts_all,
    )


def position_of(offset: int, slice_: Slice) -> float:
    """Position of a layer in its slice, from 0 to 1, at which gradients are read."""
    return offset / (slice_.length - 1) if slice_.length > 1 else 1.0


def levels_at(levels: Iterable[ScaleLevel], position: float) -> tuple[FactorLevel, ...]:
    """The levels that set something, gradients evaluated at `position` in [0, 1]."""
    return tuple([_level_at(level, position) for level in levels if level])


def _visits(plan: Plan, checkpoints: Mapping[str, Checkpoint]) -> Iterator[Visit]:
    seen: defaultdict[tuple[int, int], int] = defaultdict(int)
    for index, slice_ in enumerate(plan.slices):
        checkpoint = checkpoints[slice_.model]
        for layer, levels in zip(range(slice_.start, slice_.end), _levels_of_layers(slice_, plan.scale), strict=False):
            parts: tuple[Part, ...] = (Part(checkpoint, layer, levels=levels),)
            if graft := slice_.graft:
                parts = _grafted(parts[0], graft, checkpoints[graft.model], graft.start + layer - slice_.start)
            key = id(parts[0].checkpoint), parts[0].layer
            yield Visit(parts, seen[key], index)
            seen[key] += 1


def _grafted(part: Part, graft: Graft, other: Checkpoint, layer: int) -> tuple[Part, ...]:
    """Return the parts of a visit with a graft. The graft comes first if it gives everything."""
    kept, taken = part._replace(left=graft), Part(other, layer, given=graft)
    return (kept, taken) if kept.suffixes else (taken._replace(given=None),)


def _levels_of_layers(slice_: Slice, scale: ScaleLevel) -> Iterable[tuple[FactorLevel, ...]]:
    """Layer by layer; without gradients all layers share one value, made once."""
    levels = (*slice_.levels, scale)
    if any(len(entry.values) > 1 for level in levels for entry in level):
        return (levels_at(levels, position_of(offset, slice_)) for offset in range(slice_.length))
    return repeat(levels_at(levels, AT_THE_ENDS))


def _level_at(level: ScaleLevel, position: float) -> FactorLevel:
    return tuple([(entry.filter, _interpolated(entry.values, position)) for entry in level])


def _interpolated(values: tuple[float, ...], position: float) -> float:
    """`values` as knots of a line over [0, 1], read at `position`."""
    if len(values) == 1:
        return values[0]
    place = position * (len(values) - 1)
    left = min(int(place), len(values) - 2)
    share = place - left
    return values[left] * (1 - share) + values[left + 1] * share
