"""A steady clock for durations. Users and time servers change the system clock, sometimes by days."""

import time


def steady_seconds() -> float:
    """Return the seconds since a fixed moment, including suspend where the system supports it."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
