"""The README's pictures: `python -m tests.pages.picture [NAME ...]` asks the demo's bot and photographs it.

Without names all of them; `first-minute` is an animation of the others. As it is on a phone, each of them goes into
build/pictures, to be looked at.
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
DROPPED = "The mood has dropped"
_FRAME = (960, 645)
_PHONE, _PHONES = (390, 844), Path("build/pictures")


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
FIRST = {"alert": DROPPED}
"""What a picture begins with, where that is not the end of what was said."""

ANIMATED = "first-minute"


async def photograph(page: Page, first: str = "") -> bytes:
    """The page when everything in it has come; with `first` that is what it shows at its top."""
    await page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")
    await page.mouse.move(0, 0)
    await asyncio.sleep(1)  # the page scrolls to what was answered
    if first:
        heading = page.locator(".channel-message", has_text=first).get_by_text(first).last
        await heading.evaluate("(it) => { it.style.scrollMarginTop = '4rem'; it.scrollIntoView({block: 'start'}); }")
        await asyncio.sleep(0.5)
    return await page.screenshot()


async def take_picture(name: str) -> None:
    file, ask = PICTURES[name]
    async with running_demo() as (_process, address), chromium() as browser:
        page = await open_page(browser, address)
        await ask(page)
        Path(file).write_bytes(await photograph(page, FIRST.get(name, "")))
        width, height = _PHONE
        await page.set_viewport_size({"width": width, "height": height})
        _PHONES.mkdir(parents=True, exist_ok=True)
        (_PHONES / f"demo-{name}-phone.png").write_bytes(await photograph(page, FIRST.get(name, "")))


async def animate(file: str) -> None:
    """One page through all of it, a still of two seconds for each step."""
    async with running_demo() as (_process, address), chromium() as browser:
        page = await open_page(browser, address)
        stills = [await photograph(page)]
        for name, (_, ask) in PICTURES.items():
            await at_rest(page)
            await ask(page)
            stills.append(await photograph(page, FIRST.get(name, "")))
    first, *others = [Image.open(io.BytesIO(still)).convert("RGB").resize(_FRAME) for still in stills]
    first.save(file, save_all=True, append_images=others, duration=2500, loop=0, quality=80)


async def main(names: list[str]) -> None:
    for name in names or [*PICTURES, ANIMATED]:
        if name == ANIMATED:
            await animate("docs/first-minute.webp")
        else:
            await take_picture(name)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
