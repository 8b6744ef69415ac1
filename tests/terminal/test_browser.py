"""The workbench in a real browser: only with the token, and with the keys that it has in a terminal."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("textual_serve", reason="the extra web is not installed")

from dlec_tui.session.state import read_session
from tests.terminal.browser import CHROMIUM, browser, until
from tests.tui.terminal.test_web import address

__all__ = ["address"]

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no chromium here")


def test_with_the_token_panes_are_shown_and_a_plan_is_edited(address: str, tmp_path: Path) -> None:
    asyncio.run(_used(address, tmp_path))
    assert "# written in a browser" in read_session(tmp_path / "dlec.sqlite").document.text


async def _used(address: str, home: Path) -> None:
    async with browser(home) as page:
        await page.open(address)
        assert page.statuses[address] == 200
        await page.wait_for("palette")
        await page.ask("Runtime.evaluate", expression="document.querySelector('textarea').focus()")
        await page.press("4")
        await page.wait_for("─ jobs ─")
        await page.press("3")
        await page.wait_for("No slices.")
        await page.press("v")
        await page.wait_for("to the list")
        await page.press("# written in a browser")
        await until(lambda: "browser" in read_session(home / "dlec.sqlite").document.text)


def test_without_the_token_nothing_is_shown(address: str, tmp_path: Path) -> None:
    asyncio.run(_refused(address, tmp_path))


async def _refused(address: str, home: Path) -> None:
    outside = f"http://{urlsplit(address).netloc}/"
    async with browser(home) as page:
        for each in (outside, f"{outside}guessed/"):
            await page.open(each)
            assert page.statuses[each] == 404
        assert page.received == ""
