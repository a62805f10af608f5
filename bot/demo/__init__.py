"""`vibecheck demo`: the real bot in a simulated Discord, in the browser, with no token and no network."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import webbrowser
from pathlib import Path

from bot.app.process_tuning import stop_on_signals


async def demo(port: int = 8765, open_browser: bool = True) -> int:
    """Runs until Ctrl-C or SIGTERM and returns the exit code. Port 0 takes a free one."""
    stop = stop_on_signals()
    from simcord import SetupError

    from bot.demo.local_discord import LocalDiscord
    from bot.demo.page import DemoPage
    from bot.demo.world import build_world

    with tempfile.TemporaryDirectory(prefix="vibecheck-demo-", ignore_cleanup_errors=True) as folder:
        async with LocalDiscord(patience=1.0) as local:
            world = build_world(local)
            page = DemoPage(local, world, port)
            try:
                await page.__aenter__()
            except SetupError:
                return _fail(f"Port {port} is in use. Choose another with --port, or --port 0 for any free one.")
            try:
                return await _run(local, page, world, Path(folder), stop, open_browser=open_browser)
            finally:
                await page.__aexit__(None, None, None)


async def _run(
    local: object, page: object, world: object, folder: Path, stop: asyncio.Event, *, open_browser: bool
) -> int:
    """Runs the bot until somebody stops us or it ends by itself."""
    from bot.demo.launch import BotEnded, BotNotReady, bot_process, wait_until_ready
    from bot.demo.local_discord import LocalDiscord
    from bot.demo.page import DemoPage
    from bot.demo.world import World

    assert isinstance(local, LocalDiscord) and isinstance(page, DemoPage) and isinstance(world, World)
    _say("Starting the bot…")
    async with bot_process(local, folder, {"ADMIN_GUILD": str(world.guild_id)}, past=world.past()) as process:
        ended = asyncio.ensure_future(process.wait())
        stopped = asyncio.ensure_future(stop.wait())
        ready = asyncio.ensure_future(wait_until_ready(local, process))
        try:
            await asyncio.wait((ready, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not stopped.done():
                await ready
                _say(f"Vibecheck is online: {page.url}\nPress Ctrl-C to stop it.")
                if open_browser:
                    # A browser that runs in the terminal returns only when it is closed; nobody waits for it.
                    threading.Thread(target=webbrowser.open, args=(page.url,), daemon=True).start()
                await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not stopped.done():
                raise BotEnded(await ended)
        except (BotEnded, BotNotReady) as error:
            return _fail(str(error))
        finally:
            for task in (ended, stopped, ready):
                task.cancel()
    return 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201
    return 1
