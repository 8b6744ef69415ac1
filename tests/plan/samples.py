"""The sample plans: what each recipe writes for SmolLM2-135M, headed by the warnings that the rules give.

`python -m tests.plan.samples` writes them anew, when a recipe or a rule has changed.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.plan.check import check_plan
from engine.plan.problems import Problem, Severity
from engine.plan.recipes import dlec, dlec_classic, dlec_search
from engine.plan.recipes.registry import RECIPES
from tests.tiny import write_llama

DIRECTORY = Path(__file__).parents[2] / "sample_plans"
BASE, TUNED = "HuggingFaceTB/SmolLM2-135M", "HuggingFaceTB/SmolLM2-135M-Instruct"

GIVEN: Mapping[str, Mapping[str, str]] = {"repeat": {"layers": "12:17"}, "llama-pro": {"groups": "6"}}
"""What recipes are told, field by field; the others are told nothing."""

MEASURED = (
    "Of the 6 blocks of 6 with the lowest second-pass residual, repeating this one",
    "harms least: +0.0865 nats a token (standard error 0.0102) on the selection set.",
    "Measured on the weights that dlec demo fetches, which were quantised.",
)
"""What `dlec demo` said of TUNED; see docs/demo.svg."""

SEARCHED_REPEATS = (dlec_search.Repeat(2, 4, 0.5),)
SEARCHED = (
    "Found greedily among 158 plans, scales 1, 0.5. On text that chose nothing, it costs",
    "+0.0225 nats a token (standard error 0.0165).",
    "Measured on 512 tokens of the weights that dlec demo fetches, which were quantised.",
)
"""What `dlec plan new dlec-search` said of TUNED."""


def stand_ins(root: Path) -> dict[str, Checkpoint]:
    """Checkpoints with the names and layer counts of BASE and TUNED, written below `root`; they weigh nothing."""
    return {
        reference: open_checkpoint(write_llama(root / str(seed), layers=30, tied=True, seed=seed), reference)
        for seed, reference in enumerate((BASE, TUNED))
    }


def sample_texts(checkpoints: Mapping[str, Checkpoint]) -> dict[str, str]:
    """Recipe to the text of its sample plan."""
    plans = {name: _written(name, checkpoints) for name in RECIPES}
    plans["dlec"] = f"dlec plan new dlec {TUNED} --layers 6", dlec.write(checkpoints[TUNED], [(6, 12)], MEASURED)
    plans["dlec-search"] = (
        f"dlec plan new dlec-search {TUNED} --layers 2 --scales 1,0.5 --tokens 512 --seq-len 32",
        dlec_search.write(checkpoints[TUNED], SEARCHED_REPEATS, SEARCHED),
    )
    plans["dlec-classic"] = (
        f"dlec plan new dlec-classic {BASE}",
        dlec_classic.write(checkpoints[BASE], [1.0] * checkpoints[BASE].layer_count),
    )
    return {name: "".join(_header(command, text, checkpoints)) + text for name, (command, text) in plans.items()}


def _written(name: str, checkpoints: Mapping[str, Checkpoint]) -> tuple[str, str]:
    """The command that writes a recipe's sample, and the plan."""
    given, words, values = GIVEN.get(name, {}), [BASE], {}
    for field in RECIPES[name].fields:
        if field.is_model:
            words.append(TUNED)
            values[field.name] = checkpoints[TUNED]
        elif field.name in given:
            words += [f"--{field.name.replace('_', '-')}", given[field.name]]
            values[field.name] = field.read(given[field.name])
    plan = RECIPES[name].write(checkpoints[BASE], RECIPES[name].options(**values))
    return f"dlec plan new {name} {' '.join(words)}", plan


def _header(command: str, plan: str, checkpoints: Mapping[str, Checkpoint]) -> Iterator[str]:
    """Comment lines: how the sample was made, and each rule that warns of it, with the first thing that it says."""
    yield f"# {command}\n"
    warnings = warnings_of(plan, checkpoints.__getitem__)
    yield "# dlec plan check warns:\n" if warnings else "# dlec plan check: no warnings\n"
    for rule, found in groupby(sorted(warnings, key=lambda problem: problem.rule), key=lambda problem: problem.rule):
        first, *more = found
        times = f" ({1 + len(more)} times)" if more else ""
        yield f"#   {rule}{times}: {first.message}\n"
    yield "#\n"


def warnings_of(plan: str, open_reference: Callable[[str], Checkpoint]) -> list[Problem]:
    problems = check_plan(plan, open_reference).problems
    return [problem for problem in problems if problem.severity is Severity.WARNING]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as root:
        for name, text in sample_texts(stand_ins(Path(root))).items():
            (DIRECTORY / f"{name}.yaml").write_text(text)
