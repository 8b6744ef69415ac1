"""Which visits a plan silences: copies that write nothing into the residual stream.

An inert copy leaves the model what it was, so what experience says of repeated layers does not hold for it.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from engine.errors import CheckpointError
from engine.plan.outputs import layer_scalings
from engine.plan.rules.writing import Writing
from engine.plan.stack import FactorLevel, Visit, factor_of

_Key: TypeAlias = tuple[int, int, tuple[FactorLevel, ...]]


@dataclass(frozen=True)
class Silence:
    """Answers for the visits of one stack, each question worked out once."""

    writing: Writing
    _speaking: dict[_Key, tuple[str, ...]] = field(default_factory=dict)

    def is_inert(self, visit: Visit) -> bool:
        """Whether the visit passes the stream on unchanged; False where its family is not understood."""
        return has_zero(visit) and not self.speaking(visit)

    def speaking(self, visit: Visit) -> tuple[str, ...]:
        """Suffixes of the tensors that still write into the stream; one empty suffix where the family is not
        understood."""
        key = (id(visit.checkpoint), visit.layer, visit.levels)
        if key not in self._speaking:
            try:
                self._speaking[key] = self._find_speaking(visit)
            except CheckpointError:
                self._speaking[key] = ("",)
        return self._speaking[key]

    def is_half_silent(self, visit: Visit) -> bool:
        """Whether some of what writes into the stream is silenced there, and some is not."""
        speaking = self.speaking(visit) if has_zero(visit) else ()
        return any(speaking) and len(speaking) < len(self.writing.writers(visit.checkpoint, visit.layer))

    def _find_speaking(self, visit: Visit) -> tuple[str, ...]:
        checkpoint, layer = visit.checkpoint, visit.layer
        writers = self.writing.writers(checkpoint, layer)
        norms = self.writing.norms_behind(checkpoint, layer)
        if norms:
            zeroed = {suffix for suffix, scaling in layer_scalings(visit).items() if scaling.factor == 0}
        else:
            name_of = checkpoint.anatomy.layer_tensor
            zeroed = {writer for writer in writers if factor_of(visit.levels, name_of(layer, writer)) == 0}
        return tuple(
            writer for writer in writers if writer not in zeroed and not _is_covered(norms.get(writer, ()), zeroed)
        )


def has_zero(visit: Visit) -> bool:
    """Whether the plan sets any factor of 0 there, whatever it reaches; False for visits of several parts."""
    return len(visit.parts) == 1 and 0 in [factor for level in visit.levels for _, factor in level]


def _is_covered(norm: tuple[str, ...], zeroed: set[str]) -> bool:
    return bool(norm) and zeroed.issuperset(norm)
