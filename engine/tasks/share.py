"""Computation of one share of a sweep in a process of its own, for executors beyond this process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.errors import CheckpointError, shown
from engine.execution.executor import Row, Share, row_as_json, share_from_json
from engine.protocol import Report
from engine.tasks.measurement_options import dtype_of, options_from
from engine.tasks.resident import model_of
from engine.tasks.sweeps.shares import compute


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: the fields of engine.execution.executor.Share. Answer: "rows" and "counted".

    Raises CheckpointError for another checkpoint than the share is about, and like `compute`.
    """
    share = share_from_json(request)
    rows: list[Row] = []
    counted = compute(share, _layers(share), report, rows.append)
    return {"rows": [row_as_json(row) for row in rows], "counted": counted}


def _layers(share: Share) -> Any:
    from engine.inference.devices import chosen_device
    from engine.inference.wavefront.layers import ResidentLayers
    from engine.inference.wavefront.streamed import StreamedLayers

    checkpoint, options = open_checkpoint(Path(share.model)), options_from(share.options)
    _require_same(share, checkpoint)
    if share.is_resident:
        return ResidentLayers(checkpoint, model_of(checkpoint, options))
    return StreamedLayers(checkpoint, dtype_of(checkpoint, options), chosen_device(options.device))


def _require_same(share: Share, checkpoint: Checkpoint) -> None:
    if (own := fingerprint(checkpoint)) != share.fingerprint:
        raise CheckpointError(
            f"{shown(share.model)} is not the checkpoint that the sweep was started with",
            why=f"its fingerprint is {own[:12]}..., expected {share.fingerprint[:12]}...",
            fix="Make the same files available under this path, or start the sweep again.",
        )
