"""`dlec`: the group that every verb hangs on."""

import os

import click

from dlec_tui.cli.exit_codes import EXPLAINED, VerbGroup

VERBS = {
    "demo": "dlec_tui.cli.demo:demo",
    "models": "dlec_tui.cli.models:models",
    "plan": "dlec_tui.cli.plan:plan",
    "merge": "dlec_tui.cli.merge:merge",
    "verify": "dlec_tui.cli.verify:verify",
}


@click.group(cls=VerbGroup, verbs=VERBS, invoke_without_command=True, epilog=EXPLAINED)
@click.version_option(package_name="dlec")
@click.pass_context
def dlec(ctx: click.Context) -> None:
    """Grow language models by repeating layers: plan, check, merge, verify."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    dlec(prog_name="dlec")
