"""A headless Chromium and the demo, for the page tests and the README's picture."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def running_demo(
    browser: str | None = None, **environment: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The demo as a person starts it, and the address it prints. `browser` is the command that opens pages.

    `environment` is added to this one's.
    """
    shown = ["--no-browser"] if browser is None else []
    added = {"BROWSER": browser or "", **environment}
    async with serving("-m", "bot", "demo", "--port", "0", *shown, seconds=60, **added) as running:
        yield running


@asynccontextmanager
async def serving(
    *arguments: str, seconds: float, **environment: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A Python process that prints the address of its page in time, and that address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(seconds):
            while line := (await process.stdout.readline()).decode():
                if address := re.search(r"http://127\.0\.0\.1:\d+/\S*", line):
                    break
            else:
                raise AssertionError(f"it ended with {await process.wait()}")
        yield process, address[0]
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            with suppress(TimeoutError):
                async with asyncio.timeout(8):
                    await process.wait()
        if process.returncode is None:
            process.kill()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


async def open_page(browser: Browser, address: str, width: int = 1280, height: int = 860) -> Page:
    """The demo's page, once its messages are there."""
    context = await browser.new_context(bypass_csp=True, viewport={"width": width, "height": height})
    page = await context.new_page()
    await page.goto(address)
    await page.locator(".demo-channel").first.wait_for()
    return page
