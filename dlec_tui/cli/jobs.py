"""`dlec jobs`."""

import click

from dlec_tui.cli.groups import VerbGroup

VERBS = {
    "start": "dlec_tui.cli.jobs_start:start",
    "list": "dlec_tui.cli.jobs_list:list_jobs",
    "show": "dlec_tui.cli.jobs_show:show",
    "logs": "dlec_tui.cli.jobs_logs:logs",
    "wait": "dlec_tui.cli.jobs_wait:wait",
    "cancel": "dlec_tui.cli.jobs_cancel:cancel",
    "retry": "dlec_tui.cli.jobs_retry:retry",
    "hold": "dlec_tui.cli.jobs_hold:hold",
    "release": "dlec_tui.cli.jobs_release:release",
    "reorder": "dlec_tui.cli.jobs_reorder:reorder",
    "clear": "dlec_tui.cli.jobs_clear:clear",
}


@click.group(cls=VerbGroup, verbs=VERBS)
def jobs() -> None:
    """Manage background jobs.

    Jobs are run by worker processes, which keep running when the terminal closes or the connection drops.
    """
