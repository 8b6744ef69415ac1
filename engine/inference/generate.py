"""Greedy generation with streaming, by one or several models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine.errors import CheckpointError, DlecError, UsageError
from engine.inference.devices import too_little_to_generate
from engine.inference.library import is_out_of_memory, one_line, translated
from engine.inference.tokenizer import marks_of, text_tokens
from engine.tensors.library import torch_library

Emit: TypeAlias = Callable[[str], None]
"""Called with the next piece of text; the pieces add up to the continuation."""


def stream_each(
    models: Sequence[Any], tokenizer: Any, prompt: str, max_new_tokens: int, emit: Callable[[int, str], None]
) -> list[str]:
    """Return the continuations of several models in order; `emit` gets each piece with its model's index."""

    def emit_as(number: int) -> Emit:
        return lambda piece: emit(number, piece)

    return [stream(model, tokenizer, prompt, max_new_tokens, emit_as(number)) for number, model in enumerate(models)]


def stream(model: Any, tokenizer: Any, prompt: str, max_new_tokens: int, emit: Emit) -> str:
    """Return the greedy continuation of `prompt`, without the prompt, and pass its pieces to `emit`.

    No chat template is applied. The prompt gets the tokenizer's prefix and no suffix; special tokens are removed from
    the continuation. Raises UsageError for a prompt without tokens, CheckpointError if the model cannot generate,
    MachineError if the memory does not suffice.
    """
    torch, marks = torch_library(), marks_of(tokenizer)
    tokens = text_tokens(tokenizer, marks, prompt)
    if not tokens:
        raise UsageError("the prompt is empty", fix="Give a text to continue.")
    pieces = _Pieces(tokenizer, emit)
    prompt_ids = torch.tensor([[*marks.prefix, *tokens]], device=model.device)
    inputs = {"input_ids": prompt_ids, "attention_mask": torch.ones_like(prompt_ids)}

    def explained(error: Exception) -> DlecError:
        if is_out_of_memory(error):
            return too_little_to_generate(error)
        return CheckpointError(f"{type(model).__name__} cannot generate", why=one_line(error))

    with translated(explained), torch.inference_mode():
        model.generate(**inputs, **_greedy(tokenizer, max_new_tokens), streamer=pieces)
    return pieces.text


@dataclass
class _Pieces:
    """Streamer for transformers' `generate`."""

    tokenizer: Any
    emit: Emit
    text: str = ""
    _tokens: list[int] = field(default_factory=list)
    _had_prompt: bool = False

    def put(self, tokens: Any) -> None:
        """Take the tokens of the prompt in the first call, then each new token."""
        if self._had_prompt:
            self._tokens += tokens.flatten().tolist()
            text = self._decoded()
            # An incomplete character is decoded as a replacement character.
            self._emit_new(text.rstrip("\ufffd"))
        self._had_prompt = True

    def end(self) -> None:
        """Emit the rest of the text."""
        self._emit_new(self._decoded())

    def _decoded(self) -> str:
        text: str = self.tokenizer.decode(self._tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _emit_new(self, text: str) -> None:
        if len(text) > len(self.text):
            self.emit(text[len(self.text) :])
            self.text = text


def _greedy(tokenizer: Any, max_new_tokens: int) -> dict[str, Any]:
    """Return options that override sampling parameters of generation_config.json."""
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return {
        "max_new_tokens": max_new_tokens,
        "do_sample": False,
        "temperature": None,
        "top_p": None,
        "top_k": None,
        "pad_token_id": padding,
    }
