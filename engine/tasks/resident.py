"""Models, tokenizers and texts that stay open between the tasks of one process: opening a model takes longer than many
measurements.

A changed file is opened again. Models that the current task does not use are closed before another is opened, because
few machines hold both; the rest is small.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.checkpoint.attention import require_context
from engine.checkpoint.checkpoint import Checkpoint
from engine.tasks.measurement_options import MeasurementOptions, corpus_of, dtype_of
from engine.text.corpus import Corpus, Split, documents_of

if TYPE_CHECKING:
    from engine.inference.sampling import Sample
    from engine.inference.sequences import Sequences

State: TypeAlias = tuple[tuple[str, int, int, int], ...]
"""Path, inode, size in bytes and time of the last change in nanoseconds of each file."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """Origin of a resident model."""

    directory: Path
    state: State
    dtype: str
    device: str


@dataclass(frozen=True)
class OpenModels:
    """Models that are open in this process, by their origin."""

    models: dict[_Opened, Any] = field(default_factory=dict)

    def keep_only(self, requested: set[_Opened]) -> None:
        """Close all others and free their memory."""
        from engine.inference.devices import release_memory

        for opened in self.models.keys() - requested:
            del self.models[opened]
        release_memory()


_OPEN = OpenModels()
"""Models of this process."""


def close_all() -> None:
    """Close every model, tokenizer and text."""
    _OPEN.models.clear()
    for cached in (_tokenizer, _text, _sample):
        cached.cache_clear()


def model_of(checkpoint: Checkpoint, options: MeasurementOptions) -> Any:
    """Return the checkpoint's transformers model with the options' dtype and device."""
    return models_of([checkpoint], options)[checkpoint]


def models_of(checkpoints: Iterable[Checkpoint], options: MeasurementOptions) -> dict[Checkpoint, Any]:
    """Return the models of all checkpoints that a task uses together. Raises whatever opening them raises."""
    from engine.inference.load_model import open_model

    requested = {checkpoint: _opened(checkpoint, options) for checkpoint in checkpoints}
    missing = set(requested.values()) - _OPEN.models.keys()
    if missing:
        _OPEN.keep_only(set(requested.values()))
    for each in missing:
        _OPEN.models[each] = open_model(each.directory, each.dtype, each.device)
    return {checkpoint: _OPEN.models[each] for checkpoint, each in requested.items()}


def is_open(checkpoint: Checkpoint, options: MeasurementOptions) -> bool:
    """Return True if the model is open with the options' dtype and device."""
    return _opened(checkpoint, options) in _OPEN.models


def tokenizer_of(checkpoint: Checkpoint) -> Any:
    """Return the tokenizer. Raises CheckpointError for a checkpoint without one."""
    return _tokenizer(checkpoint.directory, _state_below(checkpoint.directory))


def text_of(options: MeasurementOptions) -> Corpus:
    """Return the text of the options. Raises like `corpus_of`."""
    return _text(options.text, _state(map(Path, options.text)))


def sample_of(checkpoint: Checkpoint, options: MeasurementOptions) -> "Sample":
    """Return sequences of the text in tokens of the checkpoint. Raises UsageError if they are longer than the model's
    context, before it is opened."""
    require_context(checkpoint, options.seq_len)
    model, text = _state_below(checkpoint.directory), _state(map(Path, options.text))
    return _sample(checkpoint.directory, model, options.text, text, options.split, options.seq_len, options.tokens)


def sequences_of(checkpoint: Checkpoint, options: MeasurementOptions) -> "Sequences":
    """Return the sequences of the sample."""
    return sample_of(checkpoint, options).sequences


@lru_cache(maxsize=1)
def _tokenizer(directory: Path, _state: State) -> Any:
    from engine.inference.load_model import open_tokenizer

    return open_tokenizer(directory)


@lru_cache(maxsize=1)
def _text(files: tuple[str, ...], _state: State) -> Corpus:
    return corpus_of(MeasurementOptions(text=files))


@lru_cache(maxsize=2)
def _sample(
    directory: Path, state: State, files: tuple[str, ...], text: State, split: Split, seq_len: int, tokens: int
) -> "Sample":
    from engine.inference.sampling import sample_sequences

    documents = documents_of(_text(files, text), split)
    return sample_sequences(_tokenizer(directory, state), documents, seq_len, tokens)


def _opened(checkpoint: Checkpoint, options: MeasurementOptions) -> _Opened:
    from engine.inference.devices import chosen_device

    directory, dtype = checkpoint.directory, dtype_of(checkpoint, options)
    return _Opened(directory, _state_below(directory), dtype, chosen_device(options.device))


def _state_below(directory: Path) -> State:
    return _state(sorted(directory.iterdir()))


def _state(files: Iterable[Path]) -> State:
    """Return the present state. A missing file has none: opening it raises the error."""
    stats = ((file, file.stat()) for file in files if file.is_file())
    return tuple((str(file), stat.st_ino, stat.st_size, stat.st_ctime_ns) for file, stat in stats)
