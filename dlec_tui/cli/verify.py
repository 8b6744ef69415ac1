"""`dlec verify`: whether a checkpoint is whole and loads, whoever made it."""

import json
from collections.abc import Iterator
from pathlib import Path

import click

from dlec_tui.cli import loadchecks
from dlec_tui.cli.exit_codes import ENVIRONMENT, HAS_ERRORS
from dlec_tui.cli.options import json_option
from dlec_tui.cli.screen import waiting
from dlec_tui.wording import byte_size, count, plural
from engine.errors import escaped, shown
from engine.tasks.verify import VerifyReport
from engine.tasks.verify import verify as run_verify


@click.command
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--no-load-check", is_flag=True, help="Do not have transformers open it.")
@json_option
@click.pass_context
def verify(ctx: click.Context, directory: Path, no_load_check: bool, wants_json: bool) -> None:
    """Check the files of the checkpoint in DIR, its sums if it has them, and that transformers loads it."""
    with waiting("verifying"):
        report = run_verify(directory, load_check=not no_load_check)
    text = "\n".join([*file_lines(report), loadchecks.as_text(report.loadcheck)])
    click.echo(json.dumps(_as_json(report)) if wants_json else text)
    ctx.exit(_exit_code(report))


def _exit_code(report: VerifyReport) -> int:
    """A check that this machine cannot make is no error of the checkpoint."""
    if report.ok:
        return 0
    is_unchecked = report.loadcheck is not None and report.loadcheck.unavailable
    return ENVIRONMENT if is_unchecked and not report.problems else HAS_ERRORS


def file_lines(report: VerifyReport) -> Iterator[str]:
    """What it is, and whether its files are as they should be."""
    size = f"{count(report.parameters)} parameters, {byte_size(report.nbytes)} in {plural(report.shards, 'file')}"
    yield f"{shown(report.directory)}: {plural(report.layers, 'layer')}, {size}"
    yield from (f"{click.style('error', fg='red', bold=True)}: {escaped(problem)}" for problem in report.problems)
    if not report.problems:
        sums = "SHA256SUMS match" if report.sums_checked else "there is no SHA256SUMS to compare with"
        yield f"files: headers, index and config agree; {sums}"


def _as_json(report: VerifyReport) -> dict[str, object]:
    return {
        "ok": report.ok,
        "directory": str(report.directory),
        "layers": report.layers,
        "parameters": report.parameters,
        "bytes": report.nbytes,
        "shards": report.shards,
        "problems": list(report.problems),
        "sums_checked": report.sums_checked,
        "loadcheck": loadchecks.as_json(report.loadcheck),
    }
