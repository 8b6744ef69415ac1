"""`dlec keys`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlec_tui.cli.options import RelatedOption, home_option, json_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from dlec_tui.actions.keymap import Keymap


@click.command
@click.option(
    "--try",
    "wants_trial",
    is_flag=True,
    cls=RelatedOption,
    excludes=("--json",),
    help="Show the code and name of each key pressed; q quits.",
)
@home_option
@json_option
def keys(wants_trial: bool, store: Path, wants_json: bool) -> None:
    """List the key bindings of the workbench.

    keymap.toml in the store directory changes them:

    \b
    [keys]
    "plan.duplicate" = "ctrl+x,f8"
    """
    from dlec_tui.actions.keymap import key_lines, key_rows, read_keymap

    keymap = read_keymap(store.parent)
    for notice in keymap.notices:
        click.echo(notice, err=True)
    if wants_trial:
        _try_keys(keymap)
    elif wants_json:
        click.echo(json.dumps(key_rows(keymap)))
    else:
        click.echo("\n".join(key_lines(keymap)))


def _try_keys(keymap: "Keymap") -> None:
    from dlec_tui.terminal.key_trial import tried

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--try needs a terminal")
    click.echo("Press any key; q quits.")
    for line in tried(sys.stdin.fileno(), keymap):
        click.echo(line)
