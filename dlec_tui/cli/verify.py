"""`dlec verify`."""

import json
from collections.abc import Iterator
from pathlib import Path

import click

from dlec_tui.cli.exit_codes import ENVIRONMENT, HAS_ERRORS
from dlec_tui.cli.options import EXISTING_DIRECTORY, home_option, json_option
from dlec_tui.cli.progress import waiting
from dlec_tui.cli.queueing import Queueing, queue_job, queue_options
from dlec_tui.jobs.reports import files_text, load_check_text, size_text
from engine.errors import escaped, shown
from engine.jobs.job_specs import verify_spec
from engine.tasks.verify import VerifyReport, report_as_json
from engine.tasks.verify import verify as run_verify


@click.command
@click.argument("directory", metavar="DIR", type=EXISTING_DIRECTORY)
@home_option
@click.option("--no-load-check", is_flag=True, help="Do not test whether transformers opens the checkpoint.")
@json_option
@queue_options
@click.pass_context
def verify(
    ctx: click.Context, directory: Path, store: Path, no_load_check: bool, wants_json: bool, queueing: Queueing | None
) -> None:
    """Verify the checkpoint in DIR.

    Checks headers, index, shards and config, the checksums if there are any, and whether transformers opens the
    checkpoint without missing, unexpected or mis-shaped tensors.
    """
    if queueing:
        spec = verify_spec(directory, load_check=not no_load_check)
        queue_job(spec, queueing, store, wants_json=wants_json)
        return
    with waiting("verifying"):
        report = run_verify(directory, load_check=not no_load_check)
    text = "\n".join([*file_lines(report), load_check_text(report.loadcheck)])
    click.echo(json.dumps(report_as_json(report)) if wants_json else text)
    ctx.exit(_exit_code(report))


def _exit_code(report: VerifyReport) -> int:
    """Return the exit code. A load check that cannot run on this machine is not an error of the checkpoint."""
    if report.ok:
        return 0
    is_unchecked = report.loadcheck is not None and report.loadcheck.unavailable
    return ENVIRONMENT if is_unchecked and not report.problems else HAS_ERRORS


def file_lines(report: VerifyReport) -> Iterator[str]:
    """Yield the size of the checkpoint and the problems of its files."""
    yield f"{shown(report.directory)}: {size_text(report_as_json(report))}"
    yield from (f"{click.style('Error', fg='red', bold=True)}: {escaped(problem)}" for problem in report.problems)
    if not report.problems:
        yield files_text(sums_checked=report.sums_checked)
