"""The bot as a process: it starts, says when it is ready, and ends orderly."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import aiohttp
import discord

from bot.app.malloc import limit_arenas
from bot.app.open_model import open_classifier
from bot.app.stopping import CLOSING_SECONDS
from bot.client import Vibecheck, create_bot
from bot.permissions import PORTAL, SWITCH_ON_CONTENT
from bot.settings import Settings, SettingsError
from bot.storage.errors import StoreError
from model import CheckpointError, Classifier, ModelError
from model.backends.base import granted_cpus
from model.concurrency import unless

if TYPE_CHECKING:
    from bot.storage.open_storage import Storage

_log = logging.getLogger("vibecheck")

EX_OK, EX_UNAVAILABLE, EX_CONFIG = 0, 69, 78
"""Exit codes of sysexits.h: all well, Discord cannot be reached, a setting must be put right."""

SWITCH_SECONDS = 0.0005
"""How long a Python thread may keep the others waiting: the usual 5 ms are half of what a small batch takes."""
_ANSWERING = ("CommandTree-invoker", "discord-ui-")
"""How discord.py names the tasks in which commands and buttons run."""

NO_TOKEN = f"There is no bot token: put DISCORD_TOKEN=... into .env; you get one at {PORTAL} under Bot."
WRONG_TOKEN = f"Discord refused the token: copy it anew from {PORTAL} under Bot and set DISCORD_TOKEN in .env."
WITHOUT_CONTENT = (
    "Discord does not let this bot see what messages say, so nothing can be monitored; commands work. "
    f"Switch it on {SWITCH_ON_CONTENT}, and start again."
)
NO_DISCORD = "Discord cannot be reached; check this machine's network and start again."


def run_bot(settings: Settings) -> int:
    """Runs until SIGINT or SIGTERM and returns the exit code; says in one sentence what stopped it otherwise."""
    _set_up_logging(settings.log_level)
    sys.setswitchinterval(SWITCH_SECONDS)
    limit_arenas(granted_cpus())
    try:
        token = bot_token(settings)
    except SettingsError as error:
        return _say(str(error), EX_CONFIG)
    return asyncio.run(_run(settings, token))


def bot_token(settings: Settings) -> str:
    """The token without stray spaces. Raises SettingsError when there is none or no HTTP header could hold it."""
    token = settings.discord_token.get_secret_value().strip() if settings.discord_token is not None else ""
    if not token:
        raise SettingsError(NO_TOKEN)
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise SettingsError(WRONG_TOKEN)
    return token


def _set_up_logging(level: str) -> None:
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # a dozen lines of its own at each start
    if level == "DEBUG":
        # At DEBUG the library logs every event and request in full, and people's words with them.
        logging.getLogger("discord").setLevel(logging.INFO)
        # And that of the database each statement, with the ids and hashes in it.
        logging.getLogger("aiosqlite").setLevel(logging.INFO)
    logging.getLogger("discord.shard").addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    """Keeps the sentence of "Attempting a reconnect in 2 s", which comes with 50 lines each time a network is down."""
    record.exc_info = None
    return True


async def _run(settings: Settings, token: str) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows has no handlers on its loop
            loop.add_signal_handler(number, stop.set)
    if hangup_is_for_reloading():
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # nothing to reload yet; it would end the process
    async with AsyncExitStack() as kept:
        try:
            # Side by side: the database's libraries are imported while the model's session is built in a thread.
            opened = await unless(stop, open_parts(settings, kept), grace=CLOSING_SECONDS / 4)
        except (CheckpointError, StoreError) as error:
            return _say(str(error), EX_CONFIG)
        if opened is None:
            return EX_OK
        try:
            await unless(stop, kept.enter_async_context(_page(settings, opened[0])), grace=CLOSING_SECONDS / 4)
        except SettingsError as error:
            await opened[0].close()
            return _say(str(error), EX_CONFIG)
        if stop.is_set():
            await opened[0].close()
            return EX_OK
        return await _connect(settings, token, stop, *opened)


@asynccontextmanager
async def _page(settings: Settings, classifier: Classifier) -> AsyncIterator[None]:
    """The web page beside the bot, over the same model, if a port is set for it."""
    if not settings.web_port:
        yield
        return
    from bot.web.command import page_beside

    async with page_beside(settings, classifier):
        yield


async def open_parts(settings: Settings, kept: AsyncExitStack) -> tuple[Classifier, Storage]:
    """The model and the store; `kept` closes the store."""
    loading = asyncio.ensure_future(open_classifier(settings))
    try:
        from bot.storage.open_storage import open_storage

        mood = await kept.enter_async_context(open_storage(settings))
    except BaseException:
        loading.cancel()
        raise
    return await loading, mood


async def _connect(settings: Settings, token: str, stop: asyncio.Event, classifier: Classifier, mood: Storage) -> int:
    """Runs the bot until it is told to stop, and returns the exit code."""
    _log.info("model %s ready after %.1f s", classifier.info.version, seconds_since_start())
    # The library warns of voice packages and of the guild cache; this bot wants neither.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    logging.getLogger("discord.state").setLevel(logging.ERROR)
    if hangup_is_for_reloading():
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload_in_background, classifier)
    # What has been loaded stays; looking through it for garbage holds the loop for 60 ms each time.
    gc.freeze()
    mood.buffer.start()
    bot = create_bot(settings, classifier=classifier, mood=mood)
    try:
        try:
            return await _serve(bot, token, stop)
        except discord.PrivilegedIntentsRequired:
            _log.warning(WITHOUT_CONTENT)
            await _leave(bot)
            if bot.watching is not None and bot.watching.started:
                # It was switched off while the bot ran: the gap before this run is written, and the run itself is none.
                mood = replace(mood, last_alive=None)
            bot = create_bot(settings, classifier=classifier, mood=mood, message_content=False)
            return await _serve(bot, token, stop)
    finally:
        await _close(bot, classifier)


async def _serve(bot: Vibecheck, token: str, stop: asyncio.Event) -> int:
    """Runs this bot until it is told to stop. Raises PrivilegedIntentsRequired when Discord refuses an intent."""
    bot.add_listener(_announcer(bot), "on_ready")
    bot.upkeep.start()
    try:
        await unless(stop, bot.start(token), grace=CLOSING_SECONDS / 4)
    except discord.PrivilegedIntentsRequired:
        raise
    except discord.LoginFailure:
        return _say(WRONG_TOKEN, EX_CONFIG)
    except discord.ConnectionClosed as error:
        return _say(WRONG_TOKEN, EX_CONFIG) if error.code == 4004 else _say(NO_DISCORD, EX_UNAVAILABLE)
    except (aiohttp.ClientError, OSError, discord.HTTPException, discord.GatewayNotFound) as error:
        _log.debug("could not connect", exc_info=error)
        return _say(NO_DISCORD, EX_UNAVAILABLE)
    _log.info("stopped")
    return EX_OK


def hangup_is_for_reloading() -> bool:
    """Not in a terminal, where SIGHUP says that it was closed, nor on Windows, which has no such signal."""
    return hasattr(signal, "SIGHUP") and not sys.stderr.isatty()


_reloads: set[asyncio.Task[None]] = set()
"""Tasks are only kept alive by whoever holds them."""


def _reload_in_background(classifier: Classifier) -> None:
    """SIGHUP: the model is loaded anew from where it came from; a failed reload changes nothing."""

    async def reload() -> None:
        try:
            await classifier.reload()
        except ModelError as error:
            _log.error("SIGHUP: %s The model there was still answers.", error)
        except Exception as error:  # a task that nobody waits for would end with a traceback
            _log.error("SIGHUP failed (%s). The model there was still answers.", type(error).__name__)

    task = asyncio.ensure_future(reload())
    _reloads.add(task)
    task.add_done_callback(_reloads.discard)


async def _close(bot: Vibecheck, classifier: Classifier) -> None:
    """What was said is still read, then the model goes, so that whoever waits is told while there is a connection.

    All in `CLOSING_SECONDS`.
    """
    share = CLOSING_SECONDS / 4
    await bot.upkeep.close()
    if bot.watching is not None:
        left = await bot.watching.reader.drained(share)
        if left:
            _log.warning("%d messages could not be read before the end", left)
    with suppress(TimeoutError):
        async with asyncio.timeout(share):
            await classifier.close()
    answering = [task for task in asyncio.all_tasks() if task.get_name().startswith(_ANSWERING)]
    if answering:
        await asyncio.wait(answering, timeout=share)
    await _leave(bot)


async def _leave(bot: Vibecheck) -> None:
    """Ends one bot; the model and the store go on."""
    await bot.upkeep.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_SECONDS / 4):
            await bot.close()


def end_process(code: int) -> NoReturn:
    """Ends the process without waiting for anything.

    Python's own way out tears the interpreter down under a thread that is still inside the model's library, which
    aborts the process with a core dump instead of `code`.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _announcer(bot: Vibecheck) -> Callable[[], Coroutine[Any, Any, None]]:
    async def on_ready() -> None:
        _log.info("%s is online after %.1f s", bot.user, seconds_since_start())

    return on_ready


def seconds_since_start() -> float:
    """Seconds since the operating system started this process; 0 where it does not say."""
    try:
        ticks = float(Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return max(0.0, time.process_time())
    return uptime - ticks / os.sysconf("SC_CLK_TCK")


def _say(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201
    return code
