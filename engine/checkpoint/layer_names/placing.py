"""Rewrites one entry so that it says of each new layer what it said of the layer that was copied.

Where the spelling alone does not show how, rewritten forms are tried and compared with the names of all tensors.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

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

Wanted: TypeAlias = Mapping[str, bool]
"""For each name of the new model whether the rewritten entries have to match it."""
Owners: TypeAlias = frozenset[int]
"""Indices of the sources that have an entry."""

_NEVER = "(?!)"


@dataclass(frozen=True, slots=True)
class Placed:
    """A rewritten entry."""

    text: str
    layer: int | None = None
    """The source layer and the new one, where it is about one layer alone."""
    place: int | None = None


def placed(entry: Entry, origins: Origins, owners: Owners) -> list[Placed]:
    """The entries for the new layers, none where all layers concerned were dropped.

    Raises CheckpointError when it cannot be told which layers the entry is about.
    """
    if found := pinned(entry, origins.modules):
        numbers = _places(origins, owners, [found.layer])
        if entry.spelling in REGULAR:
            bodies = [f"{found.before}{_alternatives(numbers)}{found.after}"] if numbers else []
            return [Placed(entry.with_body(body).text) for body in bodies]
        return [Placed(f"{entry.sign}{found.before}{n}{found.after}", found.layer, n) for n in numbers]
    if entry.spelling is Spelling.NAME:
        return [Placed(entry.text)]
    return [Placed(text) for text in _placed_pattern(entry, origins, owners)]


def _placed_pattern(entry: Entry, origins: Origins, owners: Owners) -> list[str]:
    if found := open_end(entry, origins.modules):
        return _placed_open_end(entry, found.before, found.layer, origins, owners)
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
    wanted = _wanted(entry, origins, owners, naming)
    if matched and not any(wanted.values()):
        return []
    for candidate in _candidates(entry, origins, owners, naming, wanted):
        if _fulfils(candidate, wanted):
            return [found.text for found in candidate]
    raise _unclear(entry)


def _candidates(entry: Entry, origins: Origins, owners: Owners, naming: str, wanted: Wanted) -> Iterator[list[Entry]]:
    """The most faithful spelling first."""
    yield [entry]
    yield []
    if entry.spelling in REGULAR:
        yield [entry.with_body(_substituted(entry.body, origins, owners))]
        yield list(_spelled_out_regex(entry, origins, naming, wanted))
    else:
        yield list(_substituted_glob(entry, origins, owners))
        yield list(_spelled_out_glob(entry, origins, naming, wanted))


def _naming(entry: Entry, origins: Origins) -> str:
    """What stands before the layer numbers in the names that the entry was written for; "" if it matches no layer."""
    modules = origins.modules
    for prefix in dict.fromkeys([modules.prefix, *(f"{prefix}{modules.holder}." for prefix in PREFIXES)]):
        for layer, names in enumerate(modules.inner_names):
            if any(entry.matches(f"{prefix}{layer}{name}") for name in names):
                return prefix
    return ""


def _wanted(entry: Entry, origins: Origins, owners: Owners, naming: str) -> Wanted:
    matches = entry.matches
    wanted = {name: bool(matches(name)) for name in origins.modules.outer_names}
    for place, (source, layer) in enumerate(origins.all_visits):
        modules = origins.sources[source]
        old = modules.prefix if naming == origins.modules.prefix else naming
        for name in modules.inner_names[layer]:
            wanted[f"{naming}{place}{name}"] = source in owners and bool(matches(f"{old}{layer}{name}"))
    return wanted


def _fulfils(entries: Sequence[Entry], wanted: Wanted) -> bool:
    tests = [entry.matches for entry in entries]
    return all(any(test(name) for test in tests) == is_wanted for name, is_wanted in wanted.items())


def _substituted(body: str, origins: Origins, owners: Owners) -> str:
    """Every part that stands for some layers replaced by the numbers that these have now."""
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


def _spelled_out_regex(entry: Entry, origins: Origins, naming: str, wanted: Wanted) -> Iterator[Entry]:
    begin = "^" if entry.spelling is Spelling.SEARCH else ""
    layers = re.escape(naming)
    if any(wanted[name] for name in origins.modules.outer_names):
        anywhere = ".*?" if entry.spelling is Spelling.SEARCH and not entry.body.startswith("^") else ""
        yield entry.with_body(rf"{begin}(?!{layers}\d){anywhere}(?:{entry.body.removeprefix('^')})")
    for names, places in _alike(origins, naming, wanted).items():
        tails = [re.escape(name) + (r"(?:\..*)?" if is_whole else "") for name, is_whole in names]
        tail = tails[0] if len(tails) == 1 else f"(?:{'|'.join(tails)})"
        yield entry.with_body(f"{begin}{layers}{_alternatives(places)}{tail}$")


def _spelled_out_glob(entry: Entry, origins: Origins, naming: str, wanted: Wanted) -> Iterator[Entry]:
    outer = origins.modules.outer_names
    covering = _covering([f".{name}" for name in outer], {f".{name}" for name in outer if wanted[name]})
    bodies = [(name[1:], is_whole) for name, is_whole in covering]
    for names, places in _alike(origins, naming, wanted).items():
        bodies += [(f"{naming}{place}{name}", is_whole) for place in places for name, is_whole in names]
    for body, is_whole in bodies:
        yield from (entry.with_body(f"{body}{tail}") for tail in (("", ".*") if is_whole else ("",)))


def _alike(origins: Origins, naming: str, wanted: Wanted) -> Mapping[tuple[tuple[str, bool], ...], list[int]]:
    """The new layers of which the same names are wanted."""
    alike: dict[tuple[tuple[str, bool], ...], list[int]] = defaultdict(list)
    for place, (source, layer) in enumerate(origins.all_visits):
        names = origins.sources[source].inner_names[layer]
        if found := {name for name in names if wanted[f"{naming}{place}{name}"]}:
            alike[tuple(_covering(names, found))].append(place)
    return alike


def _covering(names: Sequence[str], found: set[str]) -> list[tuple[str, bool]]:
    """`found` in few words: a module stands, as a whole, for itself and all that is in it."""
    partial = {name for missing in set(names) - found for name in _around(missing)}
    wholes = found - partial
    modules = {name.rpartition(".")[0] for name in names}
    return [
        (name, name in wholes and name in modules)
        for name in names
        if name in found and not any(around in wholes for around in _around(name))
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
        why="its spelling does not show which layers it is about",
        fix="Spell the layers out one by one.",
    )
