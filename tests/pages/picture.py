"""The README's picture: `python -m tests.pages.picture [FILE]` asks the demo's bot and photographs the answer."""

from __future__ import annotations

import asyncio
import sys

from playwright.async_api import expect

from tests.pages.browser import chromium, open_page, running_demo

QUESTION = "this slaps fr 🔥"


async def take_picture(file: str) -> None:
    async with running_demo() as (_process, address), chromium() as browser:
        page = await open_page(browser, address)
        await page.locator("#channel-composer-input").press_sequentially(f"/sentiment {QUESTION}")
        await expect(page.locator(".command-option-input")).to_have_value(QUESTION)
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Why?").last.wait_for()
        await page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")
        await page.mouse.move(0, 0)
        await page.screenshot(path=file)


if __name__ == "__main__":
    asyncio.run(take_picture(sys.argv[1] if len(sys.argv) > 1 else "docs/demo.png"))
