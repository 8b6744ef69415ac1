"""`dlec web`."""

import getpass
import os
import socket
import sys
from pathlib import Path
from shlex import join

import click

from dlec_tui.cli.options import WholeNumber, home_option
from dlec_tui.terminal.theme_names import THEME_NAMES
from engine.errors import MachineError, machine_error

_OTHER_TERMINALS = ("TMUX", "STY", "SSH_CONNECTION")
"""Environment variables that describe the starting terminal, not the browser."""


@click.command
@click.option("--port", type=WholeNumber(0, 65535), default=0, help="TCP port (default: any free port).")
@home_option
@click.option("--theme", type=click.Choice(THEME_NAMES), help="Colour theme, kept for later sessions.")
@click.option("--read-only", is_flag=True, help="Open the workbench without write access to the store.")
def web(port: int, store: Path, theme: str | None, read_only: bool) -> None:
    """Serve the workbench to a browser.

    The server listens on 127.0.0.1 only, and its address contains a secret. Requires pip install 'dlec[web]'. Ctrl-C
    stops the server.
    """
    options = ["--home", str(store.parent), *(["--theme", theme] if theme else [])]
    command = join([sys.executable, "-m", "dlec_tui", *options, *["--read-only"] * read_only])
    listening = _listening(port)
    try:
        from dlec_tui.terminal.web_server import new_secret, serve
    except ImportError as error:
        raise MachineError(
            "dlec web needs textual-serve", why=f"{error.name} is not installed", fix="pip install 'dlec[web]'"
        ) from error
    for name in _OTHER_TERMINALS:
        os.environ.pop(name, None)
    secret = new_secret()
    click.echo(_how_to_look(listening.getsockname()[1], secret))
    serve(command, listening, secret)


def _listening(port: int) -> socket.socket:
    """Return a listening socket on the local host."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise machine_error(
            f"cannot listen on port {port}", error, fix="Give another port; --port 0 takes any free one."
        ) from error


def _how_to_look(port: int, secret: str) -> str:
    return f"""\
Open in a browser on this machine:
  http://127.0.0.1:{port}/{secret}/
From another machine, first open a tunnel:
  ssh -L {port}:127.0.0.1:{port} {getpass.getuser()}@{socket.gethostname()}
The address gives full access with your permissions. Ctrl-C stops the server; jobs keep running."""
