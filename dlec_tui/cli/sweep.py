"""`dlec sweep`."""

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
    """Measure many plans of a model and rank them.

    Layers that several plans share are computed once. The best plans are re-evaluated on held-out text. Results are
    kept in the store: the same command resumes an interrupted sweep, and later sweeps reuse earlier results.
    """
