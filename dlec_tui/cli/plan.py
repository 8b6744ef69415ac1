"""`dlec plan`: write, check and show plans."""

import click

from dlec_tui.cli.exit_codes import VerbGroup

VERBS = {
    "new": "dlec_tui.cli.plan_new:new",
    "check": "dlec_tui.cli.plan_check:check",
    "show": "dlec_tui.cli.plan_show:show",
}


@click.group(cls=VerbGroup, verbs=VERBS)
def plan() -> None:
    """Write, check and show plans: which layers go into a new model."""
