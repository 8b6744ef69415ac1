"""A share and its rows are plain values: what another process reads is what this one wrote."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.execution.executor import Metric, Row, Share, row_as_json, row_from_json, share_as_json, share_from_json

SHARE = Share(
    *(
        "/models/a",
        "f00d",
        [[(0, 1.0), (1, 0.5)], [(0, 0.1)]],
        [3, 7],
        {"text": ("a.txt",), "split": "heldout"},
        "7e47",
    ),
    metric=Metric.PROBE,
    first_sequence=16,
    probe="/probe.jsonl",
    returns_base=False,
)


def test_a_share_survives_json():
    result = share_from_json(json.loads(json.dumps(share_as_json(SHARE))))
    assert (result.plans, result.numbers, result.metric) == (SHARE.plans, SHARE.numbers, Metric.PROBE)
    assert share_as_json(result)["options"] == {"text": ["a.txt"], "split": "heldout"}


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=8))
def test_figures_survive_json_to_the_last_bit(figures):
    result = row_from_json(json.loads(json.dumps(row_as_json(Row(0, {"nll": figures}, is_last=True)))))
    assert struct.pack(f"{len(figures)}f", *result.values["nll"]) == struct.pack(f"{len(figures)}f", *figures)


def test_a_metric_of_another_version_is_refused():
    with pytest.raises(ValueError, match="aura"):
        share_from_json({**share_as_json(SHARE), "metric": "aura"})
