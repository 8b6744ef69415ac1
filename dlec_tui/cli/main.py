"""`dlec`: the group that every verb hangs on."""

import os
import sys

import click

from dlec_tui.cli.exit_codes import EXPLAINED, VerbGroup

VERBS = {
    "demo": "dlec_tui.cli.demo:demo",
    "models": "dlec_tui.cli.models:models",
    "profile": "dlec_tui.cli.profile:profile",
    "score": "dlec_tui.cli.score:score",
    "plan": "dlec_tui.cli.plan:plan",
    "preview": "dlec_tui.cli.preview:preview",
    "generate": "dlec_tui.cli.generate:generate",
    "merge": "dlec_tui.cli.merge:merge",
    "verify": "dlec_tui.cli.verify:verify",
    "doctor": "dlec_tui.cli.doctor:doctor",
}


@click.group(cls=VerbGroup, verbs=VERBS, invoke_without_command=True, epilog=EXPLAINED)
@click.version_option(package_name="dlec")
@click.pass_context
def dlec(ctx: click.Context) -> None:
    """Grow language models by repeating layers. Alone, it opens a screen over what was measured."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    if ctx.invoked_subcommand is None:
        _open_screen(ctx)


def _open_screen(ctx: click.Context) -> None:
    """The screen over the store; help where nobody can look at one."""
    if not is_watched():
        click.echo(ctx.get_help())
        return
    from dlec_tui.cli.opening import open_screen

    open_screen()


def is_watched() -> bool:
    """Whether a person sits at a terminal that can show a screen."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def main() -> None:
    dlec(prog_name="dlec")
