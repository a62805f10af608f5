"""The page behind its token, as a visitor's browser has it."""

import pytest
from playwright.async_api import Browser, expect

from tests.pages.browser import CHROMIUM
from tests.pages.web import listening, read_one, running_web

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt-get install chromium)"),
    pytest.mark.asyncio(loop_scope="module"),
]

TOKEN = "a long and winding token"
PATIENCE = 30_000  # a busy machine is slow, not wrong


async def test_whoever_enters_the_token_has_the_page(browser: Browser) -> None:
    async with running_web("--host", "0.0.0.0", WEB_TOKEN=TOKEN) as (_, address):
        page = await (await browser.new_context()).new_page()
        said: list[str] = []
        refused: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
        await page.goto(address)
        await page.get_by_label("This page asks for a token").fill("something else")
        await page.get_by_role("button").click()
        await expect(page.get_by_role("alert")).to_have_text("That's not the token.", timeout=PATIENCE)
        await page.get_by_label("This page asks for a token").fill(TOKEN)
        await page.get_by_role("button").click()
        await listening(page)
        refused.clear()
        await read_one(page, "what a lovely day")
        await expect(page.locator("#vc-answer")).to_contain_text("Positive", timeout=PATIENCE)
        assert not refused
        assert not [text for text in said if "Content Security Policy" in text]
        assert TOKEN not in str(await page.context.storage_state())
        await page.reload()
        await listening(page)
