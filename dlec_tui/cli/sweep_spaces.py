"""`dlec sweep blocks`, `singles`, `overlap`, `recipes` and `plans`: one verb for each space."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.exit_codes import HAS_ERRORS
from dlec_tui.cli.measuring import Command, measurement_of, measuring_options, store_of
from dlec_tui.cli.options import EXISTING_FILE, RelatedOption, WholeNumber, byte_count_or_none
from dlec_tui.cli.progress import task_progress
from dlec_tui.cli.queueing import Queueing, queue_job, queue_options
from dlec_tui.cli.sweep_output import echo_sweep, output_options
from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.errors import shown
from engine.jobs.job_specs import sweep_spec
from engine.jobs.settings import job_settings
from engine.plan.plan_file import plan_text_of
from engine.plan.spaces import SweptPlan
from engine.plan.spaces import blocks as block_space
from engine.plan.spaces import overlap as overlap_space
from engine.plan.spaces import plans as plan_space
from engine.plan.spaces import recipes as recipe_space
from engine.plan.spaces import singles as single_space
from engine.plan.spaces.recipes import MAX_VALUES
from engine.protocol import Report
from engine.tasks.measurement_options import MeasurementOptions, request_for
from engine.tasks.process import run_task
from engine.tasks.stages import ANNOUNCED
from engine.tasks.sweeps.costs import announced_line
from engine.tasks.sweeps.sweep_spec import TOP


@dataclass(frozen=True, slots=True)
class Space:
    """The plans to sweep."""

    checkpoint: Checkpoint
    words: str
    """Description, e.g. "blocks up to width 8"."""
    plans: Sequence[SweptPlan]


def numbers(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, ...]:
    """Parse "6,8..10"."""
    try:
        return tuple(number for part in value.split(",") for number in _range(part)) if value else ()
    except ValueError as error:
        raise click.BadParameter(f"{shown(value)} is not a list of numbers such as 6,8 or 6..9") from error


def factors(_ctx: click.Context, _parameter: click.Parameter, value: str) -> tuple[float, ...]:
    """Parse "1,0.7"."""
    try:
        return tuple(map(float, value.split(",")))
    except ValueError as error:
        raise click.BadParameter(f"{shown(value)} is not a list of numbers such as 1,0.7,0.5") from error


scale_option = click.option(
    "--scale",
    "scales",
    metavar="X,...",
    default="1",
    show_default=True,
    callback=factors,
    help="Scales of the repeated layers; each is measured.",
)


def sweeping(space: Callable[..., Space]) -> Command:
    """Turn a function that returns a space into a verb with the common options of sweeps."""

    @wraps(space)
    def verb(
        *arguments: Any, queueing: Queueing | None, is_rehearsal: bool, wants_json: bool, wants_csv: bool, **given: Any
    ) -> None:
        measurement = measurement_of(given)
        own = {name: value for name, value in given.items() if name in signature(space).parameters}
        selected = space(*arguments, **own)
        request = _request(selected, measurement, given)
        if is_rehearsal:
            announced = announce(selected.checkpoint, request)
            click.echo(json.dumps(announced) if wants_json else announced_line(announced).removeprefix(ANNOUNCED))
        elif queueing:
            spec = sweep_spec(selected.checkpoint, request, job_settings(store_of(measurement)))
            queue_job(spec, queueing, store_of(measurement), wants_json=wants_json)
        else:
            answer = sweep_plans(selected.checkpoint, request)
            echo_sweep(answer, wants_json=wants_json, wants_csv=wants_csv)
            if answer["by_chance"] is None:  # every plan, or the base, produces NaN
                click.get_current_context().exit(HAS_ERRORS)

    command: Command = queue_options(verb)
    for option in reversed(_OPTIONS):
        command = option(command)
    return measuring_options(None)(output_options(command))


def sweep_plans(checkpoint: Checkpoint, request: dict[str, Any]) -> dict[str, Any]:
    """Run the sweep task; the estimated cost is printed to stderr first."""
    require_local(checkpoint)
    with announcing("compiling the plans") as progress:
        return run_task("sweep", request, progress)


def announce(checkpoint: Checkpoint, request: dict[str, Any]) -> dict[str, Any]:
    """Return the estimated cost, for which the time of one layer and one head is measured."""
    require_local(checkpoint)
    with task_progress("opening the model") as progress:
        announced: dict[str, Any] = run_task("sweep", request | {"rehearsal": True}, progress)["announced"]
    return announced


_OPTIONS = (
    click.option(
        "--top",
        type=WholeNumber(1),
        default=TOP,
        show_default=True,
        help="Number of best plans to re-evaluate on held-out text.",
    ),
    click.option(
        "--probe",
        metavar="FILE",
        type=EXISTING_FILE,
        help='Test items for every plan: JSONL of {"prompt", "choices", "answer"} or {"prompt", "answer"}.',
    ),
    click.option("--early-stop", is_flag=True, help="Stop evaluating plans that are already significantly worse."),
    click.option(
        "--memory",
        metavar="SIZE",
        callback=byte_count_or_none,
        help="Memory limit, e.g. 2G (default: free memory). Larger models are streamed layer by layer.",
    ),
    click.option(
        "--plans-per-batch",
        "together",
        metavar="N",
        type=WholeNumber(1),
        default=1,
        show_default=True,
        help="Plans per batch. Faster on GPUs; results may differ in the last digits.",
    ),
    click.option("--no-metrics", is_flag=True, help="Do not compute how well the cheap metrics predict the results."),
    click.option(
        "--dry-run",
        "is_rehearsal",
        is_flag=True,
        cls=RelatedOption,
        excludes=("--queue",),
        help="Print the estimated cost; measure nothing.",
    ),
)


def _request(space: Space, measurement: MeasurementOptions, given: dict[str, Any]) -> dict[str, Any]:
    plans = [{"name": plan.name, "text": plan.text, "block": plan.block, "scale": plan.scale} for plan in space.plans]
    return request_for(space.checkpoint, measurement) | {
        "space": space.words,
        "plans": plans,
        "top": given["top"],
        "probe": None if given["probe"] is None else str(given["probe"].absolute()),
        "early_stop": given["early_stop"],
        "memory": given["memory"],
        "together": given["together"],
        "metrics": not given["no_metrics"],
        "working_directory": str(Path.cwd()),
    }


@contextmanager
def announcing(label: str) -> Iterator[Report]:
    """Show progress, and print announcements as permanent lines."""
    with task_progress(label) as progress:

        def report(done: int, total: int, what: str) -> None:
            if what.startswith(ANNOUNCED):
                click.echo(what.removeprefix(ANNOUNCED), err=True)
            else:
                progress(done, total, what)

        yield report


def _range(text: str) -> range:
    first, dots, last = text.partition("..")
    numbers = range(int(first), int(last if dots else first) + 1)
    if not numbers:
        raise ValueError(text)
    if numbers[-1] - numbers[0] >= MAX_VALUES:
        raise click.BadParameter(f"{shown(text)} has too many numbers; the maximum is {MAX_VALUES}.")
    return numbers


_model = click.argument("model")


def _with_scales(words: str, scales: tuple[float, ...]) -> str:
    return (
        words
        if scales == (1.0,)
        else f"{words}, repeated layers scaled by {', '.join(f'{scale:g}' for scale in scales)}"
    )


@click.command
@_model
@click.option(
    "--width", type=WholeNumber(1), default=block_space.WIDTH, show_default=True, help="Maximum block length in layers."
)
@scale_option
@sweeping
def blocks(model: str, width: int, scales: tuple[float, ...]) -> Space:
    """Sweep over blocks: each contiguous block, repeated once."""
    checkpoint = opener()(model)
    swept = block_space.plans(checkpoint, block_space.Options(min(width, checkpoint.layer_count), scales))
    return Space(checkpoint, _with_scales(f"blocks up to width {width}", scales), swept)


@click.command
@_model
@scale_option
@sweeping
def singles(model: str, scales: tuple[float, ...]) -> Space:
    """Sweep over single layers: each layer, repeated once."""
    checkpoint = opener()(model)
    swept = single_space.plans(checkpoint, single_space.Options(scales))
    return Space(checkpoint, _with_scales("single layers", scales), swept)


@click.command
@_model
@click.option("--slice-size", metavar="N,...", callback=numbers, help="Layers per slice, e.g. 6,8..10.")
@click.option("--backward-jump", metavar="N,...", callback=numbers, help="Layers that the next slice goes back.")
@click.option("--last-slice", metavar="N,...", callback=numbers, help="Layers in the last slice.")
@scale_option
@sweeping
def overlap(
    model: str,
    slice_size: tuple[int, ...],
    backward_jump: tuple[int, ...],
    last_slice: tuple[int, ...],
    scales: tuple[float, ...],
) -> Space:
    """Sweep over a grid of overlapping slices.

    Values that are not given are derived from the depth of the model.
    """
    checkpoint = opener()(model)
    options = overlap_space.Options(slice_size, backward_jump, last_slice, scales)
    return Space(checkpoint, _with_scales("overlapping slices", scales), overlap_space.plans(checkpoint, options))


@click.command
@_model
@click.argument("recipe")
@click.option(
    "--with",
    "ranges",
    metavar="OPTION=VALUES",
    multiple=True,
    help="Values of a recipe option, e.g. layers=3:9,4:10 or times=1..3. Repeatable.",
)
@sweeping
def recipes(model: str, recipe: str, ranges: tuple[str, ...]) -> Space:
    """Sweep over the options of a recipe: each combination of the given values."""
    checkpoint, known = opener()(model), recipe_space.read_recipe(recipe)
    read = dict(recipe_space.read_range(known, text) for text in ranges)
    words = f"{recipe} with {', '.join(shown(text) for text in ranges)}" if ranges else recipe
    return Space(checkpoint, words, recipe_space.plans(checkpoint, known, read))


@click.command
@_model
@click.argument("files", metavar="PLAN...", nargs=-1, required=True, type=EXISTING_FILE)
@sweeping
def plans(model: str, files: tuple[Path, ...]) -> Space:
    """Sweep over plans in files."""
    checkpoint = opener()(model)
    return Space(checkpoint, "plans in files", plan_space.plans({file: plan_text_of(file) for file in files}))
