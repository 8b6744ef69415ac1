"""The command `dlec`: options of the workbench, and the table of verbs."""

import os
import sys
from pathlib import Path

import click

from dlec_tui.cli.exit_codes import explained
from dlec_tui.cli.failures import STORE
from dlec_tui.cli.groups import CommandLine
from dlec_tui.cli.options import DIRECTORY, HOME, HOME_HELP
from dlec_tui.terminal.theme_names import THEME_NAMES

VERBS = {
    "demo": "dlec_tui.cli.demo:demo",
    "models": "dlec_tui.cli.models:models",
    "profile": "dlec_tui.cli.profile:profile",
    "score": "dlec_tui.cli.score:score",
    "sweep": "dlec_tui.cli.sweep:sweep",
    "plan": "dlec_tui.cli.plan:plan",
    "preview": "dlec_tui.cli.preview:preview",
    "eval": "dlec_tui.cli.evaluate:evaluate",
    "generate": "dlec_tui.cli.generate:generate",
    "merge": "dlec_tui.cli.merge:merge",
    "diff": "dlec_tui.cli.diff:diff",
    "origin": "dlec_tui.cli.origin:origin",
    "verify": "dlec_tui.cli.verify:verify",
    "download": "dlec_tui.cli.download:download",
    "batch": "dlec_tui.cli.batch:batch",
    "jobs": "dlec_tui.cli.jobs:jobs",
    "worker": "dlec_tui.cli.worker:worker",
    "store": "dlec_tui.cli.store:store",
    "doctor": "dlec_tui.cli.doctor:doctor",
    "keys": "dlec_tui.cli.keys:keys",
    "web": "dlec_tui.cli.web:web",
}


@click.group(cls=CommandLine, verbs=VERBS, invoke_without_command=True, epilog=explained())
@click.option("--home", metavar="DIR", type=DIRECTORY, help=HOME_HELP)
@click.option(
    "--theme",
    type=click.Choice(THEME_NAMES),
    help="Colour theme, kept for later sessions; NO_COLOR=1 disables colours.",
)
@click.option("--ascii", "only_ascii", is_flag=True, help="Draw with ASCII characters only.")
@click.option("--mouse", is_flag=True, help="Enable the mouse over SSH and in tmux as well.")
@click.option("--read-only", is_flag=True, help="Open the workbench without write access to the store.")
@click.version_option(package_name="dlec")
@click.pass_context
def dlec(
    ctx: click.Context, home: Path | None, theme: str | None, only_ascii: bool, mouse: bool, read_only: bool
) -> None:
    """Grow language models by repeating layers.

    Without a command, dlec opens the full-screen workbench.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    ctx.meta[HOME] = home
    if ctx.invoked_subcommand:
        _refuse_screen_options(ctx)
    elif reason := reason_against_screen():
        click.echo(ctx.get_help())
        click.echo(f"The workbench was not opened: {reason}.", err=True)
    else:
        from dlec_tui.cli.opening import ScreenOptions, open_screen
        from engine.store.location import store_path

        store = store_path(home)
        if not read_only:  # read-only writes no file into the store directory
            ctx.meta[STORE] = store
        open_screen(store, ScreenOptions(read_only, theme or "", only_ascii, mouse))


def _refuse_screen_options(ctx: click.Context) -> None:
    """Raise UsageError for options of the workbench before a verb, which have no effect there."""
    options = [option for option in ctx.command.params if option.name != "home"]
    given = next((option for option in options if ctx.params.get(option.name or "")), None)
    if given:
        verb = f"{ctx.command_path} {ctx.invoked_subcommand}"
        raise click.UsageError(f"{given.opts[0]} is for the workbench; {verb} does not open it. Leave it out.", ctx)


def reason_against_screen() -> str:
    """Return the reason why the workbench cannot open, or "" for a terminal or a browser."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return ""
    for name, stream in (("standard input", sys.stdin), ("standard output", sys.stdout)):
        if not stream.isatty():
            return f"{name} is not a terminal"
    terminal = os.environ.get("TERM", "")
    return f"TERM={terminal or '(not set)'} is a terminal without cursor control" if terminal in ("", "dumb") else ""


def open_missing_streams() -> None:
    """Open each standard stream that was closed (`2>&-`) on /dev/null; the next file opened would take its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            _occupy(number)
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False, encoding="utf-8"))  # noqa: SIM115


def _occupy(number: int) -> None:
    descriptor = os.open(os.devnull, os.O_RDWR)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)


def main() -> None:
    open_missing_streams()
    dlec(prog_name="dlec")
