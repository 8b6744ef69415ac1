"""Draws the pictures of the panes in docs: python -m tests.tui.pictures [DIRECTORY]. The same bytes every time.

The screen is the real one, over a store that is filled, a model whose weights are a hole in a file, and an evening's
jobs at a clock that stands still.
"""

import asyncio
import contextlib
import hashlib
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from textual.pilot import Pilot

from dlec_tui.app import Workbench
from dlec_tui.plans.document import PlanDocument
from dlec_tui.session.state import Session, save_session
from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.store.database import open_for_writing
from engine.store.models import ModelRow, save_model
from engine.store.previews import PreviewResult, save_preview
from engine.store.profiles import BlockAngle, LayerHistogram, LayerStatistics, ProfileRows, save_profile
from engine.store.samples import BaseCheck, save_base_check
from engine.store.scores import Score, save_scores
from tests.tiny import DTYPE_BYTES, llama_config, llama_shapes, safetensors_bytes
from tests.tui.conftest import AROUND, eventually, settled, text_of
from tests.tui.measured_store import HELDOUT, KEY, neuron_row
from tests.tui.seen_jobs import EVENING

DOCS = Path(__file__).parents[2] / "docs"
COLUMNS, ROWS = 112, 30
MODEL, OTHER = "Llama-160M", "Llama-1B"
SIZES = {"layers": 30, "hidden": 576, "intermediate": 1536, "vocab": 49152}
LARGER = {"layers": 22, "hidden": 2048, "intermediate": 5632, "vocab": 32000}
LAYERS = SIZES["layers"]
PLAN = f"""\
# layers 8 to 13 once more
merge_method: passthrough
dtype: bfloat16
slices:
  - sources:
      - model: {MODEL}
        layer_range: [0, 14]
  - sources:
      - model: {MODEL}
        layer_range: [8, 31]
"""
MENDED = PLAN.replace("31", "30")
PICTURES = {
    "models": ("1",),
    "activations": ("2",),
    "blocks": ("2", "v", *["right"] * 8, *["down"] * 5, "space"),
    "plan": ("3", "j"),
    "runs": ("4",),
}
"""Each with the keys that lead there."""


def draw(directory: Path) -> list[Path]:
    """Every picture, as NAME.svg in `directory`."""
    with evening() as store:
        return [_drawn(directory / f"{name}.svg", store, keys) for name, keys in PICTURES.items()]


def session_of_evening() -> Session:
    """The plan is open, and as it was saved."""
    return Session(reference=MODEL, document=PlanDocument().opened(PLAN, Path("grown.yaml")))


def _drawn(path: Path, store: Path, keys: tuple[str, ...]) -> Path:
    save_session(store, session_of_evening())

    async def run() -> str:
        app = Workbench(store, theme="dark")
        async with app.run_test(size=(COLUMNS, ROWS), notifications=True) as pilot:
            await settled(pilot)
            for key in keys:
                await pilot.press(key)
                await settled(pilot)
            await _all_there(pilot)
            return app.export_screenshot(title="dlec", simplify=True)

    svg = asyncio.run(run())
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")
    return path


async def _all_there(pilot: Pilot[str]) -> None:
    """What is worked out in the background, too."""
    wanted = {"plan": "1 error", "runs": "cpu 87 %"}.get(str(pilot.app.query_one("ContentSwitcher").current), "")  # type: ignore[attr-defined]
    await eventually(pilot, lambda: wanted in text_of(pilot.app))
    await settled(pilot)


@contextmanager
def evening() -> Iterator[Path]:
    """A directory to be in, with a model, a plan of it and a store; gives the store."""
    with tempfile.TemporaryDirectory() as room, contextlib.chdir(room), ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, {"TZ": "UTC", "HF_HUB_CACHE": f"{room}/none"}))
        for name in AROUND:
            os.environ.pop(name, None)
        time.tzset()
        for place, value in (
            ("dlec_tui.plans.plan_status.free_bytes", 77_600_000_000),
            ("dlec_tui.jobs.job_view.read_jobs", EVENING),
            ("dlec_tui.widgets.job_table.devices_text", "cpu 87 % of 16 cores, memory 12.0 GB of 64.0 GB"),
            ("dlec_tui.widgets.job_detail.job_log", Path("job.log")),
            ("engine.jobs.launch.start_workers", ()),
        ):
            stack.enter_context(patch(place, lambda *_, value=value, **__: value))
        _write_model(Path(MODEL), SIZES)
        _write_model(Path(OTHER), LARGER)
        Path("grown.yaml").write_text(PLAN)
        Path("job.log").write_text("00:00 reads the headers of 1 checkpoint\n00:01 317 tensors to copy, 0 to compute\n")
        store = Path(room, "dlec.sqlite")
        _fill(store)
        yield store
    time.tzset()


def _write_model(directory: Path, sizes: dict[str, int]) -> None:
    """Headers, and a hole where the weights would be: it takes no room."""
    header, position = {}, 0
    for name, shape in llama_shapes(**sizes, tied=True).items():
        end = position + math.prod(shape) * DTYPE_BYTES["BF16"]
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [position, end]}
        position = end
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps(llama_config(**sizes, tied=True) | {"dtype": "bfloat16"}))
    with (directory / "model.safetensors").open("wb") as file:
        file.write(safetensors_bytes(header, b""))
        file.truncate(file.tell() + position)


def _row(name: str) -> ModelRow:
    opened = open_checkpoint(Path(name))
    hidden = opened.config.decoder["hidden_size"]
    return ModelRow(fingerprint(opened), name, "llama", opened.layer_count, hidden, opened.parameters, opened.nbytes)


def _depth(layer: float) -> float:
    """Large at both ends, small behind the middle."""
    return (
        0.04 + 0.9 * math.exp(-layer) + 0.45 * math.exp((layer - LAYERS + 1) / 1.5) + 0.02 * math.sin(layer * 1.7) ** 2
    )


def _fill(store: Path) -> None:
    angles = [
        BlockAngle(i, j, 0.02 * (j - i) ** 0.8 + 0.012 * abs((i + j) / 2 - 0.55 * LAYERS))
        for i in range(LAYERS)
        for j in range(i + 1, LAYERS + 1)
    ]
    histograms = [LayerHistogram(n, -8.0, 8.0, tuple(100 - (b - 8) ** 2 for b in range(16))) for n in range(LAYERS)]
    layers = [LayerStatistics(n, _depth(n), 0.3 + 1.6 * _depth(n * 0.97 + 0.6), 30.0, 100.0) for n in range(LAYERS)]
    own, other = (_row(name) for name in (MODEL, OTHER))
    chosen, judged = replace(KEY, fingerprint=own.fingerprint), replace(HELDOUT, fingerprint=own.fingerprint)
    with closing(open_for_writing(store)) as db:
        for row in (other, own):
            save_model(db, row)
        for key in (judged, chosen):
            neurons = (neuron_row(layer, neuron) for layer in range(LAYERS) for neuron in range(8))
            save_profile(db, key, ProfileRows(layers, angles, neurons, histograms))
        save_scores(db, chosen, [Score("second_pass", n, n + 1, 3 * _depth(n), 0.01) for n in range(LAYERS)])
        db.execute("UPDATE profiles SET measured_at = '2026-04-01T20:15:00+00:00'")
        sha256 = hashlib.sha256(MENDED.encode()).hexdigest()
        save_preview(
            db, PreviewResult(sha256, judged, 2.9117, 3.0035, 0.0918, 0.003, 0.0853, 0.0983, 0.13, 0.83, 4080, 16)
        )
        save_base_check(db, judged, BaseCheck(7.5, "", "<s>", 3.2, 3.3, 256, 3.1, 2.9))


if __name__ == "__main__":
    for picture in draw(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS):
        print(picture)
