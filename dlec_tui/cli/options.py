"""Arguments and options that several verbs share."""

from pathlib import Path

import click

plan_argument = click.argument(
    "plan_path", metavar="PLAN", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
strict_option = click.option("--strict", is_flag=True, help="Treat warnings as errors.")
json_option = click.option("--json", "wants_json", is_flag=True, help="Print data as JSON on stdout.")
no_load_check_option = click.option(
    "--no-load-check", is_flag=True, help="Do not ask transformers; use what it said before."
)
remote_option = click.option(
    "--remote", is_flag=True, help="Read the headers of checkpoints that are not here from the hub; no weights."
)
