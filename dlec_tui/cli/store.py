"""`dlec store`."""

import click

from dlec_tui.cli.groups import VerbGroup

VERBS = {"merge": "dlec_tui.cli.store_merge:merge"}


@click.group(cls=VerbGroup, verbs=VERBS)
def store() -> None:
    """Manage the store, the SQLite file with all measurements and jobs."""
