"""Files next to the weights that describe layers: copied, rewritten or left out.

JSON is rewritten like config.json. A file that cannot be rewritten is left out, or refused if the weights cannot be
read without it.
"""

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from engine.checkpoint.anatomy import is_of_other_tower
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.config import LAYER_COUNT_KEYS
from engine.checkpoint.json_splice import KeyPath, spliced
from engine.checkpoint.layer_keys.edit import GENERATION_FILE, edited_generation
from engine.checkpoint.layer_keys.lists import KNOWN as PER_LAYER_LISTS
from engine.checkpoint.layer_names import Origins, general_part, is_numbered_otherwise, renamed
from engine.errors import CheckpointError, shown
from engine.plan.outputs import origins_of
from engine.plan.stack import Stack

LEFT_OUT: dict[str, tuple[str, ...]] = {
    "measured on the source's layers": ("imatrix*", "*.imatrix", "quant_log*"),
    "a signature or checksum of the source's files": (
        "*.sig", "*.sign", "*.sigstore", "*.sigstore.json", "*signature*", "*.asc", "*.minisig", "*.p7s",
        "*.intoto.jsonl", "*attestation*", "*.md5", "*.sha1", "*.sha256", "*.sha512", "*.blake3",
        "md5sum*", "MD5SUM*", "sha*sum*", "SHA*SUM*", "*checksum*",
    ),
}  # fmt: skip
"""Reason to patterns of names, whatever the stack is."""

REWRITTEN = "names layers; rewritten for the new model"
_NAMES_LAYERS = "names layers of the source"
_QUANTISATION = r"quant"
"""Files that readers need to understand the weights."""
_NUMBERED_TEXT = r"(?i)(?:layers?|blk)\W{1,3}\d"


@dataclass(frozen=True)
class Companions:
    """Files that cannot be copied unchanged."""

    rewritten: Mapping[str, str] = field(default_factory=dict)
    """Name to new text."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Name to reason."""


class _LeftOutError(Exception):
    """Raised for a file that is left out; the argument is the reason."""


def companions(stack: Stack) -> Companions:
    """Raises CheckpointError, naming the file, for one that is needed and cannot be rewritten."""
    rewritten: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name, text in stack.config_donor.settings_files.items():
        if reason := _reason_by_name(name):
            left_out[name] = reason
        elif text is not None and not is_as_it_was(stack):
            try:
                new = _follows(name, text, stack)
            except _LeftOutError as error:
                left_out[name] = str(error)
            else:
                rewritten |= {name: new} if new != text else {}
    _check_quantisation_files(stack)
    return Companions(rewritten, left_out)


def is_as_it_was(stack: Stack) -> bool:
    """Return True if the new model has the donor's layers in their order and number."""
    donor = stack.config_donor
    layers = [visit.layer for visit in stack.visits if visit.checkpoint is donor]
    return len(layers) == len(stack.visits) and layers == list(range(donor.layer_count))


def _reason_by_name(name: str) -> str:
    reasons = (why for why, patterns in LEFT_OUT.items() if any(fnmatch.fnmatchcase(name, p) for p in patterns))
    return next(reasons, "")


def _follows(name: str, text: str, stack: Stack) -> str:
    """The new text of a settings file. Raises _LeftOutError, or CheckpointError for a file that is needed."""
    if name == GENERATION_FILE:
        donor = stack.config_donor
        return edited_generation(text, [v.layer if v.checkpoint is donor else None for v in stack.visits])
    if not name.endswith(".json"):
        return _as_it_was(name, text, stack)
    try:
        return _rewritten(name, text, stack)
    except CheckpointError as error:
        if not re.search(_QUANTISATION, name):
            raise _LeftOutError(f"{_NAMES_LAYERS}: {error.line}") from error
        raise CheckpointError(f"{shown(name)}: {error.what}", why=error.why, fix=error.fix) from error


def _rewritten(name: str, text: str, stack: Stack) -> str:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return _as_it_was(name, text, stack)
    origins = origins_of(stack)
    depths = dict(_depth_changes(data, stack))
    new = spliced(text, depths)
    data = json.loads(new) if depths else data
    documents = [data, *(_document(checkpoint, name) for checkpoint in _givers(stack)[1:])]
    changes = renamed(documents, origins, (name,))
    if len(documents) > 1 and (changes or depths or re.search(_QUANTISATION, name)):
        _check_alike(name, [json.loads(text), *documents[1:]], origins)
    if is_numbered_otherwise(data, origins.modules.depth, PER_LAYER_LISTS, text):
        raise CheckpointError("it lists the layers in a way that is not understood")
    return json.dumps(changes[()], indent=2) + "\n" if () in changes else spliced(new, changes)


def _as_it_was(name: str, text: str, stack: Stack) -> str:
    """The text of a file other than JSON that says nothing of single layers."""
    documents = _yaml_documents(text) if name.endswith((".yaml", ".yml")) else None
    if documents is None:
        is_stale = re.search(_NUMBERED_TEXT, text) is not None
    else:
        is_stale = any(_is_stale(name, text, data, stack) for data in documents)
    if is_stale:
        raise _LeftOutError(_NAMES_LAYERS)
    return text


def _is_stale(name: str, text: str, data: Any, stack: Stack) -> bool:
    origins = origins_of(stack)
    try:
        changes = renamed([data], origins, (name,)) or [*_depth_changes(data, stack)]
    except CheckpointError:
        return True
    return bool(changes) or is_numbered_otherwise(data, origins.modules.depth, PER_LAYER_LISTS, text)


def _yaml_documents(text: str) -> list[Any] | None:
    """Return the documents as JSON values; None for text that is not YAML, or that has aliases, which can expand it."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _LOADER)):
            return None
        return [json.loads(json.dumps(data, default=str)) for data in yaml.load_all(text, _LOADER)]
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return None


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _givers(stack: Stack) -> list[Checkpoint]:
    """Checkpoints of the stack, in the order of the origins' sources."""
    return list(dict.fromkeys([stack.config_donor, *(visit.checkpoint for visit in stack.visits)]))


def _document(checkpoint: Checkpoint, name: str) -> Any:
    try:
        return json.loads(checkpoint.settings_files.get(name) or "null")
    except (ValueError, RecursionError):
        return None


def _depth_changes(data: Any, stack: Stack, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Keys that say the depth, and lists with one entry a layer."""
    depth = stack.config_donor.layer_count
    for key, value in data.items() if isinstance(data, dict) else ():
        if is_of_other_tower(key):
            continue
        if key in LAYER_COUNT_KEYS and type(value) is int and value == depth:
            yield (*path, key), len(stack.visits)
        elif key in PER_LAYER_LISTS and isinstance(value, list) and len(value) == depth:
            yield (*path, key), [value[visit.layer] for visit in stack.visits]
        elif isinstance(value, dict):
            yield from _depth_changes(value, stack, (*path, key))


def _check_alike(name: str, documents: list[Any], origins: Origins) -> None:
    """One file serves all layers."""
    parts = [general_part(document, origins.modules, (name,)) for document in documents]
    if any(part != parts[0] for part in parts):
        raise CheckpointError("the checkpoints say different things in it")


def _check_quantisation_files(stack: Stack) -> None:
    """Raises CheckpointError where a source's weights are described by a file that the config's donor lacks."""
    donor = stack.config_donor
    for checkpoint in _givers(stack)[1:]:
        for name, text in checkpoint.settings_files.items():
            if text is not None and re.search(_QUANTISATION, name) and name not in donor.settings_files:
                raise CheckpointError(
                    f"{checkpoint.reference} is quantised as its {shown(name)} says",
                    why=f"{donor.reference}, which gives the config, has no such file",
                    fix="Stack checkpoints that are quantised in the same way.",
                )
