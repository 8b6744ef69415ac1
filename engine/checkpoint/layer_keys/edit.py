"""config.json and generation_config.json of a new sequence of layers, changed only where the sequence demands it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from engine.checkpoint.config import LAYER_COUNT_KEYS, LENGTH_KEYS, QUANTISATION_KEYS, ModelConfig, Tower
from engine.checkpoint.json_splice import KeyPath, spliced
from engine.checkpoint.layer_keys import indices, lists, refusals, thresholds
from engine.checkpoint.layer_keys.draft import Draft, Visits, described, refused
from engine.checkpoint.layer_keys.unknown_keys import unknown_key_warnings
from engine.checkpoint.layer_names import Modules, Origins, general_part, is_numbered_otherwise, renamed_in_configs
from engine.errors import shown


class ConfigEdit(NamedTuple):
    """A new config.json."""

    text: str
    """The donor's file with the changes spliced in; every other byte is the donor's."""
    changes: Mapping[KeyPath, Any]
    """Key path to new value."""
    notes: tuple[str, ...]
    """Sentences about what was guessed."""
    warnings: tuple[str, ...] = ()
    """Sentences about values that were copied although they may number layers."""


def edited_config(
    donor: ModelConfig,
    visits: Sequence[tuple[ModelConfig, int]],
    extra: Mapping[KeyPath, Any] | None = None,
    origins: Origins | None = None,
) -> ConfigEdit:
    """The donor's config for a model whose layer i is layer visits[i][1] of the model described by visits[i][0].

    `extra` holds further changes, as key paths from the top of the file; `origins` the same visits with the names of
    all tensors, without which patterns of names are refused. Raises CheckpointError, naming the key, when no config of
    this family describes such a model.
    """
    changes: dict[KeyPath, Any] = {}
    notes: list[str] = []
    warnings: list[str] = []
    if not _is_identity(donor, visits):
        changes |= _renamed_modules(donor, visits, origins or _without_names(donor, visits), notes)
        followed = set(changes)
        for tower in donor.towers:
            draft = _rewritten(donor, visits, tower)
            changes |= {(*tower, *path): value for path, value in draft.changes.items()}
            followed |= {(*tower, *path) for path in draft.followed}
            notes += draft.notes
        warnings += unknown_key_warnings(donor, followed)
    changes |= extra or {}
    return ConfigEdit(spliced(donor.text, changes), changes, tuple(dict.fromkeys(notes)), tuple(warnings))


def _is_identity(donor: ModelConfig, visits: Sequence[tuple[ModelConfig, int]]) -> bool:
    layers = [layer for config, layer in visits if config is donor]
    return len(layers) == len(visits) and layers == list(range(donor.layer_count))


def _rewritten(donor: ModelConfig, visits: Sequence[tuple[ModelConfig, int]], tower: Tower) -> Draft:
    known = {id(config): described(config, tower) for config in _each_once(donor, visits)}
    draft = Draft(known[id(donor)], len(visits))
    _rewrite(draft, Visits((known[id(config)], layer) for config, layer in visits))
    return draft


def _rewrite(draft: Draft, visits: Visits) -> None:
    """The order matters: some lists are made up from index lists and from each other."""
    refusals.check_sources(visits)
    refusals.check_ranges(draft.donor)
    _write_depth(draft)
    indices.remap(draft, visits)
    lists.untile(draft, visits)
    lists.gather(draft, visits)
    thresholds.rewrite(draft, visits)
    refusals.check_last_layer(draft.now)


def _write_depth(draft: Draft) -> None:
    """Every key that says the depth says the new one."""
    decoder, depth = draft.donor.decoder, draft.donor.layer_count
    for key in LAYER_COUNT_KEYS:
        if decoder.get(key) == depth:
            draft.set((key,), draft.layer_count)
    if decoder.get("num_layers") == depth and decoder.get("num_hidden_layers") == 2 * depth:
        draft.set(("num_hidden_layers",), 2 * draft.layer_count)
    if not any(decoder.get(key) for key in (*LAYER_COUNT_KEYS, *LENGTH_KEYS)):
        draft.set((LAYER_COUNT_KEYS[0],), draft.layer_count)
        draft.notes.append(f"`{LAYER_COUNT_KEYS[0]}` is added; {shown(draft.donor.name)} omits it.")


def _renamed_modules(
    donor: ModelConfig, visits: Sequence[tuple[ModelConfig, int]], origins: Origins, notes: list[str]
) -> dict[KeyPath, Any]:
    configs = _each_once(donor, visits)
    if len(configs) > 1:
        _check_quantised_alike(configs, origins)
    _check_numbered_by_names(configs)
    changes = renamed_in_configs(configs, origins)
    if () in changes:
        raise refused("config.json", "its top-level keys name layers, which no reader supports")
    notes += [f"`{shown('.'.join(path))}` names layers; its entries follow them." for path in changes]
    return dict(changes)


def _check_numbered_by_names(configs: Sequence[ModelConfig]) -> None:
    """Raises CheckpointError where a quantisation block numbers layers in a way that cannot follow them."""
    for config in configs:
        for tower in dict.fromkeys([(), *config.towers]):
            for key in QUANTISATION_KEYS:
                if is_numbered_otherwise(config.part(tower).get(key), config.layer_count):
                    why = f"{config.path} numbers layers in it, but not by the names of modules"
                    raise refused(key, why, "Name the modules in full there, as `model.layers.5.mlp`.")


def _check_quantised_alike(configs: Sequence[ModelConfig], origins: Origins) -> None:
    """One block of settings serves all layers. Raises CheckpointError where the sources' blocks differ."""
    first, *others = configs
    for tower in dict.fromkeys([(), *first.towers]):
        for key in QUANTISATION_KEYS:
            parts = [general_part(config.part(tower).get(key), origins.modules, (key,)) for config in configs]
            for config, part in zip(others, parts[1:], strict=True):
                if part != parts[0]:
                    why = f"{first.path} and {config.path} differ in it"
                    raise refused(key, why, "Stack checkpoints that are quantised in the same way.")


def _each_once(donor: ModelConfig, visits: Sequence[tuple[ModelConfig, int]]) -> list[ModelConfig]:
    return list({id(config): config for config in [donor, *(config for config, _ in visits)]}.values())


def _without_names(donor: ModelConfig, visits: Sequence[tuple[ModelConfig, int]]) -> Origins:
    configs = _each_once(donor, visits)
    numbers = {id(config): number for number, config in enumerate(configs)}
    modules = tuple(Modules(config.layer_count) for config in configs)
    return Origins(modules, tuple((numbers[id(config)], layer) for config, layer in visits))


GENERATION_FILE = "generation_config.json"
_BOUNDARIES = "dola_layers"
"""Boundaries whose hidden states are compared: 0 is the embeddings, n the output of layer n - 1."""
_EARLY_EXIT = "assistant_early_exit"
"""Number of lowest layers that draft tokens."""


def edited_generation(text: str, layers: Sequence[int | None]) -> str:
    """Text of generation_config.json for a model whose layer i is a copy of layer `layers[i]`.

    None is a layer of another checkpoint. An early exit, which no boundary of the new model equals for certain,
    is switched off. Text that is not a JSON object is returned unchanged.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return spliced(text, dict(_changes(data, layers))) if isinstance(data, dict) else text


def _changes(data: dict[str, Any], layers: Sequence[int | None]) -> Iterator[tuple[KeyPath, Any]]:
    listed = data.get(_BOUNDARIES)
    if isinstance(listed, list):
        kept = [0] if 0 in listed else []
        yield (_BOUNDARIES,), kept + [place + 1 for place, layer in enumerate(layers) if _output_of(layer) in listed]
    if type(data.get(_EARLY_EXIT)) is int:
        yield (_EARLY_EXIT,), None


def _output_of(layer: int | None) -> int | None:
    return None if layer is None else layer + 1
