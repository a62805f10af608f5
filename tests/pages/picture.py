"""The README's pictures: `python -m tests.pages.picture [sentiment|mood]` asks the demo's bot and photographs it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from tests.pages.browser import chromium, open_page, running_demo

QUESTION = "this slaps fr 🔥"


async def ask_sentiment(page: Page) -> None:
    await page.locator("#channel-composer-input").press_sequentially(f"/sentiment {QUESTION}")
    await expect(page.locator(".command-option-input")).to_have_value(QUESTION)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Why?").last.wait_for()


async def ask_mood(page: Page) -> None:
    await page.get_by_role("button", name="Write /mood channel").click()
    await page.locator(".channel-message", has_text="in the last 7 days").locator("img[alt^=Chart]").wait_for()


PICTURES: dict[str, tuple[str, Callable[[Page], Awaitable[None]]]] = {
    "sentiment": ("docs/demo.png", ask_sentiment),
    "mood": ("docs/mood.png", ask_mood),
}


async def take_picture(file: str, ask: Callable[[Page], Awaitable[None]]) -> None:
    async with running_demo() as (_process, address), chromium() as browser:
        page = await open_page(browser, address)
        await ask(page)
        await page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")
        await page.mouse.move(0, 0)
        await asyncio.sleep(0.5)  # the page scrolls to what was answered
        await page.screenshot(path=file)


if __name__ == "__main__":
    asyncio.run(take_picture(*PICTURES[sys.argv[1] if len(sys.argv) > 1 else "sentiment"]))
