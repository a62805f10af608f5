"""An admin switches monitoring on in the demo, as they would in Discord."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.pages.browser import CHROMIUM, open_page, running_demo

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt-get install chromium)"),
    pytest.mark.asyncio(loop_scope="module"),
]

expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with running_demo() as (_process, address):
        page = await open_page(browser, address)
        yield page
        await page.context.close()


async def at_rest(page: Page) -> None:
    await page.wait_for_function("window.simcordPreview.ready && window.simcordPreview.pendingAction === null")


async def choose(page: Page, command: str) -> None:
    """The command, from the list that opens while its name is typed."""
    await at_rest(page)
    await page.locator("#channel-composer-input").press_sequentially("/monitor")
    await page.get_by_role("option").filter(has_text=f"/monitor {command}").click()


async def give(page: Page, option: str, value: str) -> None:
    await page.get_by_role("option").filter(has_text=option).first.click()
    await page.get_by_role("option").filter(has_text=value).first.click()


async def send(page: Page) -> None:
    await at_rest(page)
    await page.get_by_role("button", name=re.compile("send", re.IGNORECASE)).first.click()


async def test_a_channel_is_picked_from_the_list_and_watched(page: Page) -> None:
    await page.get_by_role("button", name="Go to #movies").click()
    await expect(page.locator("#channel-composer-input")).to_have_attribute("placeholder", re.compile("#movies"))
    await choose(page, "enable")
    await give(page, "channel", "movies")
    await send(page)
    answer = page.locator(".channel-message", has_text="Only you can see this").last
    await expect(answer).to_contain_text("Now watching #movies")
    await expect(page.locator(".channel-message", has_text="I measure the mood here")).to_have_count(1)
    await choose(page, "status")
    await send(page)
    await expect(page.locator(".channel-message").last).to_contain_text("#movies (set for this channel)")
