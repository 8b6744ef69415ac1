"""`dlec generate`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlec_tui.cli.measuring import device_option, dtype_option
from dlec_tui.cli.options import WholeNumber, home_option, json_option, patch_option, plan_argument, strict_option
from dlec_tui.cli.plan_file import read_plan
from dlec_tui.cli.queueing import Queueing, named_plan, queue_job, queue_options
from dlec_tui.wording import printable
from engine.checkpoint.find import opener
from engine.jobs.job_specs import plan_spec
from engine.jobs.settings import job_settings
from engine.protocol import Report, no_report
from engine.tasks.process import run_task

if TYPE_CHECKING:
    from rich.table import Table

SPEAKERS = ("base", "plan")
DEFAULT_TOKENS = 64


@click.command
@plan_argument
@patch_option
@click.option("--prompt", metavar="TEXT", required=True, help="Prompt for both models; no chat template is applied.")
@click.option(
    "--tokens", type=WholeNumber(1), default=DEFAULT_TOKENS, show_default=True, help="Maximum number of new tokens."
)
@device_option
@dtype_option
@strict_option
@home_option
@json_option
@queue_options
def generate(
    plan_path: Path,
    patches: tuple[Path, ...],
    prompt: str,
    tokens: int,
    device: str,
    dtype: str,
    strict: bool,
    store: Path,
    wants_json: bool,
    queueing: Queueing | None,
) -> None:
    """Generate text with PLAN and its base model.

    Both continue the prompt greedily, side by side. No checkpoint is written.
    """
    plan = read_plan(plan_path, opener(), store, patches=patches)
    if findings := plan.findings():
        click.echo(findings, err=True)
    named = named_plan(plan, strict=strict)
    request = plan.request | {"prompt": prompt, "max_new_tokens": tokens, "device": device, "dtype": dtype}
    if queueing:
        spec = plan_spec("generate", named, request, job_settings(store))
        queue_job(spec, queueing, store, wants_json=wants_json)
        return
    with side_by_side(prompt, watched=not wants_json and sys.stdout.isatty()) as listen:
        texts = run_task("generate", request, listen)
    if wants_json:
        click.echo(json.dumps({"prompt": prompt, **texts}))
    elif not sys.stdout.isatty():
        click.echo("\n".join(f"{name}: {printable(prompt + texts[name])}" for name in SPEAKERS))


@contextmanager
def side_by_side(prompt: str, *, watched: bool) -> Iterator[Report]:
    """Show two growing columns. The task reports (0 for base or 1 for plan, 2, next piece of text)."""
    if not watched:
        yield no_report
        return
    from rich.live import Live

    texts = [prompt, prompt]
    with Live(columns(texts), refresh_per_second=8) as live:

        def listen(speaker: int, _speakers: int, piece: str) -> None:
            texts[speaker] += piece
            live.update(columns(texts))

        yield listen


def columns(texts: list[str]) -> "Table":
    """Return a table with the texts of base and plan side by side, without interpreting markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*SPEAKERS, show_edge=False, expand=True)
    for column in table.columns:
        column.ratio, column.overflow = 1, "fold"
    table.add_row(*(Text(printable(text)) for text in texts))
    return table
