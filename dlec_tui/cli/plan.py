"""`dlec plan`."""

import click

from dlec_tui.cli.groups import VerbGroup

VERBS = {
    "new": "dlec_tui.cli.plan_new:new",
    "check": "dlec_tui.cli.plan_check:check",
    "show": "dlec_tui.cli.plan_show:show",
    "convert": "dlec_tui.cli.plan_convert:convert",
}


@click.group(cls=VerbGroup, verbs=VERBS)
def plan() -> None:
    """Write, check, show and convert plans.

    A plan is a YAML file that lists the layers of a new model (mergekit, merge_method: passthrough).
    """
