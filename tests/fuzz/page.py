"""`python -m tests.fuzz page --requests 10000`: what the suite does with a small budget, with a large one."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from tests.bot.web.by_http import fetch, press
from tests.fuzz.page_requests import WORD, send_all

PORTION = 500
GROWTH_MB = 60.0
"""What a process may grow after the first tenth: allocators take a while to have all they need."""


@click.command()
@click.option("--requests", default=10_000, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True)
def main(requests: int, seed: int) -> None:
    """Requests that no browser sends, at the page in a process of its own."""
    sys.exit(asyncio.run(_fuzz_page(requests, seed)))


async def _fuzz_page(requests: int, seed: int) -> int:
    with tempfile.TemporaryFile() as log:
        command = (sys.executable, "-m", "bot", "web", "--no-browser", "--port", "0")
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "WEB_OPEN": "True", "LOG_LEVEL": "DEBUG"},
        )
        assert process.stdout is not None
        try:
            said = await process.stdout.readline()
            found = re.search(rb"http://127\.0\.0\.1:\d+/", said)
            assert found, said
            broken, megabytes, statuses = await _in_portions(found[0].decode(), process.pid, requests, seed)
        finally:
            if process.returncode is None:
                process.terminate()
            rest = said + await process.stdout.read()
            await process.wait()
        log.seek(0)
        written = rest + log.read()
    words = written.count(WORD.encode())
    click.echo(f"tried {requests:,}, statuses {json.dumps(dict(statuses.most_common()))}")
    click.echo(f"broken {broken}, words in the log {words}, ended with {process.returncode}")
    click.echo(f"memory after each portion in MB: {' '.join(f'{size:.0f}' for size in megabytes)}")
    grown = megabytes[-1] - megabytes[len(megabytes) // 10]
    return int(bool(broken or words or grown > GROWTH_MB))


async def _in_portions(address: str, pid: int, requests: int, seed: int) -> tuple[int, list[float], Counter[str]]:
    handlers = await asyncio.to_thread(handlers_of, address)
    broken, megabytes, statuses = 0, list[float](), Counter[str]()
    for begin in range(0, requests, PORTION):
        outcome = await send_all(address, handlers, min(PORTION, requests - begin), seed * 1_000_003 + begin)
        broken += outcome.broken
        statuses += outcome.statuses
        await _patiently(lambda: asyncio.to_thread(press, address, "vc-read", ["still there?"]))
        megabytes.append(resident_megabytes(pid))
        click.echo(f"{begin + PORTION:,} {megabytes[-1]:.0f} MB", err=True)
    return broken, megabytes, statuses


async def _patiently(ask: Callable[[], Awaitable[object]]) -> None:
    """Somebody who was told that there is too much tries again, as the page says."""
    for _ in range(60):
        try:
            await ask()
        except AssertionError:
            await asyncio.sleep(1)
        else:
            return
    raise AssertionError("the page takes no questions any more")


def handlers_of(address: str) -> list[int]:
    """The numbers of the page's actions."""
    return [action["id"] for action in json.loads(fetch(f"{address}config"))["dependencies"]]


def resident_megabytes(pid: int) -> float:
    """What a process has in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
