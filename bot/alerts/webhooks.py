"""Alerts for a server's own webhook: the same words once more, in a channel that moderators have chosen.

Who reads there is asked before each post, as for the mod channel: a webhook may have been moved since it was chosen.
One that Discord no longer knows is forgotten. What goes wrong in passing is tried again, for an hour.
"""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import discord

from bot.alerts.embed import DROPPED, TITLE
from bot.audience import channel_of
from bot.domain.records import Alert
from bot.domain.snowflake import SECONDS
from bot.i18n import gettext, speaking
from bot.link.failures import REQUEST_FAILURES, is_refusal, kind_of_failure
from bot.link.spoken import server_language
from bot.link.traffic import Traffic
from bot.mod_channel import look_up
from bot.presentation import palette
from bot.services import Services
from bot.storage.webhook_repository import Webhook
from bot.ui.happened_button import JUMP, jump

_log = logging.getLogger(__name__)

FRESH_SECONDS = SECONDS
"""For how long an alert is worth handing on."""

LATER, LONGEST_LATER = 60.0, 900.0
"""Seconds until a webhook is tried again after a failure; doubled each time."""

REQUEST_SECONDS = 20.0

GONE = {10015, 50027}
"""Discord's codes for a webhook that it does not know, and for a token that is none of its."""


async def look_at(webhook: Webhook, traffic: Traffic) -> discord.Webhook:
    """What Discord knows of it: its server and its channel. Raises what the library raises."""
    async with traffic.session() as session, asyncio.timeout(REQUEST_SECONDS):
        return await _partial(webhook, session).fetch(prefer_auth=False)


def is_gone(error: BaseException) -> bool:
    """Whether there is no such webhook any more."""
    return isinstance(error, discord.HTTPException) and (error.code in GONE or error.status == 404)


class WebhookJob:
    """The job. What was handed on is in the database, so that a restart repeats nothing that is known to be posted."""

    def __init__(self, services: Services) -> None:
        self._connection = services.connection
        self._mod_channels = services.mod_channels
        self._webhooks = services.storage.webhooks
        self._guilds = services.storage.guilds
        self._later: dict[int, tuple[int, float]] = {}
        """By server how often in a row it failed, and until when it is left alone."""

    async def tick(self, now: float) -> None:
        """Hands on what is new, each to its webhook, one after the other."""
        if not self._connection.is_ready():
            return
        waiting = await self._webhooks.waiting(int(now - FRESH_SECONDS))
        servers = {webhook.guild_id for webhook, _ in waiting}
        self._later = {guild_id: later for guild_id, later in self._later.items() if guild_id in servers}
        for webhook, alert in waiting:
            if self._later.get(webhook.guild_id, (0, 0.0))[1] <= now:
                await self._hand_on(webhook, alert, now)

    async def _hand_on(self, webhook: Webhook, alert: Alert, now: float) -> None:
        guild_id = webhook.guild_id
        try:
            if await self._may_be_told(webhook, alert, now):
                await self._post(webhook, alert)
        except REQUEST_FAILURES as error:
            if is_gone(error):
                _log.warning("the webhook of server %d is gone and was forgotten", guild_id)
                await self._webhooks.remove(guild_id, webhook.webhook_id)
                return
            if not is_refusal(error):
                failures = self._later.get(guild_id, (0, 0.0))[0] + 1
                self._later[guild_id] = failures, now + min(LONGEST_LATER, LATER * 2 ** min(failures - 1, 10))
                _log.warning("the webhook of server %d: put off (%s)", guild_id, kind_of_failure(error))
                return
            _log.warning("the webhook of server %d refuses an alert (%s)", guild_id, kind_of_failure(error))
        self._later.pop(guild_id, None)
        await self._webhooks.handed(guild_id, alert.number)

    async def _may_be_told(self, webhook: Webhook, alert: Alert, now: float) -> bool:
        """Whether everybody who reads what is posted by it may be told of the channel."""
        found, guild = await look_at(webhook, self._connection.traffic), self._connection.get_guild(webhook.guild_id)
        if guild is None or found.guild_id != guild.id or found.channel_id is None:
            return False
        here = channel_of(await look_up(guild, found.channel_id))
        return here is not None and bool(await self._mod_channels.readers.may_hear_of(here, (alert.channel_id,), now))

    async def _post(self, webhook: Webhook, alert: Alert) -> None:
        guild, settings = self._connection.get_guild(alert.guild_id), await self._guilds.settings(alert.guild_id)
        with speaking(server_language(guild, settings)):
            embed = _embed(alert)
        async with self._connection.traffic.session() as session, asyncio.timeout(REQUEST_SECONDS):
            await _partial(webhook, session).send(embed=embed, allowed_mentions=discord.AllowedMentions.none())


def _embed(alert: Alert) -> discord.Embed:
    address = jump(alert.guild_id, alert.channel_id, alert.started // SECONDS)
    dropped, link = gettext(DROPPED, channel=f"<#{alert.channel_id}>"), f"[{gettext(JUMP)}]({address})"
    return discord.Embed(title=gettext(TITLE), description=f"{dropped}\n{link}", colour=palette.BAD)


def _partial(webhook: Webhook, session: aiohttp.ClientSession) -> discord.Webhook:
    """Its address is made here, of the id and the token, at Discord's own host."""
    return discord.Webhook.partial(webhook.webhook_id, webhook.token.get_secret_value(), session=session)
