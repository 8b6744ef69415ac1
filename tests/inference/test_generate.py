from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.errors import UsageError
from engine.inference.generate import stream, stream_each
from engine.inference.load_model import open_model, open_tokenizer
from engine.inference.virtual import load
from tests.inference.stacks import merged, stack_of


def continued(directory: Path, prompt: str, max_new_tokens: int) -> str:
    return stream(open_model(directory), open_tokenizer(directory), prompt, max_new_tokens, lambda _piece: None)


def test_each_checkpoint_continues_the_prompt_greedily(tiny_llama: Path) -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(tiny_llama), AutoModelForCausalLM.from_pretrained(tiny_llama)
    tokens = tokenizer("Once", return_tensors="pt")["input_ids"]
    for _ in range(5):
        tokens = torch.cat([tokens, model(tokens).logits[:, -1:].argmax(-1)], dim=1)
    expected = tokenizer.decode(tokens[0, 4:], skip_special_tokens=True)
    assert continued(tiny_llama, "Once", 5) == expected


def test_base_and_plan_say_their_continuations_piece_by_piece(tiny_llama: Path, tmp_path: Path) -> None:
    stack = stack_of(tiny_llama)
    models, said = [open_model(tiny_llama), load(stack)], list[tuple[int, str]]()
    merged(stack, tmp_path / "out")
    whole = stream_each(models, open_tokenizer(tiny_llama), "Once", 12, lambda *piece: said.append(piece))
    assert whole == ["".join(piece for number, piece in said if number == which) for which in (0, 1)]
    assert whole == [continued(directory, "Once", 12) for directory in (tiny_llama, tmp_path / "out")]
    assert len(said) > 4


class Reciting:
    """A model that generates given tokens."""

    device = "cpu"

    def __init__(self, tokens: list[int]) -> None:
        self.tokens = tokens

    def generate(self, *, input_ids: torch.Tensor, streamer: Any, **_: Any) -> None:
        for tokens in (input_ids, *torch.tensor(self.tokens).split(1)):
            streamer.put(tokens)
        streamer.end()


@pytest.mark.parametrize("text", ["na\u00efve \u4f60\u597d\n", "\U0001f642", "a \ufffd in between"])
def test_a_piece_never_ends_within_a_character(text: str, tiny_llama: Path) -> None:
    tokenizer, pieces = open_tokenizer(tiny_llama), list[str]()
    assert stream(Reciting(tokenizer(text)["input_ids"]), tokenizer, "x", 9, pieces.append) == text
    assert pieces == list(text) or "\ufffd" in text
    assert "".join(pieces) == text


def test_a_character_that_is_cut_off_is_shown_as_such(tiny_llama: Path) -> None:
    tokenizer, pieces = open_tokenizer(tiny_llama), list[str]()
    stream(Reciting(tokenizer("a\u4f60")["input_ids"][:-1]), tokenizer, "x", 9, pieces.append)
    assert pieces == ["a", "\ufffd"]


def test_an_empty_prompt_is_refused(tiny_llama: Path) -> None:
    with pytest.raises(UsageError, match="prompt is empty"):
        stream(open_model(tiny_llama), open_tokenizer(tiny_llama), "", 5, print)
