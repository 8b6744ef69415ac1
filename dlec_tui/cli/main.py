"""`dlec`: the group that every verb hangs on."""

import os
import sys
from pathlib import Path

import click

from dlec_tui.cli.exit_codes import EXPLAINED, VerbGroup
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


@click.group(cls=VerbGroup, verbs=VERBS, invoke_without_command=True, epilog=EXPLAINED)
@click.option("--home", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Of the store.")
@click.option("--theme", type=click.Choice(THEME_NAMES), help="Colours; remembered. NO_COLOR=1 asks for none.")
@click.option("--ascii", "only_ascii", is_flag=True, help="Draw with ASCII characters alone.")
@click.option("--mouse", is_flag=True, help="Use the mouse over SSH and in tmux, too.")
@click.option(
    "--read-only", is_flag=True, help="Change nothing: look at a screen that is shared, or at another's store."
)
@click.version_option(package_name="dlec")
@click.pass_context
def dlec(
    ctx: click.Context, home: Path | None, theme: str | None, only_ascii: bool, mouse: bool, read_only: bool
) -> None:
    """Grow language models by repeating layers. Alone, it opens the workbench: a screen over everything below."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    if ctx.invoked_subcommand:
        _refuse_screen_options(ctx)
    elif not is_watched():
        click.echo(ctx.get_help())
    else:
        from dlec_tui.cli.opening import ScreenOptions, open_screen
        from engine.store.location import store_path

        open_screen(store_path(home), ScreenOptions(read_only, theme or "", only_ascii, mouse))


def _refuse_screen_options(ctx: click.Context) -> None:
    """They would do nothing before a verb."""
    given = next((option for option in ctx.command.params if ctx.params.get(option.name or "")), None)
    if given:
        raise click.UsageError(f"{given.opts[0]} is for the screen, which {ctx.invoked_subcommand} does not open.", ctx)


def is_watched() -> bool:
    """Whether a person sits at a terminal that can show a screen, or before a browser that stands for one."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def main() -> None:
    dlec(prog_name="dlec")
