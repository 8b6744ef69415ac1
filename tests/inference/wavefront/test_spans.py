from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoint.checkpoint import open_checkpoint
from engine.inference.virtual import load
from engine.inference.wavefront.spans import Span, SpanLikelihood, padded
from engine.inference.wavefront.visits import BASE, base_visits, stack_of
from engine.inference.wavefront.work import plan_work
from engine.protocol import no_report
from tests.architectures import LAYERS, CheckpointOf
from tests.inference.wavefront.sweeping import ODD, PLENTY, resident, streamed

Schedule = Callable[[Path], Any]

ROWS = [list(range(3, 20)), list(range(20, 30)), list(range(5, 45, 2))]
SPANS = [[Span(0, 12, 17), Span(1, 1, 4)], [Span(0, 18, 20)]]


def wanted(model: object, row: list[int], start: int, end: int) -> float:
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
    work = plan_work(schedule(source), [ODD], padded(ROWS, 2), SpanLikelihood(SPANS), PLENTY)
    found = defaultdict(list)
    counted = work.run(no_report, lambda plan, read: found[plan].extend(read))
    assert counted.layer_forwards == work.trie.edges
    assert work.announced.base_bytes == 0
    for number, plan in ((BASE, base_visits(LAYERS)), (0, ODD)):
        model = load(stack_of(open_checkpoint(source), plan))
        marked = [(ROWS[0], 12, 17), (ROWS[1], 1, 4), (ROWS[2], 18, 20)]
        assert found[number] == pytest.approx([wanted(model, *each) for each in marked], abs=2e-5)


def test_rows_are_padded_to_the_longest_of_their_batch() -> None:
    first, second = padded([[1, 2, 3], [4], [5, 6]], batch_size=2, pad=9)
    assert first.tolist() == [[1, 2, 3], [4, 9, 9]]
    assert second.tolist() == [[5, 6]]
