"""A clock that nobody sets, for durations. The clock of the wall is set by users and time servers, by days at times."""

import time


def steady_seconds() -> float:
    """Since some moment in the past; the time that the machine sleeps is counted where the system can tell."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
