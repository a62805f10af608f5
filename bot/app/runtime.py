"""The bot as a process: it starts, says when it is ready, and ends orderly."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import discord

from bot.app.answer_adapter import use_answer_adapter
from bot.app.cluster import LeaseLost, hold_shards, let_go, until_lost, with_signs_of_life
from bot.app.connecting import EX_CONFIG, EX_OK, EX_UNAVAILABLE, WRONG_TOKEN, Ended, Later, Obstacles
from bot.app.health_checks import model_check
from bot.app.logging_setup import quieten_discord, say, set_up_logging, tell_shards
from bot.app.open_model import open_classifier, open_local, open_released
from bot.app.process_tuning import (
    freeze_what_is_loaded,
    keep_memory_private,
    on_hangup,
    open_many_files,
    stop_on_signals,
    tune_threads,
)
from bot.app.release_follower import ReleaseFollower
from bot.app.reloading import reload_in_background
from bot.app.running import Running
from bot.app.service_manager import ServiceManager
from bot.app.shutdown import GRACE_SECONDS, ShutdownBudget, run_to_the_end
from bot.link.limits import no_session_yet, sessions_needed, until_session
from bot.permissions import PORTAL, SWITCH_ON_CONTENT
from bot.settings import Settings, SettingsError
from bot.storage.errors import DatabaseUnavailable, DatabaseUnusable, StoreError
from model import CheckpointError
from model.concurrency import unless

if TYPE_CHECKING:
    from bot.client import Vibecheck
    from bot.domain.model_release import Release
    from bot.storage.open_storage import Storage
    from model import Classifier

_log = logging.getLogger("vibecheck")

_ANSWERING = ("CommandTree-invoker", "discord-ui-")
"""How discord.py names the tasks in which commands and buttons run."""

NO_TOKEN = f"There's no bot token. Put DISCORD_TOKEN=... into .env; you'll find it at {PORTAL} under Bot."
WITHOUT_CONTENT = (
    "Discord doesn't show this bot what messages say, so it can't monitor anything. Commands work. Turn it on "
    f"{SWITCH_ON_CONTENT}, and start again."
)

DATABASE_SECONDS, DATABASE_PAUSE, DATABASE_SAID_SECONDS = 300.0, 5.0, 30.0
"""How long a database is waited for at the start, between two tries, and how often that is said."""


def run_bot(settings: Settings) -> int:
    """Runs until SIGINT or SIGTERM and returns the exit code; says in one sentence what stopped it otherwise."""
    set_up_logging(settings.log_level, settings.log_format, settings.cluster)
    tune_threads(settings.threads)
    keep_memory_private()
    open_many_files()
    try:
        token = bot_token(settings)
    except SettingsError as error:
        return say(str(error), EX_CONFIG)
    return run_to_the_end(run(settings, token))


def bot_token(settings: Settings) -> str:
    """The token without stray spaces. Raises SettingsError when there is none or no HTTP header could hold it."""
    token = settings.discord_token.get_secret_value().strip() if settings.discord_token is not None else ""
    if not token:
        raise SettingsError(NO_TOKEN)
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise SettingsError(WRONG_TOKEN)
    return token


async def run(settings: Settings, token: str) -> int:
    """Everything between the settings and the exit code, in one event loop."""
    stop = stop_on_signals()
    on_hangup(lambda: None)  # nothing to reload yet; it would end the process
    running = Running()
    try:
        for step in (_open_health, open_parts, _assemble, _open_page):
            await unless(stop, step(settings, running), grace=GRACE_SECONDS)
            if stop.is_set():
                return EX_OK
        running.manager.tell("READY=1", "STATUS=connecting to Discord")
        return await _connect(settings, token, stop, running)
    except (CheckpointError, StoreError, SettingsError) as error:
        passing = isinstance(error, DatabaseUnavailable) and not isinstance(error, DatabaseUnusable)
        return say(str(error), EX_UNAVAILABLE if passing else EX_CONFIG)
    finally:
        running.manager.tell("STOPPING=1")
        await end(running, ShutdownBudget())


async def _open_health(settings: Settings, running: Running) -> None:
    """Before anything that may take long: whoever looks is told that it is being started. Raises SettingsError."""
    if settings.metrics_port:  # nobody asks otherwise, and nothing need be measured or imported for it
        from bot.app.health_server import health_server

        await running.health.enter_async_context(health_server(settings, running))
    await running.health.enter_async_context(running.manager.watched(partial(_is_alive, running)))


def _is_alive(running: Running) -> bool:
    """For the service manager, which restarts what is not: the model has computed lately. Asked by the event loop.

    Not whether there is a store or a connection, which a restart does not bring back.
    """
    return running.classifier is None or model_check(running).ok


async def open_parts(settings: Settings, running: Running) -> None:
    """The model and the store, side by side: the database's libraries are imported while the model's session is built.

    Of several processes each has the model that was released last, unless it is elsewhere. Raises CheckpointError and
    StoreError.
    """
    if settings.cluster.strip() and not settings.inference_url:
        await _open_released(settings, running)
        return
    loading = asyncio.ensure_future(open_classifier(settings))
    try:
        running.storage = await _open_store(settings, running)
    except BaseException:
        loading.cancel()
        raise
    running.classifier = await loading
    if running.storage.leases is not None:
        _follow(running, running.storage, None, None)


async def _open_released(settings: Settings, running: Running) -> None:
    running.storage = storage = await _open_store(settings, running)
    assert storage.releases is not None
    active = await storage.releases.active()
    classifier = await (open_released(settings, active) if active else open_local(settings))
    running.classifier = classifier
    _follow(running, storage, classifier, active)


def _follow(running: Running, storage: Storage, classifier: Classifier | None, active: Release | None) -> None:
    """From now on the process does its part in releases; without a `classifier` its texts are scored elsewhere."""
    from bot.storage.model_releases import ModelReleases

    assert storage.leases is not None
    releases = storage.releases or ModelReleases(storage.database, storage.leases.cluster)
    running.follower = ReleaseFollower(releases, storage.leases, classifier, active)
    storage.changes.model = running.follower.tell
    running.follower.start()


async def _open_store(settings: Settings, running: Running) -> Storage:
    """The store; a database that is not there yet is waited for, as after a machine's start. Raises StoreError."""
    from bot.storage.open_storage import open_storage

    until, said = time.monotonic() + DATABASE_SECONDS, float("-inf")
    while True:
        try:
            return await running.store.enter_async_context(open_storage(settings))
        except DatabaseUnusable:
            raise
        except DatabaseUnavailable as error:
            now = time.monotonic()
            if now >= until:
                raise
            if now - said >= DATABASE_SAID_SECONDS:
                said = now
                _log.warning("%s It is waited for, %s more at most.", error, _in_words(until - now))
        await asyncio.sleep(DATABASE_PAUSE)


async def _assemble(settings: Settings, running: Running) -> None:
    """The client with its features, and all that will be needed is loaded; what is there then is kept for good."""
    from bot.app.assemble import assemble

    classifier, storage = running.classifier, running.storage
    assert classifier is not None and storage is not None
    _log.info("model %s ready after %.1f s", classifier.info.version, seconds_since_start())
    quieten_discord()
    running.client = assemble(settings, classifier, storage, page=running.page_state, traffic=running.traffic)
    await running.client.warm()
    freeze_what_is_loaded()  # before anybody can say anything


async def _open_page(settings: Settings, running: Running) -> None:
    """The web page beside the bot, over the same model, if a port is set for it. Raises SettingsError."""
    if not settings.web_port:
        return
    from bot.app.page import page_beside

    assert running.classifier is not None
    await running.page.enter_async_context(page_beside(settings, running.classifier, running.page_state))


async def _connect(settings: Settings, token: str, stop: asyncio.Event, running: Running) -> int:
    """Runs the bot until it is told to stop or cannot go on, and returns the exit code.

    A client that Discord has ended cannot begin again: another takes its place, over the same model and store.
    """
    classifier, storage = running.classifier, running.storage
    assert classifier is not None and storage is not None
    on_hangup(partial(reload_in_background, classifier, storage.releases))
    storage.write_buffer.start()
    use_answer_adapter()
    obstacles = Obstacles()
    content_seen = True
    while True:
        client, trouble = running.client, cast(Exception | None, None)
        assert client is not None
        try:
            holding = hold_shards(storage, token, running.manager, running.traffic)
            held = await unless(stop, holding, grace=GRACE_SECONDS)
            if held is not None and held is not storage:
                await _leave(client)
                storage = held
                client = running.client = _assembled(settings, running, storage, content_seen=content_seen)
            if not stop.is_set():
                await _serve(client, token, stop, obstacles, running)
            judgement: Ended | Later | None = obstacles.judge(discord.ClientException())
        except discord.PrivilegedIntentsRequired:
            _log.warning("%s", WITHOUT_CONTENT)
            content_seen, judgement = False, None
        except DatabaseUnavailable as error:  # it was there when the store was opened
            judgement = obstacles.no_database(str(error))
        except (CheckpointError, StoreError, SettingsError):
            raise
        except LeaseLost as error:
            await _leave(client)
            judgement, trouble = None, error
        except Exception as error:  # whatever it is, another client may fare better; a message may hold words
            trouble = error
            _log.debug("the client ended (%s)", type(error).__name__)
            judgement = obstacles.judge(error)
        if stop.is_set():
            _log.info("stopped")
            return EX_OK
        if isinstance(judgement, Ended):
            return say(judgement.sentence, judgement.code)
        running.traffic.ended()
        # From now on nothing is seen, until the next client is ready; the library may have unloaded this one already.
        storage.write_buffer.sees = False
        await let_go(storage, trouble)
        storage = await with_signs_of_life(storage)
        # The client's jobs go on while there is a wait: what is too old is removed all the same.
        if judgement is not None and await _is_told_to_stop(stop, judgement, running.manager):
            return EX_OK
        if not isinstance(trouble, LeaseLost):
            await _leave(client)
        running.client = _assembled(settings, running, storage, content_seen=content_seen)


def _assembled(settings: Settings, running: Running, storage: Storage, *, content_seen: bool) -> Vibecheck:
    """Another client, over the same model."""
    from bot.app.assemble import assemble

    assert running.classifier is not None
    page, traffic = running.page_state, running.traffic
    return assemble(settings, running.classifier, storage, message_content=content_seen, page=page, traffic=traffic)


async def _serve(client: Vibecheck, token: str, stop: asyncio.Event, obstacles: Obstacles, running: Running) -> None:
    """Runs this client until it is told to stop. Raises whatever Discord or the network ends it with."""
    client.add_listener(_announcer(client, obstacles, running), "on_ready")
    client.jobs.start()
    try:
        await unless(stop, _session(client, token, stop, running.manager), grace=GRACE_SECONDS)
    finally:
        running.freezing.stop()


async def _session(client: Vibecheck, token: str, stop: asyncio.Event, manager: ServiceManager) -> None:
    """Logs in, and connects once Discord lets a session begin: a bot that begins too many loses its token."""
    await client.login(token)
    while True:
        shards, limits = await client.session_limits()
        own, of = len(client.own_shards.of(shards)), client.shard_count or shards
        tell_shards(of)
        seconds = until_session(limits, sessions_needed(own, of))
        if not seconds:
            break
        sentence = no_session_yet(seconds, time.time(), limits.remaining)
        if await _is_told_to_stop(stop, Later(sentence, seconds), manager):
            return
    await until_lost(client.services.storage.leases, client.connect())


async def _is_told_to_stop(stop: asyncio.Event, wait: Later, manager: ServiceManager) -> bool:
    """Says why there is a wait and how long it is, and waits. Whether the process was told to end meanwhile."""
    manager.tell(f"STATUS={wait.sentence}")
    _log.warning("%s Tried again in %s.", wait.sentence, _in_words(wait.seconds))
    with suppress(TimeoutError):
        async with asyncio.timeout(wait.seconds):
            await stop.wait()
    return stop.is_set()


def _in_words(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 100 else f"{seconds:.0f} s"


async def end(running: Running, budget: ShutdownBudget) -> None:
    """What was said is still read, then the model goes, so that whoever waits is told while there is a connection.

    The store comes last, with what is left to write.
    """
    client, classifier, storage = running.client, running.classifier, running.storage
    if client is not None:
        await budget.give("jobs", client.jobs.close())
        left = await budget.give("messages", client.drained(0.9 * budget.share_of("messages")))
        if left:
            _log.warning("%d messages could not be read before the end", left)
    if running.follower is not None:
        await running.follower.close()
    if classifier is not None:
        await budget.give("model", classifier.close())
    if client is not None:
        if storage is not None:  # whoever waits for the store is told as well
            storage.database.patience.end_in(0.5 * budget.share_of("answers"))
        await budget.give("answers", _answers_given())
        await budget.give("connection", client.close())
    await budget.give("health", running.health.aclose())
    await budget.give("page", running.page.aclose())
    await budget.give("store", running.store.aclose())
    if storage is not None and budget.left_behind("store"):
        storage.write_buffer.say_what_is_unwritten()


async def _answers_given() -> None:
    """Waits for the commands and buttons that are being answered."""
    answering = [task for task in asyncio.all_tasks() if task.get_name().startswith(_ANSWERING)]
    if answering:
        await asyncio.wait(answering)


async def _leave(client: Vibecheck) -> None:
    """Ends one client; the model and the store go on."""
    budget = ShutdownBudget(1.0)
    await budget.give("jobs", client.jobs.close())
    await budget.give("connection", client.close())


def end_process(code: int) -> NoReturn:
    """Ends the process without waiting for anything.

    Python's own way out tears the interpreter down under a thread that is still inside the model's library, which
    aborts the process with a core dump instead of `code`.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _announcer(client: Vibecheck, obstacles: Obstacles, running: Running) -> Callable[[], Coroutine[Any, Any, None]]:
    async def on_ready() -> None:
        obstacles.online()
        running.manager.tell("STATUS=online")
        running.freezing.arrived()
        _log.info("%s is online after %.1f s", client.user, seconds_since_start())

    return on_ready


def seconds_since_start() -> float:
    """Seconds since the operating system started this process; 0 where it does not say."""
    try:
        ticks = float(Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return max(0.0, time.process_time())
    return uptime - ticks / os.sysconf("SC_CLK_TCK")
