"""The demo as a visitor has it: started by its command, driven in a real browser."""

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bot.demo.launch import bot_process, wait_until_ready
from bot.demo.local_discord import LocalDiscord
from bot.demo.page import DemoPage
from bot.demo.world import build_world
from tests.pages.browser import CHROMIUM, open_page, running_demo

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt-get install chromium)"),
    pytest.mark.asyncio(loop_scope="module"),
]

expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong

ANSWER = ".channel-message"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncIterator[str]:
    async with running_demo() as (_process, address):
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, address: str) -> AsyncIterator[Page]:
    page = await open_page(browser, address)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    assert not problems
    await page.context.close()


async def at_rest(page: Page) -> None:
    """Returns once the page takes actions: while it is busy with one, simcord's page ignores the next."""
    await page.wait_for_function("window.simcordPreview.ready && window.simcordPreview.pendingAction === null")


async def use_sentiment(page: Page, text: str) -> None:
    await at_rest(page)
    await page.locator("#channel-composer-input").press_sequentially("/sentiment ")
    await page.locator(".command-option-input").fill(text)  # typed letter by letter, a busy page may lose some
    await send_command(page)


async def send_command(page: Page) -> None:
    """Enter, again if the page was busy just then and took no notice."""
    field = page.locator(".command-option-input").first
    await at_rest(page)
    while await field.count():
        await field.press("Enter")
        await at_rest(page)


async def write(page: Page, text: str) -> None:
    """An ordinary message."""
    await at_rest(page)
    composer = page.locator("#channel-composer-input")
    await composer.fill(text)
    await at_rest(page)
    await composer.press("Enter")


async def check_sentiment(page: Page, text: str) -> None:
    """The message menu's command, on the message that holds `text`."""
    message = page.locator(".channel-message", has_text=text)
    await message.hover()
    await message.get_by_role("button", name="More").click()
    await at_rest(page)
    await page.get_by_role("menuitem", name="Check sentiment").click()


async def test_a_typed_command_is_answered_by_the_real_model(page: Page) -> None:
    await use_sentiment(page, "i absolutely love this, best day ever")
    answer = page.locator(ANSWER).last
    await expect(answer).to_contain_text("Positive")
    await expect(answer).to_contain_text(re.compile(r"positive\s+━+"))
    await expect(answer).to_contain_text("i absolutely love this, best day ever")


async def test_a_command_that_is_being_typed_is_not_sent(page: Page) -> None:
    await page.evaluate("() => { HTMLFormElement.prototype.requestSubmit = () => { window.sent = true; }; }")
    await at_rest(page)
    await page.locator("#channel-composer-input").press_sequentially("/sentiment ")
    field = page.locator(".command-option-input")
    await expect(field).to_be_focused()
    await field.fill("and the rest is yet to come")
    await at_rest(page)
    assert not await page.evaluate("window.sent")
    await expect(field).to_have_value("and the rest is yet to come")


async def test_why_answers_below_and_marks_words(page: Page) -> None:
    await use_sentiment(page, "this is terrible")
    await expect(page.locator(ANSWER).last).to_contain_text("Negative")
    await at_rest(page)
    await page.get_by_role("button", name="Why?").last.click()
    await expect(page.locator(ANSWER).last).to_contain_text("Why negative?")
    await expect(page.locator(ANSWER).last).to_contain_text("Only you can see this")


async def test_the_private_option_hides_the_answer_from_others(page: Page) -> None:
    await page.locator("#channel-composer-input").press_sequentially("/sentiment ")
    await page.locator(".command-option-input").fill("a secret worry")
    await page.get_by_role("button", name=re.compile(r"\+1 more")).click()
    await page.get_by_role("option", name="private").click()
    await page.get_by_role("option", name="True").click()
    await send_command(page)
    secret = page.locator(ANSWER, has_text="a secret worry")
    await expect(secret).to_contain_text("Only you can see this")
    await page.locator("#viewer-picker").select_option(label="Inês")
    await expect(secret).to_have_count(0)


async def test_each_channel_shows_its_own_conversation(page: Page) -> None:
    await page.get_by_role("button", name="Go to #movies").click()
    await expect(page.locator("#channel-composer-input")).to_have_attribute("placeholder", re.compile("#movies"))
    await expect(page.get_by_text("soundtrack lives in my head")).to_be_visible()
    await expect(page.get_by_text("morning all")).to_have_count(0)


async def test_the_message_menu_checks_a_message_of_another_member(page: Page) -> None:
    await page.get_by_role("button", name="Go to #gaming").click()
    await check_sentiment(page, "new boss theme slaps")
    await expect(page.locator(ANSWER).last).to_contain_text("Only you can see this")
    await expect(page.locator(ANSWER).last).to_contain_text("━")


async def test_a_visitor_writes_as_any_member(page: Page) -> None:
    person = page.get_by_role("button", name="Write as Kofi cooks")
    await person.click()
    member = await person.get_attribute("data-member")
    await page.wait_for_function("(member) => window.simcordPreview.viewerId === member", arg=member)
    await write(page, "anyone up for ramen?")
    newest = page.locator(".channel-message").last
    await expect(newest).to_contain_text("Kofi cooks")
    await expect(newest).to_contain_text("anyone up for ramen?")


async def test_a_second_tab_sees_what_the_first_one_does(page: Page) -> None:
    other = await page.context.new_page()
    await other.goto(page.url)
    await other.locator(".demo-channel").first.wait_for()
    await write(page, "seen everywhere")
    await expect(other.get_by_text("seen everywhere").last).to_be_visible()


async def test_one_click_shows_the_mood_of_the_made_up_weeks_with_a_chart(page: Page) -> None:
    await at_rest(page)
    await page.get_by_role("button", name="Next tip").click()
    await page.get_by_role("button", name="Write /mood channel").click()
    answer = page.locator(ANSWER, has_text="in the last 7 days").last
    await expect(answer).to_contain_text("(mean score")
    await expect(answer).to_contain_text("I couldn't see anything for 10 hours")
    chart = answer.locator("img[alt^='Chart from']")
    await expect(chart).to_be_visible()
    await expect(chart).to_have_attribute("alt", re.compile(r"#general: mean score between .* messages\."))
    await expect(chart).to_have_js_property("naturalWidth", 1000)


async def test_a_storm_that_a_visitor_starts_brings_the_bots_own_alert(page: Page) -> None:
    await page.get_by_role("button", name=re.compile("Start a storm")).click()
    alert = page.locator(ANSWER, has_text="The mood has dropped").last
    await expect(alert).to_contain_text("#gaming", timeout=40_000)  # ten seconds, on a machine that does nothing else
    await expect(alert.get_by_role("button", name="I'm on it")).to_be_visible()


async def test_the_mods_have_an_alert_of_the_past_and_yesterdays_digest(page: Page) -> None:
    await page.get_by_role("button", name="Go to #mods").click()
    await expect(page.locator(ANSWER, has_text="is back to normal").first).to_contain_text("4 hours after the alert")
    await expect(page.locator(ANSWER, has_text="messages in 2 channels").first).to_be_visible()


async def test_what_is_sent_while_the_page_is_busy_waits_its_turn_and_none_is_lost(page: Page) -> None:
    await page.get_by_role("button", name="Go to #movies").click()
    await expect(page.locator("#channel-composer-input")).to_have_attribute("placeholder", re.compile("#movies"))
    composer = page.locator("#channel-composer-input")
    for number in range(5):
        await composer.fill(f"quick line {number}")
        await composer.press("Enter")
    await expect(page.get_by_text("quick line 4", exact=True)).to_be_visible()
    lines = await page.locator(ANSWER).all_inner_texts()
    found = re.findall(r"quick line (\d)", " ".join(lines))
    assert found == ["0", "1", "2", "3", "4"]


async def test_one_tip_is_shown_at_a_time_and_one_of_them_sets_the_server_up(page: Page) -> None:
    await expect(page.locator(".demo-try")).to_have_count(1)
    for _ in range(3):
        await page.get_by_role("button", name="Next tip").click()
    await at_rest(page)
    await page.get_by_role("button", name="Write /setup").click()
    form = page.locator(ANSWER, has_text="Set up Vibecheck").last
    await expect(form).to_contain_text("Only you can see this")
    await at_rest(page)
    await form.get_by_role("button", name="Start watching").click()
    await expect(page.locator(ANSWER, has_text="All set").last).to_contain_text("I know what's normal in all of them.")


async def test_a_visitor_is_told_that_the_past_is_made_up(page: Page) -> None:
    await expect(page.locator(".channel-topic")).to_contain_text("made up")
    await page.get_by_role("button", name="Go to #gaming").click()
    await expect(page.locator(".channel-topic")).to_contain_text("made up")


async def test_nothing_to_read_is_said_kindly(page: Page) -> None:
    await use_sentiment(page, "https://example.com")
    await expect(page.locator(".channel-message").last).to_contain_text("no text in there I can read")


async def test_the_page_fits_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 800})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.locator("#messages-toggle").click()
    await page.get_by_role("button", name="Go to #movies").click()
    await expect(page.get_by_text("soundtrack lives in my head")).to_be_visible()


async def test_a_private_answer_that_takes_its_time_leaves_the_page_alive(browser: Browser, tmp_path: Path) -> None:
    async with (
        LocalDiscord() as local,
        DemoPage(local, build_world(local)) as demo,
        bot_process(local, tmp_path) as bot,
    ):
        await wait_until_ready(local, bot)
        local.rest.latency = 0.5
        page = await open_page(browser, demo.url)
        await check_sentiment(page, "new phone camera")
        await expect(page.locator(ANSWER).last).to_contain_text("Vibecheck is thinking…")
        await expect(page.locator(ANSWER).last).to_contain_text("━")
        await page.context.close()


async def test_ctrl_c_ends_both_processes_within_5_seconds_and_leaves_nothing(browser: Browser, tmp_path: Path) -> None:
    async with running_demo(TMPDIR=str(tmp_path)) as (process, address):
        page = await open_page(browser, address)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
        assert children
        assert list(tmp_path.glob("vibecheck-demo-*"))
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            assert await process.wait() == 0
    await page.context.close()
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert list(tmp_path.glob("vibecheck-demo-*")) == []


async def test_a_browser_that_runs_in_the_terminal_holds_nothing_up(tmp_path: Path) -> None:
    slow = tmp_path / "browser"
    slow.write_text("#!/bin/sh\nexec sleep 20 >/dev/null 2>&1\n", "utf-8")
    slow.chmod(0o755)
    async with running_demo(f"{slow} %s") as (process, _address):
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            assert await process.wait() == 0


async def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "demo", "--no-browser", "--port", str(taken.getsockname()[1])),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
    assert process.returncode == 1
    assert "is in use. Choose another with --port" in said.decode()
    assert "Traceback" not in said.decode()
