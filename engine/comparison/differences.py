"""Differences between two tensors, in one pass over both.

Elements are subtracted in float32, in which 16-bit types are exact, or in float64 where their type is wider. BLAS sums
squares in runs of 8,192 elements, and from there on they are summed in float64. Where a piece leaves the
range of float32, or has NaN or infinite elements, it is computed in float64 from the start.
"""

import math
from dataclasses import dataclass

import numpy as np

from engine.comparison.elements import Array, Buffer, Elements, Memory, open_elements, spans
from engine.comparison.pairing import Pair
from engine.plan.outputs import Scaling

_RUN = 8192
_SMALLEST = 1e-30
"""Sums of squares below this may have lost elements to the smallest number of float32."""


class Workspace:
    """Memory for one piece of each side and for what is computed of them."""

    def __init__(self) -> None:
        self.base, self.given = Buffer(), Buffer()
        self.changes, self.flags = Memory(), Memory()


@dataclass(slots=True)
class Difference:
    """Sums over the elements of a pair: A is the base, scaled as the plan says, and B is compared with it."""

    elements: int = 0
    finite: int = 0
    """Number of elements that are finite in both; sums are over these."""
    identical: int = 0
    """Number of elements that are equal, bit by bit where both have one dtype."""
    sign_flips: int = 0
    """Number of elements that are positive in one and negative in the other."""
    base_squares: float = 0.0
    """Sum of squares of the base, as the plan scales it."""
    squares: float = 0.0
    """Sum of squares of B."""
    difference_squares: float = 0.0
    """Sum of squares of B minus the base."""
    largest: float = 0.0
    """Largest magnitude of B minus the base."""
    stored_squares: float = 0.0
    """Sum of squares of the base as it is stored; differs from base_squares where the plan scales it."""
    stored_products: float = 0.0
    """Sum of products of the base as it is stored and B."""

    def add_squares(self, base: float, given: float, change: float) -> None:
        """Add the sums of squares of elements whose base is not scaled."""
        self.base_squares += base
        self.stored_squares += base
        self.squares += given
        self.difference_squares += change
        self.stored_products += (base + given - change) / 2

    @property
    def rms(self) -> float | None:
        """Root mean square of the difference; None where no element is finite."""
        return math.sqrt(self.difference_squares / self.finite) if self.finite else None

    @property
    def base_rms(self) -> float | None:
        """Root mean square of the base as it is stored; None where no element is finite."""
        return math.sqrt(self.stored_squares / self.finite) if self.finite else None

    @property
    def relative(self) -> float | None:
        """RMS of the difference over the RMS of the base as it is stored, so that a zeroed copy is measured by its
        source; None if that is 0 and the difference is not."""
        if self.finite == 0 or (self.stored_squares == 0 and self.difference_squares > 0):
            return None
        return math.sqrt(self.difference_squares / self.stored_squares) if self.stored_squares else 0.0

    @property
    def cosine(self) -> float | None:
        """Cosine between the base and B; None where one of them is zero. Exact for differences of any size."""
        if not self.base_squares or not self.squares:
            return None
        base, norm = math.sqrt(self.base_squares), math.sqrt(self.squares)
        cosine = 1 - (self.difference_squares - (base - norm) ** 2) / (2 * base * norm)
        return min(max(cosine, -1.0), 1.0)

    @property
    def fit(self) -> float | None:
        """Factor by which the base as it is stored fits B best, by least squares; None where the base is zero."""
        return self.stored_products / self.stored_squares if self.stored_squares else None


def difference(pair: Pair, workspace: Workspace) -> Difference:
    """Compare a pair, piece by piece, in the memory of `workspace`.

    Raises CheckpointError if a file has shrunk, MachineError if one cannot be read.
    """
    total = Difference()
    with (
        np.errstate(all="ignore"),  # what is not finite is counted
        open_elements(pair.base.stored, workspace.base) as base,
        open_elements(pair.weights.stored, workspace.given) as given,
    ):
        is_plain = pair.base.scaling is None and pair.base.stored.dtype == pair.weights.stored.dtype
        for start, stop in spans(len(given)):
            if is_plain:
                _add_stored(total, base, given, (start, stop), workspace)
            else:
                _add_scaled(total, base, given, (start, stop), pair)
    return total


def _add_stored(
    total: Difference, base: Elements, given: Elements, span: tuple[int, int], workspace: Workspace
) -> None:
    """Add a piece of two tensors of one dtype."""
    base_bits, bits = base.read(*span), given.read(*span)
    changes = np.bitwise_xor(bits, base_bits, out=workspace.changes.array(bits.dtype, len(bits)))
    changed = int(np.count_nonzero(changes))
    total.elements += len(bits)
    total.identical += len(bits) - changed
    if not changed:
        _add_equal(total, base.unordered(base_bits))
        return
    flips = 0
    if given.has_sign:
        signs = workspace.flags.array(np.dtype(np.bool_), len(bits))
        flips = int(np.count_nonzero(np.less(changes.view(f"<i{changes.itemsize}"), 0, out=signs)))
    if flips and not (base_bits.min() and bits.min()):
        flips = _flips(base.unordered(base_bits), given.unordered(bits))  # zeros have signs that mean nothing
        base_bits, bits = base.read(*span), given.read(*span)
    _add_changed(total, base.unordered(base_bits), given.unordered(bits), flips)


def _add_scaled(total: Difference, base: Elements, given: Elements, span: tuple[int, int], pair: Pair) -> None:
    """Add a piece whose base is scaled or stored in another dtype."""
    stored = base.values(base.read(*span))
    scaling = pair.base.scaling
    before = scaled(stored, scaling, pair.base.stored.dtype) if scaling else stored
    after = given.values(given.read(*span))
    if before.dtype != after.dtype:
        before, after = before.astype(np.float64), after.astype(np.float64)
    total.elements += len(after)
    total.identical += int(np.count_nonzero(before == after))
    sums, counted = _finite_sums(stored, after), (total.stored_squares, total.stored_products)
    _add_changed(total, before, after, _flips(before, after))
    if scaling:  # what was added for the stored base was that of the scaled one
        total.stored_squares, total.stored_products = counted[0] + sums[0], counted[1] + sums[1]


def _add_equal(total: Difference, values: Array) -> None:
    """Add a piece that is the same on both sides."""
    squares = _squares(values)
    if not _is_in_range(squares, values):
        _add_carefully(total, values, values)
        return
    total.finite += len(values)
    total.add_squares(squares, squares, 0.0)


def _add_changed(total: Difference, before: Array, after: Array, flips: int) -> None:
    """Add a piece. Overwrites `after`."""
    base_squares, squares = _squares(before), _squares(after)
    if not (_is_in_range(base_squares, before) and _is_in_range(squares, after)):
        _add_carefully(total, before, after)
        return
    change = np.subtract(after, before, out=after)
    change_squares = _squares(change)
    if not _is_in_range(change_squares, change):
        wide = change.astype(np.float64)
        change_squares = _squares(wide)
    total.finite += len(before)
    total.sign_flips += flips
    total.add_squares(base_squares, squares, change_squares)
    total.largest = max(total.largest, float(change.max()), -float(change.min()))


def _squares(values: Array) -> float:
    """Sum of squares; not finite if an element is not, or if a run leaves the range."""
    return _products(values, values)


def _products(one: Array, other: Array) -> float:
    """Sum of products."""
    whole = len(one) - len(one) % _RUN
    runs = (one[:whole].reshape(-1, _RUN), other[:whole].reshape(-1, _RUN))
    return float(np.vecdot(*runs).sum(dtype=np.float64)) + float(one[whole:] @ other[whole:])


def _is_in_range(squares: float, values: Array) -> bool:
    """Return True if a sum of squares can be trusted: no overflow, no NaN, and nothing lost at the small end."""
    return math.isfinite(squares) and (squares > _SMALLEST * len(values) or not values.any())


def _flips(before: Array, after: Array) -> int:
    return int(np.count_nonzero(before * after < 0))


def _add_carefully(total: Difference, before: Array, after: Array) -> None:
    """Add a piece in float64, leaving out elements that are not finite in both."""
    is_finite = np.isfinite(before) & np.isfinite(after)
    before, after = before[is_finite].astype(np.float64), after[is_finite].astype(np.float64)
    change = after - before
    total.finite += len(before)
    total.sign_flips += _flips(before, after)
    total.add_squares(_squares(before), _squares(after), _squares(change))
    total.largest = max(total.largest, float(np.abs(change).max(initial=0.0)))


def _finite_sums(stored: Array, after: Array) -> tuple[float, float]:
    """Sum of squares of the first, and of products of both, over elements that are finite in both."""
    stored, after = stored.astype(np.float64), after.astype(np.float64)
    is_finite = np.isfinite(stored) & np.isfinite(after)
    if not is_finite.all():
        stored, after = stored[is_finite], after[is_finite]
    return _squares(stored), _products(stored, after)


def scaled(values: Array, scaling: Scaling, dtype: str) -> Array:
    """Return the values that a merge writes in a dtype for scaled ones (see `engine.tensors.scaling.scaled`)."""
    if scaling.factor == 1.0:
        return rounded(values, dtype)
    if scaling.offset:
        return rounded((scaling.factor * (values + scaling.offset) - scaling.offset).astype(values.dtype), dtype)
    return rounded(values * np.asarray(scaling.factor, values.dtype), dtype)


def rounded(values: Array, dtype: str) -> Array:
    """Return float32 values rounded to nearest, ties to even, as a 16-bit type holds them."""
    if dtype == "F16":
        return values.astype(np.float16).astype(np.float32)
    if dtype != "BF16":
        return values
    bits = values.view(np.uint32)
    nearest = ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return np.where(np.isfinite(values), nearest, values)
