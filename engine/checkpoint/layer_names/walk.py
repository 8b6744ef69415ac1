"""Rewrite of every entry that names layers, at any place of a settings file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from engine.checkpoint.anatomy import is_of_other_tower
from engine.checkpoint.config import ModelConfig, is_model_config
from engine.checkpoint.layer_names.entries import Entry, Spelling, entry_of, pinned
from engine.checkpoint.layer_names.origins import HOLDERS, Modules, Origins
from engine.checkpoint.layer_names.placing import Placed, placed
from engine.errors import CheckpointError, shown

Path: TypeAlias = tuple[str, ...]
Values: TypeAlias = Sequence[Any]
"""Value of each source at one path, the donor first; None if absent."""
Owned: TypeAlias = dict[int, Any]
"""Index of a source to the value that an entry has there."""

_SELECTS_MODULES = r"quant|compress|ignore|exclude|skip|target|dynamic|extra_config|not_convert|recipe"
"""Keys below which strings select modules, whatever they look like."""
_HOLDER = rf"(?<![a-z])(?:{'|'.join(sorted(HOLDERS))})(?![a-z])"
_MODULE_NAME = r"[\w.]+"


def renamed(documents: Values, origins: Origins, below: Path = ()) -> Mapping[Path, Any]:
    """Changes of the first of `documents`, one per source: key path to new value, () for the whole.

    below: names of what the document belongs to, such as its file. Raises CheckpointError, naming the
    place, where an entry cannot follow the layers.
    """
    return dict(_Walk(origins, below).changes((), documents))


def renamed_in_configs(configs: Sequence[ModelConfig], origins: Origins) -> Mapping[Path, Any]:
    """The same for the config.json of each source, whose parts for other models keep their numbers."""
    return dict(_Walk(origins, (), configs[0].towers).changes((), [config.data for config in configs]))


def general_part(value: Any, modules: Modules, keys: Path = ()) -> Any:
    """`value` without the entries that are about single layers."""
    if isinstance(value, dict):
        general = [key for key in value if not _is_about_layers(key, keys, modules)]
        return {key: general_part(value[key], modules, (*keys, key)) for key in general}
    if isinstance(value, list):
        kept = [inner for inner in value if not (isinstance(inner, str) and _is_about_layers(inner, keys, modules))]
        return sorted(kept) if all(isinstance(inner, str) for inner in kept) else kept
    return value


def _is_about_layers(text: str, keys: Path, modules: Modules) -> bool:
    if text.isidentifier():
        return False
    entry = entry_of(text, keys)
    return pinned(entry, modules) is not None or (entry.spelling is not Spelling.NAME and any(map(str.isdigit, text)))


@dataclass(frozen=True)
class _Walk:
    """One document of each source on the way to those of the new model."""

    origins: Origins
    below: Path
    towers: Sequence[Path] | None = None
    """Key paths of the decoder's parts; None for a document without parts."""

    def changes(self, path: Path, values: Values) -> Iterator[tuple[Path, Any]]:
        value = values[0]
        if isinstance(value, dict) and not self._has_entries(path, value):
            for key in value:
                if not self._is_elsewhere((*path, key), value[key]):
                    yield from self.changes((*path, key), _at(values, key))
            return
        new = self._walked(path, values)
        if new != value:
            yield path, new

    def _is_elsewhere(self, path: Path, value: Any) -> bool:
        """Return True if a part is about another tower or another model."""
        if is_of_other_tower(path[-1]) or self.towers is None:
            return is_of_other_tower(path[-1])
        is_of_decoder = any(tower[: len(path)] == path for tower in self.towers)
        return isinstance(value, dict) and is_model_config(value) and not is_of_decoder

    def _walked(self, path: Path, values: Values) -> Any:
        match values[0]:
            case dict():
                return self._mapping(path, values)
            case list() as items if all(isinstance(item, str) for item in items):
                return self._list(path, values)
            case list():
                return self._items(path, values)
            case str() as text:
                return self._single(path, text)
            case other:
                return other

    def _mapping(self, path: Path, values: Values) -> Any:
        """The first of equal expressions is kept, which is the one that readers use."""
        new: dict[str, Any] = {}
        for key, owned in _by_key(values):
            for entry in self._placed(path, key, owned):
                is_ordinary = entry.text == key and entry.place is None and 0 in owned and not is_of_other_tower(key)
                value = next(iter(owned.values()))
                inner = self._walked((*path, key), _at(values, key)) if is_ordinary else self._moved(value, entry)
                is_first = new.setdefault(entry.text, inner) == inner
                if not is_first and entry.place is not None:
                    raise self._error(path, f"two settings for `{shown(entry.text)}`")
        return new

    def _list(self, path: Path, values: Values) -> Any:
        keys = (*self.below, *path)
        if not any(self._is_entry(entry_of(item, keys), keys) for value in values for item in _strings(value)):
            return values[0]
        entries = [placed for item, owned in _by_item(values) for placed in self._placed(path, item, owned)]
        kept = [placed.text for placed in entries if placed.place is None]
        numbered = sorted((placed.place, placed.text) for placed in entries if placed.place is not None)
        new = [*kept, *dict.fromkeys(text for _, text in numbered)]
        return values[0] if sorted(new) == sorted(values[0]) else new

    def _items(self, path: Path, values: Values) -> list[Any]:
        """A list that holds more than strings."""
        return [self._walked(path, [_item(value, index) for value in values]) for index in range(len(values[0]))]

    def _single(self, path: Path, text: str) -> str:
        """A string outside a list: a name can name one layer, not several, unless commas separate them."""
        names = [name.strip() for name in text.split(",")]
        if len(names) > 1 and all(re.fullmatch(_MODULE_NAME, name) for name in names):
            return ",".join(self._list(path, [names])) if self._names_layer(path, names) else text
        if not self._may_name_layer(path, text):
            return text
        entries = self._placed(path, text, {0: None})
        if len(entries) != 1:
            raise self._error(path, f"there is room for one name, `{shown(text)}`, and the stack needs {len(entries)}")
        return entries[0].text

    def _names_layer(self, path: Path, names: Sequence[str]) -> bool:
        return any(pinned(entry_of(name, (*self.below, *path)), self.origins.modules) for name in names)

    def _may_name_layer(self, path: Path, text: str) -> bool:
        keys = (*self.below, *path)
        entry = entry_of(text, keys)
        if entry.spelling is Spelling.NAME:
            return re.fullmatch(_MODULE_NAME, text) is not None and pinned(entry, self.origins.modules) is not None
        is_of_modules = _selects_modules(keys) and re.search(_HOLDER, text) is not None
        return is_of_modules and self._chooses_modules(entry, keys)

    def _placed(self, path: Path, text: str, owned: Owned) -> list[Placed]:
        keys = (*self.below, *path)
        if text.isidentifier():
            return [Placed(text)] if 0 in owned else []
        entry = entry_of(text, keys)
        if not self._chooses_modules(entry, keys):
            return [Placed(text)] if 0 in owned else []
        try:
            return placed(entry, self.origins, frozenset(owned))
        except CheckpointError as error:
            raise self._error(path, error.line, error.fix) from error

    def _chooses_modules(self, entry: Entry, keys: Path) -> bool:
        if not entry.sign and any(map(str.isspace, entry.body)):
            return False
        if entry.spelling is Spelling.NAME or entry.sign:
            return True
        return _selects_modules(keys) or re.search(_HOLDER, entry.body) is not None

    def _has_entries(self, path: Path, value: Mapping[str, Any]) -> bool:
        """Return True if the keys themselves are entries; those of an ordinary object are plain words."""
        keys = (*self.below, *path)
        return any(self._is_entry(entry_of(key, keys), keys) for key in value)

    def _is_entry(self, entry: Entry, keys: Path) -> bool:
        """Return True if an entry may be about some layers."""
        if entry.body.isidentifier():
            return False
        if entry.spelling is Spelling.NAME:
            return pinned(entry, self.origins.modules) is not None
        return self._chooses_modules(entry, keys)

    def _moved(self, value: Any, target: Placed) -> Any:
        """The settings of one layer, in which names of that layer's modules are names of the new one's."""
        if target.place is None or target.place == target.layer:
            return value
        if isinstance(value, dict):
            return {self._moved(key, target): self._moved(inner, target) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._moved(inner, target) for inner in value]
        if not isinstance(value, str) or "." not in value or not re.fullmatch(_MODULE_NAME, value):
            return value
        name = pinned(Entry("", value, Spelling.NAME), self.origins.modules)
        return f"{name.before}{target.place}{name.after}" if name and name.layer == target.layer else value

    def _error(self, path: Path, why: str, fix: str = "") -> CheckpointError:
        return CheckpointError(f"`{shown('.'.join(path))}` cannot follow the layers", why=why, fix=fix)


def _at(values: Values, key: str) -> list[Any]:
    return [value.get(key) if isinstance(value, dict) else None for value in values]


def _item(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, list) and index < len(value) else None


def _by_key(values: Values) -> Iterator[tuple[str, Owned]]:
    """Every key of every source, and the sources that have it; apart for each value."""
    for source, value in enumerate(values):
        for key, inner in value.items() if isinstance(value, dict) else ():
            if len(values) == 1:
                yield key, {0: inner}
                continue
            owned = {index: other for index, other in enumerate(_at(values, key)) if other == inner}
            if min(owned) == source:
                yield key, owned


def _by_item(values: Values) -> Iterator[tuple[str, Owned]]:
    """Every string of every source's list, and the sources that have it; plain words, which name no module, as often
    as they occur."""
    members = [_strings(value) for value in values]
    yield from ((word, {0: None}) for word in values[0] if word.isidentifier())
    for item in dict.fromkeys(item for strings in members for item in strings if not item.isidentifier()):
        yield item, {index: None for index, strings in enumerate(members) if item in strings}


def _strings(value: Any) -> Mapping[str, None]:
    """The strings of a list, in order, to be looked up."""
    return dict.fromkeys(item for item in value if isinstance(item, str)) if isinstance(value, list) else {}


def _selects_modules(keys: Path) -> bool:
    return any(re.search(_SELECTS_MODULES, key) for key in keys)
