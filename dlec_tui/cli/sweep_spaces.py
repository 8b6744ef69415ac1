"""`dlec sweep blocks`, `singles`, `overlap`, `recipes` and `plans`: a space each."""

from pathlib import Path

import click

from dlec_tui.cli.options import EXISTING_FILE, WholeNumber
from dlec_tui.cli.sweep_options import Space, numbers, scale_option, sweeping
from engine.checkpoint.find import opener
from engine.errors import shown
from engine.plan.plan_file import plan_text_of
from engine.plan.spaces import blocks as block_space
from engine.plan.spaces import overlap as overlap_space
from engine.plan.spaces import plans as plan_space
from engine.plan.spaces import recipes as recipe_space
from engine.plan.spaces import singles as single_space

_model = click.argument("model")


def _with_scales(words: str, scales: tuple[float, ...]) -> str:
    return words if scales == (1.0,) else f"{words}, repeated visits x {', '.join(f'{scale:g}' for scale in scales)}"


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
    found = block_space.plans(checkpoint, block_space.Options(min(width, checkpoint.layer_count), scales))
    return Space(checkpoint, _with_scales(f"blocks up to width {width}", scales), found)


@click.command
@_model
@scale_option
@sweeping
def singles(model: str, scales: tuple[float, ...]) -> Space:
    """Sweep over single layers: each layer, repeated once."""
    checkpoint = opener()(model)
    found = single_space.plans(checkpoint, single_space.Options(scales))
    return Space(checkpoint, _with_scales("single layers", scales), found)


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
