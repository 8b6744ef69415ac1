"""Rewrite of one entry, so that it matches a new layer if it matched the layer that was copied.

Where the spelling alone does not show how, rewritten forms are tried and compared with the names of all tensors.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from engine.checkpoint.layer_names.entries import (
    REGULAR,
    Entry,
    Spelling,
    layers_of_component,
    open_end,
    parts,
    pinned,
    tells_apart,
)
from engine.checkpoint.layer_names.origins import HOLDERS, PREFIXES, Origins
from engine.errors import CheckpointError, shown

Expected: TypeAlias = Mapping[str, bool]
"""Name of the new model to whether the rewritten entries must match it."""
Owners: TypeAlias = frozenset[int]
"""Indices of the sources that have an entry."""

_NEVER = "(?!)"


class Placed(NamedTuple):
    """A rewritten entry."""

    text: str
    layer: int | None = None
    """The source layer and the new one, where it is about one layer alone."""
    place: int | None = None


def placed(entry: Entry, origins: Origins, owners: Owners) -> list[Placed]:
    """The entries for the new layers; empty if all layers concerned were dropped.

    Raises CheckpointError if it is not clear which layers the entry is about.
    """
    if pin := pinned(entry, origins.modules):
        numbers = _places(origins, owners, [pin.layer])
        if entry.spelling in REGULAR:
            bodies = [f"{pin.before}{_alternatives(numbers)}{pin.after}"] if numbers else []
            return [Placed(entry.with_body(body).text) for body in bodies]
        return [Placed(f"{entry.sign}{pin.before}{n}{pin.after}", pin.layer, n) for n in numbers]
    if entry.spelling is Spelling.NAME:
        return [Placed(entry.text)]
    return [Placed(text) for text in _placed_pattern(entry, origins, owners)]


def _placed_pattern(entry: Entry, origins: Origins, owners: Owners) -> list[str]:
    if pin := open_end(entry, origins.modules):
        return _placed_open_end(entry, pin.before, pin.layer, origins, owners)
    is_in_all = owners.issuperset(source for source, _ in origins.all_visits)
    numbers = max(origins.depth, *(max(len(source.layers), source.depth) for source in origins.sources)) + 1
    if is_in_all and not tells_apart(entry, numbers):
        return [entry.text]
    if not origins.modules.is_known:
        raise _unclear(entry)
    return _tried(entry, origins, owners)


def _placed_open_end(entry: Entry, before: str, digits: int, origins: Origins, owners: Owners) -> list[str]:
    numbers = range(max(len(source.layers) for source in origins.sources) or digits + 1)
    layers = [digits, *(n for n in numbers if n != digits and str(n).startswith(str(digits)))]
    places = _places(origins, owners, layers)
    total = range(len(origins.all_visits))
    texts: list[str] = []
    covered: set[int] = set()
    for place in places:
        reached = {place, *(n for n in total if str(n).startswith(str(place)))}
        if place in covered:
            continue
        if reached <= set(places):
            texts.append(entry.with_body(f"{before}{place}*").text)
            covered |= reached
        else:
            texts += [entry.with_body(f"{before}{place}{tail}").text for tail in ("", ".*")]
    return texts


def _tried(entry: Entry, origins: Origins, owners: Owners) -> list[str]:
    matched = _naming(entry, origins)
    naming = matched or origins.modules.prefix
    expected = _expected(entry, origins, owners, naming)
    if matched and not any(expected.values()):
        return []
    for candidate in _candidates(entry, origins, owners, naming, expected):
        if _fulfils(candidate, expected):
            return [entry.text for entry in candidate]
    raise _unclear(entry)


def _candidates(
    entry: Entry, origins: Origins, owners: Owners, naming: str, expected: Expected
) -> Iterator[list[Entry]]:
    """The most faithful spelling first."""
    yield [entry]
    yield []
    if entry.spelling in REGULAR:
        yield [entry.with_body(_substituted(entry.body, origins, owners))]
        yield list(_spelled_out_regex(entry, origins, naming, expected))
    else:
        yield list(_substituted_glob(entry, origins, owners))
        yield list(_spelled_out_glob(entry, origins, naming, expected))


def _naming(entry: Entry, origins: Origins) -> str:
    """Prefix of the layer numbers in the names that the entry was written for; "" if it matches no layer."""
    modules = origins.modules
    for prefix in dict.fromkeys([modules.prefix, *(f"{prefix}{modules.holder}." for prefix in PREFIXES)]):
        for layer, names in enumerate(modules.inner_names):
            if any(entry.matches(f"{prefix}{layer}{name}") for name in names):
                return prefix
    return ""


def _expected(entry: Entry, origins: Origins, owners: Owners, naming: str) -> Expected:
    matches = entry.matches
    expected = {name: bool(matches(name)) for name in origins.modules.outer_names}
    for place, (source, layer) in enumerate(origins.all_visits):
        modules = origins.sources[source]
        old = modules.prefix if naming == origins.modules.prefix else naming
        for name in modules.inner_names[layer]:
            expected[f"{naming}{place}{name}"] = source in owners and bool(matches(f"{old}{layer}{name}"))
    return expected


def _fulfils(entries: Sequence[Entry], expected: Expected) -> bool:
    tests = [entry.matches for entry in entries]
    return all(any(test(name) for test in tests) == is_expected for name, is_expected in expected.items())


def _substituted(body: str, origins: Origins, owners: Owners) -> str:
    """Replace every part that matches some layers by the new numbers of these layers."""
    numbers = len(origins.modules.layers)
    for part in reversed(list(parts(body, numbers, origins.modules.holder))):
        if len(part.layers) < numbers:
            places = _places(origins, owners, part.layers)
            body = f"{body[: part.begin]}{_alternatives(places)}{body[part.end :]}"
    return body


def _substituted_glob(entry: Entry, origins: Origins, owners: Owners) -> Iterator[Entry]:
    modules = origins.modules
    components = entry.body.split(".")
    for index, component in enumerate(components):
        layers = layers_of_component(component, len(modules.layers))
        is_held = index == 0 or components[index - 1] in HOLDERS | {modules.holder} or components[index - 1][-1:] == "*"
        if not layers or component == "*" or not is_held:
            continue
        is_open = component.endswith("*") and index == len(components) - 1
        for place in _places(origins, owners, layers):
            for tail in ("", ".*") if is_open else ("",):
                yield entry.with_body(".".join([*components[:index], f"{place}{tail}", *components[index + 1 :]]))
        return


def _spelled_out_regex(entry: Entry, origins: Origins, naming: str, expected: Expected) -> Iterator[Entry]:
    begin = "^" if entry.spelling is Spelling.SEARCH else ""
    layers = re.escape(naming)
    if any(expected[name] for name in origins.modules.outer_names):
        anywhere = ".*?" if entry.spelling is Spelling.SEARCH and not entry.body.startswith("^") else ""
        yield entry.with_body(rf"{begin}(?!{layers}\d){anywhere}(?:{entry.body.removeprefix('^')})")
    for names, places in _alike(origins, naming, expected).items():
        tails = [re.escape(name) + (r"(?:\..*)?" if is_whole else "") for name, is_whole in names]
        tail = tails[0] if len(tails) == 1 else f"(?:{'|'.join(tails)})"
        yield entry.with_body(f"{begin}{layers}{_alternatives(places)}{tail}$")


def _spelled_out_glob(entry: Entry, origins: Origins, naming: str, expected: Expected) -> Iterator[Entry]:
    outer = origins.modules.outer_names
    covering = _covering([f".{name}" for name in outer], {f".{name}" for name in outer if expected[name]})
    bodies = [(name[1:], is_whole) for name, is_whole in covering]
    for names, places in _alike(origins, naming, expected).items():
        bodies += [(f"{naming}{place}{name}", is_whole) for place in places for name, is_whole in names]
    for body, is_whole in bodies:
        yield from (entry.with_body(f"{body}{tail}") for tail in (("", ".*") if is_whole else ("",)))


def _alike(origins: Origins, naming: str, expected: Expected) -> Mapping[tuple[tuple[str, bool], ...], list[int]]:
    """The new layers of which the same names are wanted."""
    alike: dict[tuple[tuple[str, bool], ...], list[int]] = defaultdict(list)
    for place, (source, layer) in enumerate(origins.all_visits):
        names = origins.sources[source].inner_names[layer]
        if matched := {name for name in names if expected[f"{naming}{place}{name}"]}:
            alike[tuple(_covering(names, matched))].append(place)
    return alike


def _covering(names: Sequence[str], matched: set[str]) -> list[tuple[str, bool]]:
    """`matched` in few entries: a module replaces itself and all that is in it."""
    partial = {name for missing in set(names) - matched for name in _around(missing)}
    wholes = matched - partial
    modules = {name.rpartition(".")[0] for name in names}
    return [
        (name, name in wholes and name in modules)
        for name in names
        if name in matched and not any(around in wholes for around in _around(name))
    ]


def _around(name: str) -> Iterator[str]:
    """Every module around a name that begins with a dot, "" included; none around ""."""
    while name:
        name = name.rpartition(".")[0]
        yield name


def _places(origins: Origins, owners: Owners, layers: Sequence[int]) -> list[int]:
    if len(layers) == len(owners) == 1:
        return origins.places(*owners, *layers)
    return sorted({place for layer in layers for source in owners for place in origins.places(source, layer)})


def _alternatives(numbers: Sequence[int]) -> str:
    """A regular expression for exactly these numbers."""
    if not numbers:
        return _NEVER
    return str(numbers[0]) if len(numbers) == 1 else f"(?:{'|'.join(map(str, numbers))})"


def _unclear(entry: Entry) -> CheckpointError:
    return CheckpointError(
        f"`{shown(entry.text)}` cannot be rewritten for the new layers",
        why="it is not clear which layers it matches",
        fix="Write one entry for each layer.",
    )
