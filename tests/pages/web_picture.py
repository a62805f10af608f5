"""The README's picture of the page, and others to look at: `python -m tests.pages.web_picture [FOLDER]`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Page, expect

from tests.bench.texts import chat
from tests.pages.browser import chromium
from tests.pages.web import Scheme, open_web, paste, read_lines, read_one, running_web

QUESTION = "ngl this track slaps 🔥 chat we are so back"


async def take_pictures(folder: Path) -> None:
    async with running_web() as (_process, address), chromium() as browser:
        looks: tuple[tuple[str, int, int, Scheme], ...] = (
            ("light", 1280, 720, "light"),
            ("dark", 1280, 720, "dark"),
            ("phone", 390, 844, "light"),
            ("phone-dark", 390, 844, "dark"),
        )
        for name, width, height, scheme in looks:
            page = await open_web(browser, address, width, height, scheme)
            await _take(page, folder / f"web-{name}")


async def _take(page: Page, name: Path) -> None:
    async def shoot(what: str) -> None:
        await page.mouse.move(0, 0)
        await page.wait_for_timeout(500)
        await page.screenshot(path=f"{name}{what}.png", full_page=True)

    await shoot("-empty")
    await read_one(page, QUESTION)
    await expect(page.locator("#vc-answer mark").first).to_be_visible()
    await shoot("")
    await read_lines(page, chat(600))
    await expect(page.locator("#vc-batch svg")).to_be_visible(timeout=30_000)
    await expect(page.locator("#vc-table")).to_be_visible()
    await shoot("-many")
    await page.get_by_role("tab", name="Compare").click()
    await paste(page.locator("#vc-compare-text textarea"), QUESTION)
    await page.locator("#vc-source input").fill("model/bundled")
    await page.locator("#vc-source input").press("Enter")
    await page.locator("#vc-compare").click()
    await expect(page.locator("#vc-compared .vc-pair")).to_be_visible()
    await shoot("-compare")
    await page.get_by_role("tab", name="About").click()
    await shoot("-about")


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "build/pictures")
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_pictures(target))
