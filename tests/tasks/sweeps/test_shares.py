"""Shares of a sweep: any executor gives the rows that the threads of this process give."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import CheckpointError, UsageError
from engine.execution.executor import row_from_json, share_as_json
from engine.protocol import no_report
from engine.store.database import open_for_reading
from engine.store.plan_measurements import find_measurements, find_probes
from engine.tasks import share as share_task
from engine.tasks import sweep
from engine.tasks.process import TASK_MODULE, conversation
from engine.tasks.sweeps.execution import shared_pass
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.sweep_spec import read_sweep_spec
from engine.text.corpus import Split
from tests.tasks.sweeping import blocks_of, write_probe


@pytest.fixture
def request_in(request_of, tiny_llama: Path, tmp_path: Path):
    """Makes the request of a sweep of all blocks of one or two layers, with a store of its own."""

    def made(home: str):
        probe = str(write_probe(tmp_path / "probe.jsonl"))
        request = {**request_of, "space": "blocks", "plans": blocks_of(tiny_llama), "probe": probe}
        return {**request, "home": str(tmp_path / home)}

    return made


@pytest.fixture
def spec_in(request_in):
    return lambda home: read_sweep_spec(request_in(home))


@pytest.fixture
def swept_in(request_in):
    """Runs the sweep with an executor."""
    return lambda home, executor: sweep.run({**request_in(home), "metrics": False}, no_report, executor)


class ProcessExecutor:
    """Computes shares in another process, which gets JSON and returns rows."""

    def __init__(self, answer):
        self.answer = answer

    def run(self, shares, report, on_row):
        counts = []
        for each in shares:
            request = json.loads(json.dumps(share_as_json(each)))
            found = self.answer({"task": "share", "request": request}, report)
            for row in found["rows"]:
                on_row(row_from_json(row))
            counts.append(found["counted"])
        return counts


def figures_of(spec):
    """Figures and answers of a sweep, as its store has them."""
    with closing(open_for_reading(spec.on(Split.SELECTION).store)) as connection:
        return [
            find_measurements(connection, spec.on(split).key, [spec.base, *spec.visits])
            for split in (Split.SELECTION, Split.HELDOUT)
        ] + [find_probes(connection, spec.probe_key)]


def test_a_sweep_in_other_processes_has_the_same_figures_to_the_last_bit(spec_in, swept_in):
    swept_in("threads", None)
    with conversation([TASK_MODULE, "share"]) as answer:
        swept_in("processes", ProcessExecutor(answer))
    figures = figures_of(spec_in("threads"))
    assert all(figures)
    assert figures == figures_of(spec_in("processes"))


def share_of(spec):
    visits = list(spec.visits.values())
    return shared_pass("a pass", LayerSource(spec), spec.on(Split.SELECTION), visits).shares[0]


def test_a_share_may_be_computed_twice(spec_in):
    request = share_as_json(share_of(spec_in("once")))
    first, second = (share_task.run(request, no_report) for _ in range(2))
    assert first["rows"] == second["rows"]
    assert len(first["rows"]) == 1 + len(request["plans"])


def test_a_share_of_another_checkpoint_is_refused(spec_in):
    request = share_as_json(share_of(spec_in("other")))
    with pytest.raises(CheckpointError, match="is not the checkpoint that the sweep was started with"):
        share_task.run({**request, "fingerprint": "0" * 32}, no_report)


def test_a_share_of_another_text_is_refused(spec_in):
    request = share_as_json(share_of(spec_in("text")))
    with pytest.raises(UsageError, match="the text has changed"):
        share_task.run({**request, "text_sha256": "0" * 64}, no_report)
