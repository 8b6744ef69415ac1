"""What probes promise: the log-likelihoods of plain forward passes, whatever is padded beside them."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import UsageError
from engine.inference.load_model import open_model, open_tokenizer
from engine.inference.multiple_choice import Answer, AnswerReader, ProbeRows, Span, padded
from engine.inference.virtual import load
from engine.inference.wavefront.visits import BASE, base_visits, stack_of, visits
from engine.inference.wavefront.work import plan_work
from engine.protocol import no_report
from engine.text.probe import Probe, ProbeItem
from tests.architectures import LAYERS, CheckpointOf
from tests.inference.wavefront.sweeping import ODD, PLENTY, resident, streamed

Schedule = Callable[[Path], Any]

ITEMS = (
    ProbeItem("one two", ("three", "ten", "a"), 0),
    ProbeItem("The end ", ("is near", "was"), 1),
    ProbeItem("abc", ("d",), 0),
    ProbeItem("Twice the same\n", ("x", " y"), 1),
)
PROBE = Probe("probe.jsonl", ITEMS)
TEXTS = ("one two three", "one two ten", "one two a", "The end is near", "The end was", "abc d")
"""As a person would write prompt and choice together."""


def alone(model, text: str, prompt: str) -> Answer:
    """A tokenizer of bytes makes tokens of letters; one plain forward pass."""
    tokens = torch.tensor([list(text.encode())])
    start = len(prompt.encode())
    with torch.inference_mode():
        predicting = model(input_ids=tokens).logits[0].log_softmax(-1)[start - 1 : -1]
    expected = tokens[0, start:]
    picked = predicting.gather(-1, expected[:, None])
    return Answer(float(picked.double().sum()), bool((predicting.argmax(-1) == expected).all()))


@pytest.fixture
def byte_tokenizer():
    """Every byte is a token of its own."""

    class Tokenizer:
        bos_token_id = None

        def __call__(self, text: str, *, add_special_tokens: bool = True):  # noqa: ARG002
            return {"input_ids": list(text.encode())}

    return Tokenizer()


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_answers_are_those_of_plain_forward_passes(tiny_llama: Path, byte_tokenizer, batch_size: int) -> None:
    rows = ProbeRows.of(PROBE, byte_tokenizer, batch_size)
    work = plan_work(resident(tiny_llama), [visits(range(6))], rows.batches, AnswerReader(rows), PLENTY)
    result = defaultdict(list)
    work.run(no_report, lambda plan, answers: result[plan].extend(answers))
    assert result[0] == result[BASE]
    ordered = [answer for _, answer in sorted(zip(rows.positions, result[0], strict=True))]
    model = open_model(tiny_llama)
    prompts = ["one two"] * 3 + ["The end"] * 2 + ["abc"]
    expected = [alone(model, text, prompt) for text, prompt in zip(TEXTS, prompts, strict=True)]
    for mine, theirs in zip(ordered, expected, strict=False):
        assert mine.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-4)
        assert mine.is_first_choice == theirs.is_first_choice


def test_the_likeliest_choice_and_the_first_choice_of_every_token_count(byte_tokenizer) -> None:
    rows = ProbeRows.of(PROBE, byte_tokenizer, 2)
    likely, unlikely = Answer(-1.0, is_first_choice=True), Answer(-9.0, is_first_choice=False)
    expected = [likely, unlikely, unlikely, likely, unlikely, likely, unlikely, likely]
    read = [expected[place] for place in rows.positions]
    assert list(rows.scores(read)) == [(True, -1.0), (False, -9.0), (True, -1.0), (True, -1.0)]


def test_a_real_tokenizer_divides_prompt_and_answer(tiny_llama: Path) -> None:
    rows = ProbeRows.of(PROBE, open_tokenizer(tiny_llama), 4)
    assert all(1 <= span.start < span.end for spans in rows.spans for span in spans)


def test_an_item_without_tokens_to_score_is_refused() -> None:
    class Deaf:
        bos_token_id = None

        def __call__(self, _text: str, *, add_special_tokens: bool = True):  # noqa: ARG002
            return {"input_ids": [1, 2]}

    with pytest.raises(UsageError, match="the answer 'd' has no tokens to score after the prompt 'abc'"):
        ProbeRows.of(Probe("p", ITEMS[2:3]), Deaf(), 1)


TOKEN_ROWS = [list(range(3, 20)), list(range(20, 30)), list(range(5, 45, 2))]
SPANS = ((Span(0, 12, 17), Span(1, 1, 4)), (Span(0, 18, 20),))


def log_likelihood(model: Any, row: list[int], start: int, end: int) -> float:
    """From a forward pass of the row alone, without padding."""
    with torch.inference_mode():
        log_probabilities = model(torch.tensor([row]), use_cache=False).logits[0].double().log_softmax(-1)
    return sum(float(log_probabilities[at - 1, row[at]]) for at in range(start, end))


@pytest.mark.parametrize("schedule", [resident, streamed])
@pytest.mark.parametrize("family", ["llama", "mistral", "mixtral", "recurrent-gemma"])
def test_spans_of_padded_rows_score_as_each_row_by_itself(
    schedule: Schedule, family: str, checkpoint_of: CheckpointOf
) -> None:
    source = checkpoint_of(family)
    rows = ProbeRows(PROBE, tuple(padded(TOKEN_ROWS, 2)), SPANS, (0, 1, 2))
    work = plan_work(schedule(source), [ODD], rows.batches, AnswerReader(rows), PLENTY)
    result = defaultdict(list)
    counted = work.run(no_report, lambda plan, answers: result[plan].extend(answers))
    assert counted.layer_forwards == work.trie.edges
    assert work.announced.base_bytes == 0
    for number, plan in ((BASE, base_visits(LAYERS)), (0, ODD)):
        model = load(stack_of(open_checkpoint(source), plan))
        marked = [(TOKEN_ROWS[0], 12, 17), (TOKEN_ROWS[1], 1, 4), (TOKEN_ROWS[2], 18, 20)]
        expected = [log_likelihood(model, *each) for each in marked]
        assert [answer.log_likelihood for answer in result[number]] == pytest.approx(expected, abs=2e-5)


def test_rows_are_padded_to_the_longest_of_their_batch() -> None:
    first, second = padded([[1, 2, 3], [4], [5, 6]], batch_size=2, pad=9)
    assert first.tolist() == [[1, 2, 3], [4, 9, 9]]
    assert second.tolist() == [[5, 6]]
