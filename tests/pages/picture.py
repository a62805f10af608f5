"""The README's pictures: `python -m tests.pages.picture [NAME ...]` asks the demo's bot and photographs it.

Without names all of them; `first-minute` is an animation of the others.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, expect

from tests.pages.browser import chromium, open_page, running_demo

QUESTION = "this slaps fr 🔥"
_FRAME = (960, 645)


async def at_rest(page: Page) -> None:
    await page.wait_for_function("window.simcordPreview.ready && window.simcordPreview.pendingAction === null")


async def ask_sentiment(page: Page) -> None:
    await page.locator("#channel-composer-input").press_sequentially(f"/sentiment {QUESTION}")
    await expect(page.locator(".command-option-input")).to_have_value(QUESTION)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Why?").last.wait_for()


async def ask_mood(page: Page) -> None:
    await turn_to(page, "Write /mood channel")
    await page.locator(".channel-message", has_text="in the last 7 days").locator("img[alt^=Chart]").wait_for()


async def start_storm(page: Page) -> None:
    await page.locator(".demo-storm").click()
    await page.get_by_role("button", name="I'm on it").last.wait_for()


async def set_up(page: Page) -> None:
    await turn_to(page, "Write /setup")
    await page.get_by_text("Set up Vibecheck").last.wait_for()


async def turn_to(page: Page, tip: str) -> None:
    """Goes through the tips to that one, and follows it."""
    wanted = page.get_by_role("button", name=tip)
    while not await wanted.count():
        await page.get_by_role("button", name="Next tip").click()
    await at_rest(page)
    await wanted.click()


PICTURES: dict[str, tuple[str, Callable[[Page], Awaitable[None]]]] = {
    "sentiment": ("docs/demo.png", ask_sentiment),
    "mood": ("docs/mood.png", ask_mood),
    "alert": ("docs/alert.png", start_storm),
    "setup": ("docs/setup.png", set_up),
}
ANIMATED = "first-minute"


async def photograph(page: Page) -> bytes:
    """The page when everything in it has come."""
    await page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")
    await page.mouse.move(0, 0)
    await asyncio.sleep(1)  # the page scrolls to what was answered
    return await page.screenshot()


async def take_picture(file: str, ask: Callable[[Page], Awaitable[None]]) -> None:
    async with running_demo() as (_process, address), chromium() as browser:
        page = await open_page(browser, address)
        await ask(page)
        Path(file).write_bytes(await photograph(page))


async def animate(file: str) -> None:
    """One page through all of it, a still of two seconds for each step."""
    async with running_demo() as (_process, address), chromium() as browser:
        page = await open_page(browser, address)
        stills = [await photograph(page)]
        for _, ask in PICTURES.values():
            await at_rest(page)
            await ask(page)
            stills.append(await photograph(page))
    first, *others = [Image.open(io.BytesIO(still)).convert("RGB").resize(_FRAME) for still in stills]
    first.save(file, save_all=True, append_images=others, duration=2500, loop=0, quality=80)


async def main(names: list[str]) -> None:
    for name in names or [*PICTURES, ANIMATED]:
        if name == ANIMATED:
            await animate("docs/first-minute.webp")
        else:
            await take_picture(*PICTURES[name])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
