"""Small files in a checkpoint's directory, apart from weights and config, that may describe its layers."""

import fnmatch
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.checkpoint.config import CONFIG_FILE
from engine.errors import machine_error

MAX_BYTES = 2**24
"""A larger file is a vocabulary or data, not settings."""
_SETTINGS = ("*.json", "*.jsonl", "*.yaml", "*.yml", "*.toml", "*.ini", "*.csv")
_NO_SETTINGS = (
    CONFIG_FILE,
    "*.index.json",
    "adapter_*",
    "added_tokens.json",
    "chat_template*",
    "dlec_manifest.json",
    "mergekit_config.yml",
    "preprocessor_config.json",
    "special_tokens_map.json",
    "tekken.json",
    "token*",
    "trainer_state.json",
    "training_args*",
    "vocab*",
)
"""Files that do not describe layers, or that do not go into a new model."""

_NO_FOLDERS = (".*", "checkpoint-*", "coreml", "global_step*", "onnx", "openvino", "original", "runs")
"""Folders that do not go into a new model."""


def read_settings_files(directory: Path) -> Mapping[str, str | None]:
    """Return the text of each file in `directory` by name; None for a file that does not hold settings.

    Folders contribute their settings files only, as "folder/name". Raises MachineError when it cannot be read.
    """
    try:
        with os.scandir(directory) as entries:
            return dict(sorted(pair for entry in entries for pair in _read(entry)))
    except OSError as error:
        raise machine_error(f"{directory} cannot be read", error) from error


def _read(entry: os.DirEntry[str]) -> Iterator[tuple[str, str | None]]:
    if entry.is_file():
        yield entry.name, _text(entry) if _is_settings(entry) else None
    elif entry.is_dir(follow_symlinks=False) and not _is_one_of(entry.name, _NO_FOLDERS):
        yield from ((f"{entry.name}/{file.name}", _text(file)) for file in _files_in(entry) if _is_settings(file))


def _files_in(folder: os.DirEntry[str]) -> list[os.DirEntry[str]]:
    """None of a folder that is a model of its own, or that cannot be read."""
    try:
        with os.scandir(folder) as entries:
            files = [entry for entry in entries if entry.is_file()]
    except OSError:
        return []
    return [] if any(file.name == CONFIG_FILE for file in files) else files


def _is_settings(entry: os.DirEntry[str]) -> bool:
    return _is_one_of(entry.name, _SETTINGS) and not _is_one_of(entry.name, _NO_SETTINGS)


def _is_one_of(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _text(entry: os.DirEntry[str]) -> str | None:
    try:
        return Path(entry.path).read_text(encoding="utf-8") if entry.stat().st_size <= MAX_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None
