"""`make compare`: the same plans through mergekit and through dlec, tensor by tensor.

    python -m tests.compare PYTHON      PYTHON has mergekit installed

Prints a line for each plan and fails when they differ where that is not meant.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from engine.errors import DlecError
from engine.tasks.merge import MergeOptions, merge
from tests.compare.cases import MEANT, cases
from tests.plan.plans import checked_plan, write_models
from tests.tiny import write_llama, write_safetensors

RUNNER = Path(__file__).with_name("run_mergekit.py")
SHAPE = {"layers": 4, "hidden": 8, "intermediate": 16, "vocab": 16}
TIED = {**SHAPE, "tied": True}
DEEP = {**TIED, "layers": 30}


def main(python: str) -> int:
    """The number of plans that differ though they should not."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        models = write_models(root, {"A": SHAPE, "B": SHAPE, "T": TIED, "S": DEEP, "I": DEEP})
        models["K"] = str(write_mixed(root / "K"))
        texts = cases()
        theirs = _mergekits(python, root, texts)
        verdicts = {name: _verdict(root, models, name, text, theirs[name]) for name, text in texts.items()}
    for name, verdict in verdicts.items():
        print(f"{name:22} {verdict}{f'; meant: {MEANT[name]}' if verdict != SAME and name in MEANT else ''}")
    astray = [name for name, verdict in verdicts.items() if (verdict == SAME) == (name in MEANT)]
    print(f"{len(verdicts)} plans, {len(MEANT)} differences meant, {len(astray)} not: {', '.join(astray) or 'none'}")
    return len(astray)


SAME = "same"


def write_mixed(directory: Path) -> Path:
    """A checkpoint in bfloat16 whose last shard, with the head, is in float32."""
    write_llama(directory, **SHAPE, shards=4, dtype="BF16", seed=9)
    last = directory / "model-00004-of-00004.safetensors"
    write_safetensors(last, {name: tuple(tensor.shape) for name, tensor in load_file(last).items()})
    return directory


def _mergekits(python: str, root: Path, texts: Mapping[str, str]) -> dict[str, str]:
    """Runs mergekit on all plans; why each was refused, "" for those that were not."""
    (root / "plans").mkdir()
    (root / "theirs").mkdir()
    for name, text in texts.items():
        (root / f"plans/{name}.yaml").write_text(text)
    command = [python, str(RUNNER), str(root / "plans"), str(root / "theirs")]
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    outcomes: dict[str, str] = json.loads((root / "theirs/outcomes.json").read_text())
    return outcomes


def _verdict(root: Path, models: Mapping[str, str], name: str, text: str, refusal: str) -> str:
    mine = _merged(root / "mine" / name, models, text)
    if mine is None or refusal:
        told = [who for who, refuses in (("mergekit", refusal), ("dlec", mine is None)) if refuses]
        return SAME if len(told) == 2 else f"only {told[0]} refuses it{f' ({refusal})' if refusal else ''}"
    theirs = _tensors(root / "theirs" / name)
    if mine.keys() != theirs.keys():
        return f"other tensors: {', '.join(sorted(mine.keys() ^ theirs.keys()))}"
    counts = [_layer_count(root / who / name) for who in ("mine", "theirs")]
    if counts[0] != counts[1]:
        return f"other layer counts: {counts[0]}, mergekit {counts[1]}"
    different = [key for key in mine if mine[key].dtype != theirs[key].dtype or not torch.equal(mine[key], theirs[key])]
    return f"other values: {', '.join(different[:5])} ({len(different)} in all)" if different else SAME


def _merged(out: Path, models: Mapping[str, str], text: str) -> dict[str, Any] | None:
    """The tensors of the plan; None when it is refused."""
    checked = checked_plan(models, text)
    if checked.stack is None:
        return None
    try:
        merge(checked.stack, text, out, MergeOptions(load_check=False))
    except DlecError:
        return None
    return _tensors(out)


def _layer_count(directory: Path) -> int:
    return int(json.loads((directory / "config.json").read_text())["num_hidden_layers"])


def _tensors(directory: Path) -> dict[str, Any]:
    return {key: tensor for file in directory.glob("*.safetensors") for key, tensor in load_file(file).items()}


if __name__ == "__main__":
    sys.exit(1 if main(str(Path(sys.argv[1]).absolute())) else 0)
