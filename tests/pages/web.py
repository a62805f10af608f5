"""The web page as its visitors have it: started by its command, or in this process over a classifier of the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

from playwright.async_api import Browser, Locator, Page, Request

from tests.pages.browser import serving

DEAD_HOST = "http://127.0.0.1:9"
STREAM = "/queue/data"
Scheme = Literal["light", "dark"]


@asynccontextmanager
async def running_web(
    *arguments: str, command: Sequence[str] = ("-m", "bot", "web", "--no-browser", "--port", "0"), **environment: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The page in a process of its own, and its address; `environment` is added to this one's."""
    async with serving(*command, *arguments, seconds=90, **{"THREADS": "1", **environment}) as running:
        yield running


async def open_web(
    browser: Browser, address: str, width: int = 1280, height: int = 900, scheme: Scheme = "light", script: str = ""
) -> Page:
    """The page once it takes actions. `scheme` is what the visitor's system prefers: light or dark.

    `script` runs before anything of the page.
    """
    context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = await context.new_page()
    await page.add_init_script(script)
    await page.goto(address)
    await listening(page)
    return page


async def listening(page: Page) -> None:
    """Waits until the page takes actions."""
    await page.locator("#vc-answer[aria-live]").wait_for()


class Streams:
    """The streams of events that a page listens to, from now on."""

    def __init__(self, page: Page) -> None:
        self._open: set[Request] = set()
        self._none = asyncio.Event()
        page.on("request", self._began)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)

    async def all_ended(self) -> None:
        """Waits until the page waits for no answer."""
        await self._none.wait()

    def _began(self, request: Request) -> None:
        if STREAM in request.url:
            self._open.add(request)
            self._none.clear()

    def _ended(self, request: Request) -> None:
        self._open.discard(request)  # one from before may still have been open
        if STREAM in request.url and not self._open:
            self._none.set()


async def paste(box: Locator, text: str) -> None:
    """What Ctrl+V does; Playwright's `fill` types every line, which takes a minute for a thousand."""
    await box.evaluate("(box, text) => { box.value = text; box.dispatchEvent(new Event('input')); }", text)


async def read_one(page: Page, text: str) -> None:
    """Asks for one text."""
    await paste(page.locator("#vc-text textarea"), text)
    await page.locator("#vc-read").click()


async def read_lines(page: Page, lines: Sequence[str]) -> None:
    """Asks for many, as pasted lines."""
    await page.get_by_role("tab", name="Many texts").click()
    await paste(page.locator("#vc-lines textarea"), "\n".join(lines))
    await page.locator("#vc-read-all").click()


async def hand_in(page: Page, name: str, content: bytes) -> None:
    """Chooses a file."""
    await page.get_by_role("tab", name="Many texts").click()
    await page.locator("#vc-file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
