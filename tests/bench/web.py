"""`python -m tests.bench.web`: the page in a real browser, with the figures it has to keep.

Loads the page, asks for tweets one by one as a visitor does, has 10,000 lines read, and at last asks the model for
somebody else: what a person in Discord waits while the page is flooded.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from pathlib import Path
from typing import Any

import click
from playwright.async_api import Browser, Page

from bot.app.open_model import open_classifier
from bot.settings import Settings
from bot.web.handlers import many, one
from bot.web.server import running_page
from bot.web.table_parser import pasted
from model.any_classifier import AnyClassifier
from tests.bench.texts import chat
from tests.pages.browser import chromium
from tests.pages.web import open_web, read_lines

OUTPUT = Path("build/bench-web.json")

_CLICK = """async (text) => {
  const box = document.querySelector("#vc-text textarea"), answer = document.getElementById("vc-answer");
  const until = async (there) => {
    while (!there()) await new Promise((done) => requestAnimationFrame(done));
  };
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  await wait(200);  // Gradio shows the end of an answer once more
  document.getElementById("vc-clear").click();
  await wait(150);
  await until(() => answer.querySelector(".vc-empty") && !box.value);
  box.value = text;
  box.dispatchEvent(new Event("input"));
  await wait(100);
  const started = performance.now();
  document.getElementById("vc-read").click();
  await until(() => answer.querySelector("footer, .vc-notice"));
  if (answer.querySelector(".vc-notice")) throw new Error(answer.innerText);
  return performance.now() - started;
}"""
"""Milliseconds from the click to the frame that shows the answer with its marked words."""

_WATCH = """() => {
  window.steps = new Set();
  const note = () => {
    const bar = document.querySelector("#vc-batch progress");
    if (bar) window.steps.add(bar.value);
  };
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""
"""Notes each state of the progress bar."""


@click.command()
@click.option("--quick", is_flag=True, help="A twentieth of the texts, to see that it runs.")
def main(quick: bool) -> None:
    """Measures and prints."""
    report = asyncio.run(measure(0.05 if quick else 1.0))
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    for what, value, bound in (
        ("first page load", f"{report['load']:.2f} s", "≤ 2 s"),
        ("a tweet's answer after the click, median", f"{report['click_ms']:.0f} ms", "≤ 300 ms"),
        ("the same, 9 of 10", f"{report['click_p90_ms']:.0f} ms", ""),
        (f"{report['lines']:,} lines, until table and chart are there", f"{report['batch']:.1f} s", "≤ 60 s"),
        ("progress shown, times", f"{report['steps']}", "> 1"),
        ("a text of somebody else, idle, median", f"{report['idle_ms']:.1f} ms", ""),
        ("the same while the page is flooded", f"{report['flooded_ms']:.1f} ms", ""),
        ("the same, 99 of 100", f"{report['flooded_p99_ms']:.1f} ms", ""),
    ):
        click.echo(f"{what:<52} {value:>10}  {bound}")


async def measure(size: float) -> dict[str, Any]:
    """Every figure; times in seconds unless the name says otherwise."""
    settings = Settings(_env_file=None)
    async with (
        await open_classifier(settings) as classifier,
        running_page(classifier, settings, "127.0.0.1", 0) as address,
        chromium() as browser,
    ):
        found: dict[str, Any] = {"load": await _load(browser, address.url)}
        page = await open_web(browser, address.url)
        clicks = [await page.evaluate(_CLICK, text) for text in chat(5 + max(5, int(50 * size)), seed=1)][5:]
        found |= {"click_ms": statistics.median(clicks), "click_p90_ms": _at(clicks, 0.9)}
        found |= await _batch(page, int(10_000 * size))
        await page.close()
        found |= await _flood(classifier, size)
    return found


async def _load(browser: Browser, url: str) -> float:
    """Until the page takes its first click, in a browser that has not seen it before."""
    started = time.perf_counter()
    page = await open_web(browser, url)
    found = time.perf_counter() - started
    await page.close()
    return found


async def _batch(page: Page, lines: int) -> dict[str, Any]:
    texts = chat(lines, seed=2)
    await page.evaluate(_WATCH)
    started = time.perf_counter()
    await read_lines(page, texts)
    await page.locator("#vc-batch svg").wait_for(timeout=120_000)
    await page.locator("#vc-table").get_by_text("positive").first.wait_for()
    seconds = time.perf_counter() - started
    return {"lines": lines, "batch": seconds, "steps": await page.evaluate("window.steps.size")}


async def _flood(classifier: AnyClassifier, size: float) -> dict[str, Any]:
    """What one text of a server takes, alone and while the page's visitors ask for all they may."""
    probes = chat(2 * int(200 * size) + 20, seed=3)
    idle = [await _probe(classifier, text) for text in probes[: len(probes) // 2]]
    over = asyncio.Event()

    async def visitor(number: int) -> None:
        for text in chat(10_000, seed=10 + number):
            if over.is_set():
                return
            async for _ in one(classifier, text):
                pass

    async def batch(number: int) -> None:
        async for _ in many(classifier, lambda: pasted("\n".join(chat(10_000, seed=20 + number)))):
            if over.is_set():
                return

    flood = [asyncio.create_task(visitor(number)) for number in range(4)]
    flood += [asyncio.create_task(batch(number)) for number in range(2)]
    await asyncio.sleep(1)
    flooded = [await _probe(classifier, text) for text in probes[len(probes) // 2 :]]
    over.set()
    await asyncio.gather(*flood)
    return {
        "idle_ms": statistics.median(idle),
        "flooded_ms": statistics.median(flooded),
        "flooded_p99_ms": _at(flooded, 0.99),
    }


async def _probe(classifier: AnyClassifier, text: str) -> float:
    started = time.perf_counter()
    await classifier.classify(text, origin=1)
    return 1000 * (time.perf_counter() - started)


def _at(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


if __name__ == "__main__":
    main()
