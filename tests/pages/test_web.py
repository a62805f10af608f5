"""The web page as a visitor has it: the real model, a real server, a real browser."""

import asyncio
import csv
import http.client
import io
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.pages.browser import CHROMIUM, chromium
from tests.pages.web import Scheme, Streams, hand_in, listening, open_web, paste, read_lines, read_one, running_web

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt-get install chromium)"),
    pytest.mark.asyncio(loop_scope="module"),
]

PATIENCE = 30_000  # a busy machine is slow, not wrong
expect.set_options(timeout=PATIENCE)
ANSWER, BATCH, COMPARED = "#vc-answer", "#vc-batch", "#vc-compared"

STORED_BY_THE_BROWSER = """async () => {
  const request = (asked) => new Promise((done, fail) => {
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await request(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      found.push(await request(database.transaction(store).objectStore(store).getAll()));
    }
    database.close();
  }
  return JSON.stringify(found);
}"""

ENDS_COME_LATE = """
const ask = window.fetch.bind(window);
const held = [];
window.fetch = async (...asked) => {
  const response = await ask(...asked);
  if (response.url.includes('/queue/join')) setTimeout(() => held.splice(0).forEach((go) => go()), 300);
  if (!response.url.includes('/queue/data')) return response;
  const transform = async (part, page) => {
    const [before, ...end] = part.split(/(?=data: \\{"msg":"close_stream")/);
    if (before) page.enqueue(before);
    if (!end.length) return;
    await new Promise((go) => held.push(go));
    page.enqueue(end.join(''));
  };
  const late = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new TransformStream({ transform }));
  return new Response(late.pipeThrough(new TextEncoderStream()), response);
};"""
"""A line on which the word that a stream is over comes when the next question has long been taken."""

ANSWERS_COME_LATE = """
const ask = window.fetch.bind(window);
window.fetch = async (...asked) => {
  const response = await ask(...asked);
  if (response.url.includes('/queue/join')) await window.late;
  return response;
};
window.hold = () => { window.late = new Promise((go) => { window.go = go; }); };"""
"""A line on which, after `hold()`, the word that a question was taken comes at `go()`."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncIterator[str]:
    async with running_web() as (_process, address):
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, address: str) -> AsyncIterator[Page]:
    page = await open_web(browser, address)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    assert not problems
    await page.context.close()


async def downloaded(page: Page) -> list[list[str]]:
    async with page.expect_download() as download:
        await page.locator("#vc-download").click()
    content = Path(await (await download.value).path()).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def test_a_typed_text_is_answered_with_all_that_is_promised(page: Page) -> None:
    await read_one(page, "good food, bad music")
    answer = page.locator(ANSWER)
    await expect(answer.locator("h2")).to_have_text("Neutral")
    await expect(answer).to_contain_text(re.compile(r"\d+ %\s*(a guess|unsure|fairly sure)"))
    await expect(answer).to_contain_text("Mostly neutral, a bit negative.")
    await expect(answer.locator(".vc-bars li")).to_have_count(3)
    await expect(answer.locator("mark", has_text="good")).to_have_class("vc-up")
    await expect(answer.locator("mark", has_text="bad")).to_have_class("vc-down")
    await expect(answer).to_contain_text("Read in 1 part of at most 512 tokens")


async def test_the_keyboard_alone_is_enough(page: Page) -> None:
    await expect(page.locator("#vc-text textarea")).to_be_focused()
    await page.keyboard.type("this is terrible")
    await page.keyboard.press("Shift+Enter")
    await expect(page.locator(f"{ANSWER} h2")).to_have_text("Negative")
    await page.keyboard.press("Tab")
    await expect(page.locator("#vc-read")).to_be_focused()


async def test_answers_are_announced_and_bars_have_words(page: Page) -> None:
    await expect(page.locator(ANSWER)).to_have_attribute("aria-live", "polite")
    await read_one(page, "good food, bad music")
    await expect(page.get_by_role("list", name="Probabilities")).to_contain_text("Positive")
    await expect(page.locator(f"{ANSWER} mark").first).to_contain_text("(towards positive)")
    assert await page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize(
    ("name", "sentiment"),
    [
        ("Film review", "Positive"),
        ("Bad film", "Negative"),
        ("Slang", "Positive"),
        ("Emoji", "Positive"),
        ("Neutral chatter", "Neutral"),
        ("Mixed", "Neutral"),
    ],
)
async def test_an_example_is_answered_by_a_click(page: Page, name: str, sentiment: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()
    await expect(page.locator(f"{ANSWER} h2")).to_have_text(sentiment)
    await expect(page.locator("#vc-text textarea")).not_to_have_value("")


async def test_clear_empties_text_and_answer(page: Page) -> None:
    streams = Streams(page)
    await read_one(page, "so good")
    await expect(page.locator(f"{ANSWER} h2")).to_be_visible()
    await streams.all_ended()  # Gradio shows every answer a second time as its end
    await page.locator("#vc-clear").click()
    await expect(page.locator("#vc-text textarea")).to_have_value("")
    await expect(page.locator(ANSWER)).to_contain_text("The answer shows up here.")


async def test_markup_in_a_text_is_shown_as_text(page: Page) -> None:
    await read_one(
        page, "<img src=x onerror=\"document.title='owned'\"> love it </p><script>document.title='owned'</script>"
    )
    answer = page.locator(ANSWER)
    await expect(answer.locator(".vc-text")).to_contain_text("<script>document.title='owned'</script>")
    await expect(answer.locator("img, script")).to_have_count(0)
    await expect(page).to_have_title("Vibecheck")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Write something first"),
        ("   \n ", "Write something first"),
        ("https://example.com", "There's no text in there I can read (links, mentions and pictures don't count)."),
        ("very long " * 100_000, "That text has 1,000,000 characters, but I can only read 200,000."),
    ],
    ids=["empty", "blank", "a link", "1 MB"],
)
async def test_a_text_that_cannot_be_read_gets_a_friendly_line(page: Page, text: str, said: str) -> None:
    await read_one(page, text)
    await expect(page.locator(f"{ANSWER} .vc-notice")).to_contain_text(said)


async def test_a_long_text_shows_its_parts(page: Page) -> None:
    await read_one(
        page, " ".join(f"In episode {number} the plot was thin but the cast was great." for number in range(120))
    )
    await expect(page.locator(ANSWER)).to_contain_text(re.compile(r"Read in [2-9] parts"))
    await expect(page.locator(f"{ANSWER} .vc-quiet").first).not_to_contain_text("Looking for")


async def test_half_an_emoji_is_no_trouble(page: Page) -> None:
    await page.locator("#vc-text textarea").evaluate(
        "(box) => { box.value = 'love it \\ud83d'; box.dispatchEvent(new Event('input')); }"
    )
    await page.locator("#vc-read").click()
    await expect(page.locator(f"{ANSWER} h2")).to_have_text("Positive")


async def test_fifty_clicks_at_once_end_in_one_answer(page: Page) -> None:
    await paste(page.locator("#vc-text textarea"), "best thing ever")
    await page.evaluate("for (let click = 0; click < 50; click++) document.getElementById('vc-read').click()")
    await expect(page.locator(f"{ANSWER} h2")).to_have_text("Positive")
    await read_one(page, "worst thing ever")
    await expect(page.locator(f"{ANSWER} h2")).to_have_text("Negative")


async def test_a_question_asked_just_as_the_last_answer_ends_is_answered(browser: Browser, address: str) -> None:
    page = await open_web(browser, address, script=ENDS_COME_LATE)
    for name, sentiment in (("Slang", "Positive"), ("Bad film", "Negative"), ("Neutral chatter", "Neutral")):
        await page.get_by_role("button", name=name, exact=True).click()
        await expect(page.locator(f"{ANSWER} h2")).to_have_text(sentiment)
    await page.context.close()


async def test_a_click_while_another_text_is_being_read_counts(browser: Browser, address: str) -> None:
    page = await open_web(browser, address, script=ANSWERS_COME_LATE)
    await page.evaluate("hold()")
    async with page.expect_response(re.compile("/queue/join")):
        await read_one(page, "best thing ever")
    await read_one(page, "worst thing ever")
    await page.evaluate("go()")
    await expect(page.locator(f"{ANSWER} h2")).to_have_text("Negative")
    await page.context.close()


async def test_a_visitor_who_waits_for_nothing_holds_no_stream(browser: Browser, address: str) -> None:
    page = await open_web(browser, address, script=ANSWERS_COME_LATE)
    streams = Streams(page)
    await read_lines(page, [f"line {number} is quite something, and this one goes on" for number in range(10_000)])
    await expect(page.locator(f"{BATCH} progress")).to_have_attribute("max", "10000")
    await page.evaluate("hold()")
    await page.get_by_role("tab", name="One text").click()
    async with page.expect_response(re.compile("/queue/join")):
        await read_one(page, "best thing ever")
    await page.get_by_role("tab", name="Many texts").click()
    await page.locator("#vc-stop").click()
    await page.evaluate("go()")
    await expect(page.locator(BATCH)).to_contain_text("Stopped.")
    await expect(page.locator(f"{ANSWER} h2")).to_have_text("Positive")
    await streams.all_ended()
    await read_lines(page, ["and the page still listens"])
    await expect(page.locator(BATCH)).to_contain_text("1 line read")
    await page.context.close()


async def test_pasted_lines_become_a_chart_a_table_and_a_download(page: Page) -> None:
    lines = ["i love this", "", "this is terrible", "=1+1 is great", "https://a.link", "<b>nice</b>"]
    await read_lines(page, lines)
    await expect(page.locator(BATCH)).to_contain_text(re.compile(r"5 lines read in [\d.]+ s; 1 had nothing to read\."))
    await expect(page.locator(f"{BATCH} svg")).to_have_attribute("aria-label", re.compile("Distribution of 4 scores"))
    await expect(page.locator("#vc-table")).to_contain_text("<b>nice</b>")
    rows = await downloaded(page)
    assert rows[0] == ["text", "sentiment", "negative", "neutral", "positive", "score", "windows", "parts"]
    assert [row[0] for row in rows[1:]] == [
        "i love this",
        "this is terrible",
        "'=1+1 is great",
        "https://a.link",
        "<b>nice</b>",
    ]
    assert [row[1] for row in rows[1:3]] == ["positive", "negative"]
    assert rows[4][-1] == "0"


async def test_a_csv_is_read_by_the_column_that_holds_its_texts(page: Page) -> None:
    await hand_in(page, "reviews.csv", b'id,stars,review\n1,5,loved every minute\n2,1,"boring, and far too long"\n')
    await expect(page.locator("#vc-column input")).to_have_value("review")
    await page.locator("#vc-read-all").click()
    await expect(page.locator(BATCH)).to_contain_text("2 lines read")
    rows = await downloaded(page)
    assert [row[:4] for row in rows] == [
        ["id", "stars", "review", "sentiment"],
        ["1", "5", "loved every minute", "positive"],
        ["2", "1", "boring, and far too long", "negative"],
    ]


async def test_another_column_can_be_chosen(page: Page) -> None:
    await hand_in(page, "two.csv", b"text,answer\nawful,wonderful\n")
    await expect(page.locator("#vc-column input")).to_have_value("text")
    await page.locator("#vc-column input").click()
    await page.get_by_role("option", name="answer").click()
    await page.locator("#vc-read-all").click()
    await expect(page.locator("#vc-table")).to_contain_text("positive")


async def test_200_columns_are_no_trouble(page: Page) -> None:
    names = ",".join(f"c{number}" for number in range(199))
    await hand_in(page, "wide.csv", f"{names},message\n{'1,' * 199}i love it\n".encode())
    await expect(page.locator("#vc-column input")).to_have_value("message")
    await page.locator("#vc-read-all").click()
    await expect(page.locator("#vc-table")).to_contain_text("i love it")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("photo.csv", b"\x89PNG\r\n\x1a\n\0\0\0", "photo.csv isn't a text file. Save the table as CSV"),
        (
            "latin.csv",
            "text\ncafé\n".encode("latin-1"),
            "latin.csv isn't UTF-8 text (line 2, byte 8). Save it as CSV UTF-8",
        ),
        ("empty.csv", b"", "empty.csv is empty"),
        ("names.csv", b"text,stars\n", "a line of column names and nothing below it"),
        ("ragged.csv", b"text,stars\ngood, really good,5\n", "Line 2 of ragged.csv has more cells"),
        ("long.csv", b"text\n" + b"good\n" * 10_001, "long.csv has 10,001 lines. I read at most 10,000"),
    ],
    ids=["binary", "encoding", "empty", "no rows", "ragged", "too long"],
)
async def test_a_file_that_cannot_be_read_gets_a_friendly_line(
    page: Page, name: str, content: bytes, said: str
) -> None:
    await hand_in(page, name, content)
    await expect(page.locator(f"{BATCH} .vc-notice")).to_contain_text(said)
    await page.locator("#vc-read-all").click()
    await expect(page.locator(f"{BATCH} .vc-notice")).to_contain_text(said)


async def test_a_batch_shows_how_far_it_is_and_can_be_stopped(page: Page) -> None:
    streams = Streams(page)
    await read_lines(page, [f"line {number} is quite something, and this one goes on" for number in range(10_000)])
    await expect(page.locator(f"{BATCH} progress")).to_have_attribute("max", "10000")
    await expect(page.locator(BATCH)).to_contain_text(
        re.compile(r"Reading: [1-9][\d,]* of 10,000 lines · about \d+ s left")
    )
    await page.locator("#vc-stop").click()
    await expect(page.locator(BATCH)).to_contain_text("Stopped.")
    await streams.all_ended()  # until then it is being stopped, and reads nothing else
    await read_lines(page, ["and the page still reads"])
    await expect(page.locator(BATCH)).to_contain_text("1 line read")


async def test_two_models_answer_side_by_side(page: Page) -> None:
    await page.get_by_role("tab", name="Compare").click()
    await paste(page.locator("#vc-compare-text textarea"), "what a great day")
    await page.locator("#vc-source input").fill(str(Path(__file__).parents[2] / "model" / "bundled"))
    await page.locator("#vc-source input").press("Enter")
    await page.locator("#vc-compare").click()
    await expect(page.locator(f"{COMPARED} h2")).to_have_text(["Positive", "Positive"])
    await expect(page.locator(COMPARED)).to_contain_text("They agree: positive")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/no/such/folder", "There's no model at"),
        ("bundled", "already in use here"),
        ("org/name", "needs a revision"),
    ],
)
async def test_a_model_that_cannot_be_compared_gets_a_friendly_line(page: Page, source: str, said: str) -> None:
    await page.get_by_role("tab", name="Compare").click()
    await paste(page.locator("#vc-compare-text textarea"), "what a great day")
    await page.locator("#vc-source input").fill(source)
    await page.locator("#vc-source input").press("Enter")
    await page.locator("#vc-compare").click()
    await expect(page.locator(f"{COMPARED} .vc-notice")).to_contain_text(said)


async def test_about_says_what_answers_its_limits_and_its_licence(page: Page) -> None:
    await page.get_by_role("tab", name="About").click()
    about = page.locator(".vc-about")
    for said in ("Model: the bundled model", "English only", "Nothing you type", "MIT licence"):
        await expect(about).to_contain_text(said)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_fits_a_phone(browser: Browser, address: str, scheme: Scheme) -> None:
    page = await open_web(browser, address, 390, 844, scheme)
    await read_one(page, "i hate waiting for this bus")
    await expect(page.locator(f"{ANSWER} mark").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await read_lines(page, ["i love this", "this is terrible"])
    await expect(page.locator("#vc-table")).to_contain_text("positive")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.context.close()


async def test_dark_and_light_follow_the_visitors_system(browser: Browser, address: str) -> None:
    shades = {}
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        page = await open_web(browser, address, scheme=scheme)
        background, ink = await page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('h1')).color]"
        )
        shades[scheme] = [sum(map(float, re.findall(r"[\d.]+", colour)[:3])) for colour in (background, ink)]
        await page.context.close()
    assert shades["light"][0] > 600 > 300 > shades["light"][1]
    assert shades["dark"][0] < 150 < 600 < shades["dark"][1]


async def test_no_request_leaves_the_machine(browser: Browser, address: str) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    await page.goto(address)
    await listening(page)
    await read_one(page, "i love this")
    await expect(page.locator(f"{ANSWER} h2")).to_be_visible()
    await read_lines(page, ["i love this"])
    await expect(page.locator(BATCH)).to_contain_text("1 line read")
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert len(asked) > 10
    response = await context.request.get(address)
    assert "connect-src 'self'" in response.headers["content-security-policy"]
    assert re.findall(r'<(?:link|script)[^>]+(?:href|src)="https?:', await response.text()) == []
    await context.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "gradio_api/upload"),
        ("GET", "gradio_api/file=/etc/passwd"),
        ("GET", "gradio_api/proxy=https://example.com"),
        ("GET", "gradio_api/deep_link"),
        ("GET", "gradio_api/runs"),
        ("GET", "monitoring"),
        ("POST", "gradio_api/run/read"),
        ("PUT", ""),
    ],
)
async def test_what_the_page_does_not_need_is_not_there(page: Page, address: str, method: str, path: str) -> None:
    answer = await page.context.request.fetch(
        address + path, method=method, multipart={"files": "x"} if "upload" in path else None
    )
    assert (answer.status, await answer.json()) == (404, {"detail": "There's nothing here."})


def status_of_post(address: str, size: int) -> int:
    """What a request of that size is answered with; the browser's own way of sending it takes 20 seconds."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE / 1000)
    with closing(connection):
        connection.request("POST", "/gradio_api/queue/join", b"x" * size, {"Content-Type": "application/json"})
        return connection.getresponse().status


async def test_a_request_of_any_size_is_not_taken(address: str) -> None:
    assert await asyncio.to_thread(status_of_post, address, 24 * 2**20 + 1) == 413


async def test_nothing_typed_or_handed_in_is_left_on_disk_or_in_the_log(tmp_path: Path) -> None:
    secret = "kumquat-telephone-of-secrets"
    home = tmp_path / "home"
    home.mkdir()
    kept = {"TMPDIR": str(tmp_path), "HOME": str(home), "GRADIO_TEMP_DIR": ""}
    async with running_web(**kept) as (process, address), chromium() as browser:
        page = await open_web(browser, address)
        await read_one(page, f"i love the {secret}")
        await expect(page.locator(f"{ANSWER} h2")).to_be_visible()
        await hand_in(page, "secrets.csv", f"text\nthe {secret} is awful\n".encode())
        await page.locator("#vc-read-all").click()
        await expect(page.locator(BATCH)).to_contain_text("1 line read")
        await downloaded(page)
        assert secret not in await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        assert secret not in await page.evaluate(STORED_BY_THE_BROWSER)
        process.send_signal(signal.SIGINT)
        said, _ = await process.communicate()
    assert process.returncode == 0
    assert secret not in said.decode()
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in left if secret.encode() in path.read_bytes()] == []
    assert not [path for path in left if "gradio" in str(path).lower()]


async def test_a_model_whose_hub_is_away_is_named_on_the_page(browser: Browser, tmp_path: Path) -> None:
    away = {"MODEL": "org/name@1a2b3c4", "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    async with running_web(**away) as (_process, address):
        page = await open_web(browser, address)
        await expect(page.get_by_role("note")).to_have_text(
            "I couldn't get org/name@1a2b3c4 (the hub can't be reached); the bundled model is running instead."
        )
        await read_one(page, "i love this")
        await expect(page.locator(f"{ANSWER} h2")).to_have_text("Positive")
        await page.context.close()


async def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "web", "--no-browser", "--port", str(taken.getsockname()[1])),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
    assert process.returncode == 78
    assert re.fullmatch(
        r"The page can't listen on 127\.0\.0\.1, port \d+ \(.+\)\. Choose another host or port\.\n", said.decode()
    )


async def test_ctrl_c_ends_it_while_somebody_looks(browser: Browser) -> None:
    async with running_web() as (process, address):
        page = await open_web(browser, address)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE / 1000):
            assert await process.wait() == 0
        await page.context.close()


async def test_a_visitor_is_told_when_the_line_breaks(browser: Browser) -> None:
    async with running_web() as (process, address):
        page = await open_web(browser, address)
        await read_lines(page, [f"line {number} is quite something, and this one goes on" for number in range(10_000)])
        await expect(page.locator(f"{BATCH} progress")).to_have_attribute("max", "10000")
        process.kill()
        await expect(page.get_by_text("Connection to the server was lost").first).to_be_visible()
        await page.context.close()
