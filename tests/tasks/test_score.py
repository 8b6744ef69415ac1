"""The score task."""

import math

import pytest

from engine.errors import UsageError
from engine.protocol import no_report
from engine.store.database import open_for_reading
from engine.tasks import score
from engine.tasks.score import METRICS


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_scores_every_layer(request_of, metric: str) -> None:
    scores = score.run({**request_of, "metric": metric, "width": [1]}, no_report)["scores"]
    assert [(each["start"], each["end"]) for each in scores] == [(layer, layer + 1) for layer in range(6)]
    assert all(math.isfinite(each["value"]) for each in scores)


def test_only_what_is_missing_is_measured(request_of, monkeypatch) -> None:
    asked = []
    measured = score._measured

    def listening(context, metric, blocks, report):
        asked.append(blocks)
        return measured(context, metric, blocks, report)

    monkeypatch.setattr(score, "_measured", listening)
    one = score.run({**request_of, "metric": "second-pass", "blocks": [[1, 2], [2, 4]]}, no_report)
    two = score.run({**request_of, "metric": "second-pass", "blocks": [[2, 4], [3, 5]]}, no_report)
    again = score.run({**request_of, "metric": "second-pass", "blocks": [[3, 5]]}, no_report)
    assert asked == [[(1, 2), (2, 4)], [(3, 5)]]
    assert two["scores"][0] == one["scores"][1]
    assert (two["stored"], again["stored"]) == (False, True)


def test_the_store_is_read_once_however_many_blocks_are_asked_for(request_of, monkeypatch) -> None:
    wanted = {**request_of, "metric": "second-pass", "width": [1, 2, 3]}
    score.run(wanted, no_report)
    opened = []
    monkeypatch.setattr(score, "open_for_reading", lambda store: opened.append(store) or open_for_reading(store))
    assert len(score.run(wanted, no_report)["scores"]) == 6 + 5 + 4
    assert len(opened) == 1


def test_a_metric_that_does_not_exist_is_a_usage_error(request_of) -> None:
    with pytest.raises(UsageError, match="magic is not a metric"):
        score.run({**request_of, "metric": "magic", "width": [1]}, no_report)


@pytest.mark.parametrize("wrong", [{"blocks": [[2, 2]]}, {"blocks": [[4, 9]]}, {"width": [7]}, {"width": [0]}, {}])
def test_a_block_that_is_none_is_a_usage_error(request_of, wrong) -> None:
    with pytest.raises(UsageError, match="block"):
        score.run({**request_of, "metric": "ablation", **wrong}, no_report)
