"""Continues a prompt greedily, model after model, and says every piece of text as soon as it is whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine.errors import CheckpointError, DlecError, UsageError
from engine.inference.devices import too_little_to_generate
from engine.inference.failures import is_out_of_memory, one_line, translated
from engine.inference.marks import marks_of, text_tokens
from engine.tensors.library import torch_library

Emit: TypeAlias = Callable[[str], None]
"""Takes the next piece of text. All pieces together are the continuation."""


def stream_each(
    models: Sequence[Any], tokenizer: Any, prompt: str, max_new_tokens: int, emit: Callable[[int, str], None]
) -> list[str]:
    """The continuations by several models, one after the other; `emit` gets each piece with its model's number."""

    def emit_as(number: int) -> Emit:
        return lambda piece: emit(number, piece)

    return [stream(model, tokenizer, prompt, max_new_tokens, emit_as(number)) for number, model in enumerate(models)]


def stream(model: Any, tokenizer: Any, prompt: str, max_new_tokens: int, emit: Emit) -> str:
    """The greedy continuation of `prompt`, without it, in pieces through `emit` and as a whole.

    No chat template is applied; the prompt is begun as the tokenizer begins a text, and has no end. Special tokens are
    left out of the continuation. Raises UsageError for a prompt without tokens,
    CheckpointError when the model cannot generate, MachineError when the memory does not suffice.
    """
    torch, marks = torch_library(), marks_of(tokenizer)
    tokens = text_tokens(tokenizer, marks, prompt)
    if not tokens:
        raise UsageError("the prompt is empty", fix="Give a text to continue.")
    pieces = _Pieces(tokenizer, emit)
    asked = torch.tensor([[*marks.prefix, *tokens]], device=model.device)
    given = {"input_ids": asked, "attention_mask": torch.ones_like(asked)}

    def explained(error: Exception) -> DlecError:
        if is_out_of_memory(error):
            return too_little_to_generate(error)
        return CheckpointError(f"{type(model).__name__} cannot generate", why=one_line(error))

    with translated(explained), torch.inference_mode():
        model.generate(**given, **_greedy(tokenizer, max_new_tokens), streamer=pieces)
    return pieces.said


@dataclass
class _Pieces:
    """What transformers calls a streamer."""

    tokenizer: Any
    emit: Emit
    said: str = ""
    _tokens: list[int] = field(default_factory=list)
    _had_prompt: bool = False

    def put(self, tokens: Any) -> None:
        """Take the prompt's tokens at first, then each new one."""
        if self._had_prompt:
            self._tokens += tokens.flatten().tolist()
            text = self._text()
            # A character whose bytes are still to come is decoded as a replacement character.
            self._say(text.rstrip("\ufffd"))
        self._had_prompt = True

    def end(self) -> None:
        self._say(self._text())

    def _text(self) -> str:
        text: str = self.tokenizer.decode(self._tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _say(self, text: str) -> None:
        if len(text) > len(self.said):
            self.emit(text[len(self.said) :])
            self.said = text


def _greedy(tokenizer: Any, max_new_tokens: int) -> dict[str, Any]:
    """Settings that override sampling parameters in generation_config.json."""
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return {
        "max_new_tokens": max_new_tokens,
        "do_sample": False,
        "temperature": None,
        "top_p": None,
        "top_k": None,
        "pad_token_id": padding,
    }
