"""`dlec sweep`: many plans measured as one computation, and what is true of the best of them."""

import click

from dlec_tui.cli.groups import VerbGroup

VERBS = {
    "blocks": "dlec_tui.cli.sweep_spaces:blocks",
    "singles": "dlec_tui.cli.sweep_spaces:singles",
    "overlap": "dlec_tui.cli.sweep_spaces:overlap",
    "recipes": "dlec_tui.cli.sweep_spaces:recipes",
    "plans": "dlec_tui.cli.sweep_spaces:plans",
    "report": "dlec_tui.cli.sweep_report:report",
}


@click.group(cls=VerbGroup, verbs=VERBS)
def sweep() -> None:
    """Measure every plan of a space over MODEL, computing once what they share; judge the best on other text.

    What is finished is kept: the same command goes on where it was interrupted, and finds what other sweeps measured.
    """
