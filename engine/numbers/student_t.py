"""Student's t distribution: quantiles and two-sided tails, from the regularised incomplete beta function.

Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.5.8 (continued fraction), 26.7.1 (relation to t);
the fraction is evaluated by Lentz's method; 26.7.5 (expansion around the normal quantile) for a very large number of
degrees of freedom. Relative error below 1e-10.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

_CONVERGED = 1e-15
_TINY = 1e-300
_MOST_STEPS = 400
_NEARLY_NORMAL = 1e6
"""Degrees of freedom above which the expansion is used: it is accurate, and the fraction converges slowly."""
_LARGE = 40.0
"""Argument above which the asymptotic series is more accurate than the difference of two lgamma values."""


@lru_cache(maxsize=1024)
def t_quantile(p: float, df: float) -> float:
    """Return the quantile `p` of Student's t distribution with `df` degrees of freedom.

    Raises ValueError unless 0 < p < 1 and df > 0.
    """
    if not (0 < p < 1 and 0 < df < math.inf):
        raise ValueError(f"t_quantile needs 0 < p < 1 and df > 0, got p={p}, df={df}")
    if p == 0.5:
        return 0.0
    if df > _NEARLY_NORMAL:
        return _expansion(NormalDist().inv_cdf(p), df)
    tails, centre = 2 * min(p, 1 - p), 2 * abs(p - 0.5)
    if tails < centre:  # solve for the smaller one, which has the higher relative precision
        size = _decreasing_root(lambda t: _outside(t, df) - tails, df)
    else:
        size = _decreasing_root(lambda t: centre - _inside(t, df), df)
    return math.copysign(size, p - 0.5)


def two_sided_p(t: float, df: float) -> float:
    """Return P(|T| > |t|) for a Student variable T with `df` degrees of freedom.

    Raises ValueError unless df > 0 and t is a number, which may be infinite.
    """
    if math.isnan(t) or not 0 < df < math.inf:
        raise ValueError(f"two_sided_p needs a number and df > 0, got t={t}, df={df}")
    if math.isinf(t):
        return 0.0
    if df > _NEARLY_NORMAL:
        return 2 * NormalDist().cdf(-abs(t - (t**3 + t) / (4 * df)))  # inverse of _expansion
    return _outside(t, df)


def _expansion(z: float, df: float) -> float:
    return z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)


def _outside(t: float, df: float) -> float:
    """Return P(|T| > t)."""
    return _regularised_beta(df / 2, 0.5, df / (df + t * t), t * t / (df + t * t))


def _inside(t: float, df: float) -> float:
    """Return P(|T| < t)."""
    return _regularised_beta(0.5, df / 2, t * t / (df + t * t), df / (df + t * t))


def _density(t: float, df: float) -> float:
    """Return the density of |T| at t > 0."""
    exponent = _log_gamma_step(df / 2) - 0.5 * math.log(df * math.pi) - (df + 1) / 2 * math.log1p(t * t / df)
    return 2 * math.exp(exponent)


def _decreasing_root(excess: Callable[[float], float], df: float) -> float:
    """Return the root of `excess` by Newton's method inside a shrinking bracket.

    The derivative of `excess` is minus the density of |T|.
    """
    low, high = 0.0, 1.0
    while excess(high) > 0:
        low, high = high, 2 * high
    t = (low + high) / 2
    for _ in range(_MOST_STEPS):
        above = excess(t)
        low, high = (t, high) if above > 0 else (low, t)
        density = _density(t, df)
        following = t + above / density if density > 0 else high
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - t) <= 1e-14 * t:
            return following
        t = following
    return t


def _regularised_beta(a: float, b: float, x: float, rest: float) -> float:
    """Return I_x(a, b). rest: 1 - x, passed separately to keep precision near 1. a or b is 1/2."""
    if x == 0 or rest == 0:
        return 0.0 if x == 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # slow convergence: use the symmetry
        return 1 - _beta_by_fraction(b, a, rest, x)
    return _beta_by_fraction(a, b, x, rest)


def _beta_by_fraction(a: float, b: float, x: float, rest: float) -> float:
    log_beta = 0.5 * math.log(math.pi) - _log_gamma_step(b if a == 0.5 else a)
    log_front = a * _log(x, rest) + b * _log(rest, x) - log_beta
    return math.exp(log_front) / a * _continued_fraction(a, b, x)


def _log(x: float, rest: float) -> float:
    return math.log1p(-rest) if rest < 0.5 else math.log(x)


def _log_gamma_step(a: float) -> float:
    """Return log(Gamma(a + 1/2) / Gamma(a))."""
    if a < _LARGE:
        return math.lgamma(a + 0.5) - math.lgamma(a)
    return 0.5 * math.log(a) - 1 / (8 * a) + 1 / (192 * a**3) - 1 / (640 * a**5) + 17 / (14336 * a**7)


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Return 1 / (1 + d1 / (1 + d2 / ...)) of A&S 26.5.8."""
    value, above, below = 1.0, 1.0, 0.0
    for step in range(_MOST_STEPS):
        term = _fraction_term(a, b, x, step)
        below = 1 / _nonzero(1 + term * below)
        above = _nonzero(1 + term / above)
        value *= above * below
        if step and abs(above * below - 1) < _CONVERGED:
            break
    return 1 / value


def _fraction_term(a: float, b: float, x: float, step: int) -> float:
    m = (step + 1) // 2
    if step % 2:
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
