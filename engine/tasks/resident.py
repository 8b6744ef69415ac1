"""What stays open between the tasks of one process: opening a model anew takes longer than many measurements."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.tasks.setting import Setting, corpus_of, dtype_of
from engine.text.corpus import half_of


def model_of(checkpoint: Checkpoint, setting: Setting) -> Any:
    """The checkpoint's transformers model, as the setting wants it computed."""
    from engine.inference.devices import chosen_device

    return _model(checkpoint.directory, dtype_of(checkpoint, setting), chosen_device(setting.device))


def tokenizer_of(checkpoint: Checkpoint) -> Any:
    """Raises CheckpointError when there is none."""
    return _tokenizer(checkpoint.directory)


def sequences_of(checkpoint: Checkpoint, setting: Setting) -> Any:
    """The setting's text as a LongTensor [sequences, tokens in each], in the tokens of the checkpoint."""
    return _sequences(checkpoint.directory, setting)


@lru_cache(maxsize=4)
def _model(directory: Path, dtype: str, device: str) -> Any:
    from engine.inference.opened import open_model

    return open_model(directory, dtype, device)


@lru_cache(maxsize=1)
def _tokenizer(directory: Path) -> Any:
    from engine.inference.opened import open_tokenizer

    return open_tokenizer(directory)


@lru_cache(maxsize=2)
def _sequences(directory: Path, setting: Setting) -> Any:
    from engine.inference.sequences import token_sequences

    documents = half_of(corpus_of(setting), setting.half)
    return token_sequences(_tokenizer(directory), documents, setting.seq_len, setting.tokens)
