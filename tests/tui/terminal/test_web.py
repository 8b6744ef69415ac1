"""The workbench in a browser: only to whoever knows the secret."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest
from click.testing import CliRunner

from dlec_tui.cli.main import dlec
from dlec_tui.session.state import read_session

WAIT_SECONDS = 30


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where it is served, with the secret."""
    pytest.importorskip("textual_serve", reason="the extra web is not installed")
    command = [sys.executable, "-u", "-m", "dlec_tui", "web", "--home", str(tmp_path)]
    served = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMUX": "a,1,0"})
    assert served.stdout
    found = re.search(r"http://\S+", "".join(served.stdout.readline() for _ in range(4)))
    assert found
    yield found[0]
    served.send_signal(signal.SIGINT)
    assert served.wait(WAIT_SECONDS) == 0


def test_the_page_and_the_screen_are_behind_the_secret(address: str, tmp_path: Path) -> None:
    asyncio.run(_look(address, tmp_path))


async def _look(address: str, home: Path) -> None:
    from aiohttp import ClientSession

    parts = urlsplit(address)
    outside = f"http://{parts.netloc}"
    async with ClientSession() as browser:
        for path in ("/", "/ws", "/static/js/textual.js", "/wrong/", f"{parts.path[:-2]}/"):
            assert (await browser.get(outside + path)).status == 404, path
        page = await browser.get(address)
        assert page.headers["Referrer-Policy"] == "no-referrer"
        text = await page.text()
        socket = f"ws://{parts.netloc}{parts.path}ws"
        assert socket in text
        assert (await browser.get(f"{address}static/js/textual.js")).status == 200
        async with browser.ws_connect(f"{socket}?width=100&height=30") as screen:
            await screen.send_json(["focus"])
            await _until(screen, "palette")
            await screen.send_json(["stdin", "4"])
            await _until(screen, "─ jobs ─")
    async with asyncio.timeout(WAIT_SECONDS):
        while read_session(home / "dlec.sqlite").pane != "runs":  # kept when the page is closed
            await asyncio.sleep(0.05)


async def _until(screen, wanted: str) -> None:
    seen = b""
    async with asyncio.timeout(WAIT_SECONDS):
        while wanted not in click.unstyle(seen.decode("utf-8", "ignore")):
            seen += await screen.receive_bytes()


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    result = CliRunner().invoke(dlec, ["web"])
    assert result.exit_code == 3
    assert "pip install 'dlec[web]'" in result.output


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(dlec, ["web", "--port", str(taken.getsockname()[1])])
    assert result.exit_code == 3
    assert "Address already in use" in result.output
