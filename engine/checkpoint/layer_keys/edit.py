"""Writes the config.json of a new sequence of layers, changing only what the sequence demands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.checkpoint.config import LAYER_COUNT_KEYS, ModelConfig
from engine.checkpoint.json_splice import KeyPath, spliced
from engine.checkpoint.layer_keys import indices, lists, patterns, refusals, thresholds
from engine.checkpoint.layer_keys.draft import Described, Draft, Visits, described


@dataclass(frozen=True)
class ConfigEdit:
    """A new config.json."""

    text: str
    """The donor's file with the changes spliced in; every other byte is the donor's."""
    changes: Mapping[KeyPath, Any]
    """From key path to new value."""
    notes: tuple[str, ...]
    """Sentences about what was guessed."""


def edited_config(
    donor: ModelConfig, visits: Sequence[tuple[ModelConfig, int]], extra: Mapping[KeyPath, Any] | None = None
) -> ConfigEdit:
    """The donor's config for a model whose layer i is layer visits[i][1] of the model described by visits[i][0].

    `extra` holds further changes, as key paths from the top of the file. Raises CheckpointError, naming the key, when
    no config of this family describes such a model.
    """
    draft = Draft(described(donor), len(visits))
    if not _is_identity(donor, visits):
        _rewrite(draft, _described_visits(draft.donor, donor, visits))
    changes = {(*donor.tower, *path): value for path, value in draft.changes.items()}
    changes.update(extra or {})
    return ConfigEdit(spliced(donor.text, changes), changes, tuple(draft.notes))


def _is_identity(donor: ModelConfig, visits: Sequence[tuple[ModelConfig, int]]) -> bool:
    layers = [layer for config, layer in visits if config is donor]
    return len(layers) == len(visits) and layers == list(range(donor.layer_count))


def _described_visits(
    donor_described: Described, donor: ModelConfig, visits: Sequence[tuple[ModelConfig, int]]
) -> Visits:
    configs = {id(config): config for config, _ in visits}
    known = {number: described(config) for number, config in configs.items()} | {id(donor): donor_described}
    return Visits((known[id(config)], layer) for config, layer in visits)


def _rewrite(draft: Draft, visits: Visits) -> None:
    """The order matters: some lists are made up from index lists and from each other."""
    refusals.check_sources(visits)
    for key in LAYER_COUNT_KEYS:
        if draft.donor.decoder.get(key) == draft.donor.layer_count:
            draft.set((key,), draft.layer_count)
    indices.remap(draft, visits)
    patterns.untile(draft, visits)
    lists.gather(draft, visits)
    thresholds.rewrite(draft, visits)
    refusals.check_last_layer(draft.now)
