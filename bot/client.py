"""The Discord client. It knows no feature: it is given some, and brings their commands, buttons and jobs to Discord."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import discord
from discord.ext import commands

from bot.background_jobs import BackgroundJobs, Job
from bot.domain.shards import ALL, Shards
from bot.error_handler import ErrorHandlingTree
from bot.link.command_sync import DAY, CommandRegistration
from bot.link.command_translator import CommandTranslator
from bot.link.identify import IdentifyGate, NoSessionLeft
from bot.link.limits import no_session_yet, until_session
from bot.link.response_dates import dates_of_answers
from bot.link.spoken import speak_to_each
from bot.link.traffic import Traffic
from bot.link.unparsed_events import UnparsedEvents
from bot.services import Feature, Services
from bot.storage.registered_commands import RegisteredCommands
from bot.ui.unknown_components import answer_unknown, is_known
from model.concurrency import in_thread

_log = logging.getLogger(__name__)


ALONE_SECONDS, TOGETHER_SECONDS = 180.0, 600.0
"""How long a shard may take to begin, its turn among those of all processes included; then it is tried again."""

_ENOUGH_SESSIONS = 100
"""With more left than that, a session may be begun though Discord does not say now how many are."""

_PRESSED = (discord.InteractionType.component, discord.InteractionType.modal_submit)


class Vibecheck(commands.AutoShardedBot):
    """Made in `bot.app`, and complete once it is equipped."""

    services: Services
    features: tuple[Feature, ...]
    jobs: BackgroundJobs
    _registration: CommandRegistration
    _registering: asyncio.Task[None] | None = None
    _gate: IdentifyGate
    _concurrency = 1

    def __init__(self, *, message_content: bool = True, traffic: Traffic | None = None, shards: Shards = ALL) -> None:
        """Without `message_content`, which Discord may refuse, nothing can be read that nobody asks about.

        `traffic` goes on counting where one client takes another's place. `shards` are those that it connects with; for
        all Discord says how many there are.
        """
        self.traffic = traffic or Traffic()
        self.own_shards = shards
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=ErrorHandlingTree,
            intents=intents_for(message_content=message_content),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            http_trace=self.traffic.watch(dates_of_answers(self._discord_says)),
            shard_count=None if shards.are_all else shards.count,
            shard_connect_timeout=ALONE_SECONDS if shards.are_all else TOGETHER_SECONDS,
        )
        if not shards.are_all:
            self.shard_ids = list(shards.of(shards.count))
        self.traffic.listen(self)
        speak_to_each(self._connection.parsers)
        self.unparsed = UnparsedEvents(
            self._connection.parsers, lambda event, guild_id: self.dispatch("unparsed", event, guild_id)
        )

    def equip(self, services: Services, features: Sequence[Feature]) -> None:
        """Gives the client what it works with, before it connects."""
        self.services = services
        self.traffic.brake.share(services.storage.processes)
        self.features = tuple(features)
        settings = services.settings
        guild = discord.Object(settings.admin_guild) if settings.admin_guild else None
        shared = RegisteredCommands(services.storage.database) if services.storage.leases is not None else None
        self._registration = CommandRegistration(self.tree, settings.data_dir, guild, shared)
        self._gate = IdentifyGate(services.storage.leases)
        # Discord may have the library wait for hours before it takes them.
        looking_after_commands = Job("commands", self._register, limit=2 * DAY)
        jobs = (*(job for feature in features for job in feature.jobs), looking_after_commands)
        self.jobs = BackgroundJobs(jobs, services.storage.clock.now)

    def _discord_says(self, told: float, asked: float) -> None:
        """What time it is; the library asks nothing before it is equipped."""
        self.services.storage.clock.heard(told, asked)

    async def setup_hook(self) -> None:
        """Adds what the features bring; runs once, before the gateway connects."""
        settings = self.services.settings
        await self.tree.set_translator(CommandTranslator())
        admin_guild = discord.Object(settings.admin_guild) if settings.admin_guild else None
        for feature in self.features:
            self.add_dynamic_items(*feature.buttons)
            for menu in feature.menus:
                self.tree.add_command(menu)
            for cog in feature.cogs:
                await self.add_cog(cog)
            if admin_guild is not None:
                for cog in feature.owner_cogs:
                    await self.add_cog(cog, guild=admin_guild)
        if admin_guild is not None:
            self._know_owner()
        self._registering = asyncio.create_task(
            self._register(self.services.storage.clock.now()), name="registering commands"
        )
        self._registering.add_done_callback(_seen)

    async def _register(self, now: float) -> None:
        """Of several processes one looks after the commands, which are all servers'."""
        if self.services.storage.leads:
            await self._registration(now)

    async def launch_shards(self) -> None:
        """Begins the sessions. Without any shard of its own it begins none: the library would begin all."""
        if not self.own_shards.of(1):
            raise discord.ClientException("no shard is this process's")
        await super().launch_shards()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Begins no session that Discord does not allow, nor before its turn among all that this bot begins.

        The library asks once a minute here, however long it takes.
        """
        alone = self.services.storage.leases is None
        known = initial and alone  # it was read before connecting, and nobody else has begun one since
        while True:
            try:
                await self._gate.enter(shard_id or 0, self._concurrency, None if known else self._require_session)
                break
            except NoSessionLeft as wait:
                _log.warning("%s", no_session_yet(wait.seconds, time.time(), wait.remaining))
                await asyncio.sleep(wait.seconds)
        if self.traffic.identifies_remaining is not None:
            self.traffic.identifies_remaining -= 1

    async def _require_session(self) -> None:
        """Raises NoSessionLeft. Where Discord does not say, the library tries again unless enough were left."""
        try:
            _, limits = await self.session_limits()
        except (discord.GatewayNotFound, aiohttp.ClientError, OSError):
            if (self.traffic.identifies_remaining or 0) <= _ENOUGH_SESSIONS:
                raise
            return
        seconds = until_session(limits, self._concurrency)  # as many may be begun at the same time
        if seconds:
            raise NoSessionLeft(seconds, limits.remaining)

    async def session_limits(self) -> tuple[int, discord.SessionStartLimits]:
        """How many shards Discord wants, and how many sessions it allows. Raises GatewayNotFound."""
        shards, _, data = await self.http.get_bot_gateway()
        limits = discord.SessionStartLimits(**data)
        self.traffic.identifies_remaining = limits.remaining
        self._concurrency = max(1, limits.max_concurrency)
        return shards, limits

    def _know_owner(self) -> None:
        """Keeps who owns the bot, which the login has fetched: asking again could take longer than a command may."""
        application = self.application
        if application is None or self.owner_id or self.owner_ids:
            return
        if application.team is None:
            self.owner_id = application.owner.id
            return
        trusted = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
        members = {member.id for member in application.team.members if member.role in trusted}
        self.owner_ids = members | {application.team.owner_id or 0}

    async def warm(self) -> None:
        """Has loaded what the features need for the first time somebody asks, in a thread."""
        for feature in self.features:
            if feature.warm is not None:
                await in_thread(feature.warm)

    async def drained(self, seconds: float) -> int:
        """Waits for what the features have in hand, at most so long; returns how much still is."""
        return sum(await asyncio.gather(*(feature.drain(seconds) for feature in self.features if feature.drain)))

    async def close(self) -> None:
        """Disconnects, and ends the threads that draw and learn."""
        if self._registering is not None:
            self._registering.cancel()
        self._gate.close()
        has_logged_in = isinstance(self.loop, asyncio.AbstractEventLoop)
        try:
            if has_logged_in:  # before that nothing is open, and the library cannot close it
                await super().close()
        finally:
            self.services.charts.close()
            self.services.learning.close()

    async def on_message(self, _message: discord.Message, /) -> None:
        """Nothing: there are no text commands. What is watched is read by `bot.monitoring`."""

    async def on_interaction(self, interaction: discord.Interaction[Any], /) -> None:
        """Answers what no button of ours answers: somebody would be left with "This interaction failed"."""
        buttons = [button for feature in self.features for button in feature.buttons]
        if interaction.type in _PRESSED and not is_known(interaction, buttons):
            await answer_unknown(interaction)

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        """Logs the kind of an error in an event only: its message, or its traceback, may hold somebody's words."""
        error = sys.exception()
        _log.error("%s failed (%s)", event_method, type(error).__name__)


def _seen(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("registering commands failed (%s) and is tried again", type(error).__name__)


def intents_for(*, message_content: bool = True) -> discord.Intents:
    """What the bot wants to be told by Discord. Commands and message menus are interactions, which need no intent."""
    intents = discord.Intents.none()
    intents.guilds = True  # channels, threads and roles, to which rules apply; servers joined and left
    intents.guild_messages = True  # that a message was written, edited or deleted
    intents.message_content = message_content  # what it says; privileged: Discord's portal must have it on
    return intents
