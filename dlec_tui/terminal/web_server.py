"""Web server of the screen: textual-serve under a secret path. Only this file imports textual-serve and aiohttp."""

import secrets
import socket

from aiohttp import web
from rich.console import Console
from textual_serve.server import Server

from dlec_tui.terminal.textual_private import web_application

_SECRET_BYTES = 24


def new_secret() -> str:
    """Unguessable path component."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def serve(command: str, listening: socket.socket, secret: str) -> None:
    """Until Ctrl+C or SIGTERM. Each page that is opened has a process of `command` of its own."""
    host, port = listening.getsockname()
    server = Server(command, host, port, title="dlec")
    server.console = Console(quiet=True)  # its banner names an address without the secret
    web.run_app(_behind(secret, server), sock=listening, print=None)


async def _behind(secret: str, server: Server) -> web.Application:
    """Everything below the secret, nothing elsewhere; the pages ask for the rest by addresses that begin alike."""
    outer = web.Application()
    outer.add_subapp(f"/{secret}", await web_application(server))
    outer.on_response_prepare.append(_keep_secret)
    return outer


async def _keep_secret(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Referrer-Policy"] = "no-referrer"
