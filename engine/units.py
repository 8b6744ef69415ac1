"""Sizes, counts, rates and durations as text: the one place that formats quantities."""

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_COUNT_UNITS = ("", " thousand", " million", " billion", " trillion")
_DAY = 86_400
_AGES = (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 2 * _DAY))
"""Units of time: name, length in seconds, and the age in seconds from which the next unit is used."""


def byte_size(number: float) -> str:
    """Bytes in decimal units, as disks and the hub count them: 269060000 gives "269 MB"."""
    return _scaled(number, _BYTE_UNITS, " ")


def count(number: int) -> str:
    """A number of things: exact below ten thousand, else rounded: 134515008 gives "135 million"."""
    return f"{number:,}" if abs(number) < 10_000 else _scaled(number, _COUNT_UNITS, "")


def plural(number: int, singular: str, plural_form: str = "") -> str:
    """A count with its noun: "1 layer", "30 layers"."""
    return f"{number:,} {singular if number == 1 else plural_form or singular + 's'}"


def rate(nbytes: float, seconds: float) -> str:
    """Bytes per second; "" if no time has passed."""
    return f"{byte_size(nbytes / seconds)}/s" if seconds > 0 else ""


def frequency(per_second: float) -> str:
    """The frequency of an event, in the unit in which it is at least one: "12/s", "3.2/min"."""
    unit, length = next(((unit, length) for unit, length, _ in _AGES if per_second * length >= 1), _AGES[-1][:2])
    number = per_second * length
    return f"{count(round(number)) if number >= 10 else f'{number:.2g}'}/{unit}"


def duration(seconds: float) -> str:
    """A duration in the units that people use: "0.4 s", "75 s", "12 min", "3 h 20 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def age(seconds: float) -> str:
    """A rough age: "4 s", "12 min", "3 h", "5 d"."""
    for unit, length, until in _AGES:
        if seconds < until:
            return f"{int(seconds / length)} {unit}"
    return f"{int(seconds / _DAY)} d"


def _scaled(number: float, units: tuple[str, ...], gap: str) -> str:
    """`number` in the largest unit that keeps it at least 1, with three digits."""
    power = 0
    while abs(number) >= 999.5 and power < len(units) - 1:
        number /= 1000
        power += 1
    digits = 0 if power == 0 or abs(number) >= 99.95 else 1 if abs(number) >= 9.995 else 2
    return f"{number:.{digits}f}{gap}{units[power]}"
