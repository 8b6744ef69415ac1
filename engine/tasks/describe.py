"""Description of a model of the hub by its headers; no weight is downloaded."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from engine.checkpoint.find import opener
from engine.checkpoint.summary import summary_of
from engine.protocol import Report


def run(request: Mapping[str, Any], _report: Report) -> dict[str, Any]:
    """Run the task. Request: {"reference": a hub id}. Answer: the fields of ModelSummary.

    Raises CheckpointError if there is no such repository or it is gated, MachineError without network.
    """
    return asdict(summary_of(opener(remote=True)(request["reference"])))
