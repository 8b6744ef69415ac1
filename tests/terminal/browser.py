"""A real browser without a window, driven through its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol
"""

import asyncio
import base64
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import click
from aiohttp import ClientSession, ClientWebSocketResponse

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DEADLINE = 60.0
"""Seconds after which what is waited for will not come."""
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0"),
)


class Page:
    """One tab."""

    def __init__(self, line: ClientWebSocketResponse) -> None:
        self._line = line
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listening = asyncio.create_task(self._listen())
        self.statuses: dict[str, int] = {}
        """Of what was loaded, by its address."""
        self.received = ""
        """What came over web sockets since the last keys, without what a terminal obeys."""

    async def open(self, address: str) -> None:
        self.received = ""
        await self.ask("Page.navigate", url=address)
        await until(lambda: address in self.statuses)

    async def press(self, keys: str) -> None:
        """As somebody types them."""
        self.received = ""
        for key in keys:
            await self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, text=key, unmodifiedText=key)
            await self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def wait_for(self, text: str) -> None:
        """Until the terminal in the page was sent it since the last keys."""
        await until(lambda: text in self.received, lambda: self.received)

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._line.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(DEADLINE):
            return await answer

    async def _listen(self) -> None:
        async for message in self._line:
            said = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said.get("result", {}))
            elif said["method"] == "Network.responseReceived":
                response = said["params"]["response"]
                self.statuses[response["url"]] = response["status"]
            elif said["method"] == "Network.webSocketFrameReceived":
                frame = said["params"]["response"]
                data = base64.b64decode(frame["payloadData"]) if frame["opcode"] == 2 else b""
                self.received += click.unstyle(data.decode("utf-8", "replace"))


@asynccontextmanager
async def browser(directory: Path) -> AsyncIterator[Page]:
    """A browser that knows nothing yet, gone afterwards. directory: for all that it writes."""
    assert CHROMIUM
    log = directory / "browser.log"
    with log.open("wb") as talk:
        process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={directory / 'profile'}", "about:blank"], stdout=talk, stderr=talk
        )
    try:
        await until(lambda: b"DevTools listening on" in log.read_bytes(), log.read_text)
        port = re.search(r"DevTools listening on ws://127\.0\.0\.1:(\d+)/", log.read_text())
        assert port
        async with ClientSession() as session:
            tabs = await (await session.get(f"http://127.0.0.1:{port[1]}/json/list")).json()
            address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as line:
                page = Page(line)
                await page.ask("Network.enable")
                await page.ask("Page.enable")
                yield page
                with suppress(Exception):
                    await page.ask("Page.navigate", url="about:blank")  # the page is left as a user leaves it
    finally:
        process.terminate()
        process.wait(DEADLINE)


async def until(condition: Callable[[], object], instead: Callable[[], object] = lambda: "") -> None:
    """instead: what is to be said where it never holds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DEADLINE):
            while not condition():
                await asyncio.sleep(0.02)
    assert condition(), instead()
