"""Tiny models of any depth, and plans over them in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.plan.check import CheckedPlan, check_plan
from tests.tiny import write_llama

INERT = "[{filter: o_proj, value: 0.0}, {filter: down_proj, value: 0.0}, {value: 1.0}]"


class Workbench:
    """Checks plans whose models are called by their depth: "32", or "32b" for another of that depth."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opened: dict[str, Checkpoint] = {}

    def add(self, name: str, checkpoint: Path) -> None:
        self._opened[name] = open_checkpoint(checkpoint, name)

    def open(self, name: str) -> Checkpoint:
        if name not in self._opened:
            depth = int(name.rstrip("abcdefgh"))
            self.add(name, write_llama(self._root / name, layers=depth, vocab=4, seed=len(name)))
        return self._opened[name]

    def check(self, *slices: tuple, **top: str) -> CheckedPlan:
        return check_plan(plan_of(*slices, **top), self.open)

    def found(self, *slices: tuple, **top: str) -> dict[str, str]:
        """Rule to message, the last one of each, for everything but notes."""
        checked = self.check(*slices, **top)
        return {problem.rule: problem.message for problem in checked.problems if problem.severity != "note"}


def plan_of(*slices: tuple, **top: str) -> str:
    """A plan's text; a slice is (model, start, end) or (model, start, end, scale)."""
    lines = ["merge_method: passthrough", *(f"{key}: {value}" for key, value in top.items()), "slices:"]
    for name, start, end, *scale in slices:
        lines += ["- sources:", f'  - model: "{name}"', f"    layer_range: [{start}, {end}]"]
        lines += [f"    parameters: {{scale: {scale[0]}}}"] if scale else []
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("depths"))


@pytest.fixture(scope="session")
def ranges() -> Callable[..., list[tuple]]:
    """Slices of one model: ranges(32, (0, 9), (5, 14))."""
    return lambda depth, *spans: [(str(depth), start, end) for start, end in spans]
