"""Whether enough people write in a channel for its hours to be told; whoever has it watched learns that at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import aiohttp
import discord

from bot.audience import can_read
from bot.channels import Watchable, WithMessages
from bot.domain.records import FEWEST_AUTHORS
from bot.domain.snowflake import hour_of
from bot.i18n import ngettext
from bot.monitoring.monitoring import Monitoring
from bot.permissions import HISTORY, VIEW, missing

HOURS = 24
MESSAGES = 400
"""How many of the latest messages are counted by who wrote them; a channel with more in a day is no small one."""

_MOST_SECONDS = 3.0


async def small_server_note(monitoring: Monitoring, member: discord.Member, channel: Watchable | None) -> str:
    """One line where in no hour of the last day enough people wrote; empty otherwise, and where that can't be known.

    Of the messages only author and time are looked at, of those that whoever asks can read as well. Nothing is kept.
    Everybody counts who is no bot, also who opted out: whoever asks sees them write, and must not learn who has.
    """
    if not isinstance(channel, WithMessages) or missing(channel, (VIEW, HISTORY)) or not can_read(member, channel):
        return ""
    now = datetime.fromtimestamp(monitoring.storage.clock.now(), UTC)
    wrote: list[tuple[int, int]] = []
    try:
        async with asyncio.timeout(_MOST_SECONDS):
            since = now - timedelta(hours=HOURS)
            async for message in channel.history(limit=MESSAGES, after=since, oldest_first=False):
                if not message.author.bot and message.webhook_id is None:
                    wrote.append((hour_of(message.id), message.author.id))
    except (TimeoutError, discord.HTTPException, aiohttp.ClientError, OSError):
        return ""
    if len(wrote) >= MESSAGES or busy_hours(wrote):
        return ""
    return ngettext(
        "Heads-up: {people} people wrote in 0 of the last {count} hour here, so hourly charts will stay empty. Better "
        "for a small server: `/monitor enable` with `whole_server`, and a weekly digest (`/setup`).",
        "Heads-up: {people} people wrote in 0 of the last {count} hours here, so hourly charts will stay empty. Better "
        "for a small server: `/monitor enable` with `whole_server`, and a weekly digest (`/setup`).",
        HOURS,
        people=FEWEST_AUTHORS,
    )


def busy_hours(wrote: Iterable[tuple[int, int]]) -> int:
    """In how many hours enough people wrote; pairs of an hour and somebody."""
    people: defaultdict[int, set[int]] = defaultdict(set)
    for hour, author in wrote:
        people[hour].add(author)
    return sum(len(found) >= FEWEST_AUTHORS for found in people.values())
