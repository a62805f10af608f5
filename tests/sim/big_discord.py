"""A local Discord with thousands of servers that write: they are told and heard, and no object is kept of any.

Only what the bot asks is answered: how a server is, a notice, and the history of a channel. All else is simcord's.
"""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from simcord.backend import serializers

from bot.demo.gateway import Gateway
from bot.demo.local_discord import LocalDiscord
from bot.demo.rest import RestApi
from bot.demo.sessions import Session
from tests.bot.alerts.crowd import FIRST

CHANNELS, PEOPLE = 5, 20
AHEAD = 50
"""Frames of servers that may wait to be sent; the next are made when these are gone."""

_EPOCH_MS = 1_420_070_400_000
_PERMISSIONS = str(1 << 10 | 1 << 11 | 1 << 16 | 1 << 6)
"""View Channel, Send Messages, Read Message History and Add Reactions."""


def snowflake(moment: float, number: int = 0) -> int:
    """An id of that moment, in seconds since the Unix epoch; `number` tells those of one millisecond apart."""
    return (int(moment * 1000) - _EPOCH_MS) << 22 | number & 0x3FFFFF


class Crowd:
    """So many servers of five channels, with ids as `tests.bot.alerts.crowd` makes them, and what is written there."""

    def __init__(self, servers: int, *, roles: int = 20) -> None:
        self.guild_ids = range(FIRST << 22, (FIRST + servers) << 22, 1 << 22)
        self.begun = time.time()
        self.sent = 0
        self.bytes_told = 0
        self._roles = roles
        self._written: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)

    def channels_of(self, guild_id: int) -> range:
        """The ids of a server's channels."""
        return range(guild_id + 1, guild_id + 1 + CHANNELS)

    def notice_of(self, channel_id: int) -> int:
        """The id of the notice in a channel, of a day ago."""
        return snowflake(self.begun - 86_400, (channel_id >> 22) * CHANNELS + (channel_id & 0x3FFFFF))

    def write(self, guild_id: int, channel_id: int, person: int, content: str) -> tuple[int, str]:
        """A message of a person of that server; its id, and the event."""
        now = time.time()
        self.sent += 1
        message_id = snowflake(now, self.sent)
        author = (guild_id & ~0x3FFFFF) - (PEOPLE << 40) + (person + 1 << 22)
        payload = {
            "id": str(message_id),
            "type": 0,
            "channel_id": str(channel_id),
            "guild_id": str(guild_id),
            "author": _user(author),
            "member": {"roles": [], "joined_at": "2025-01-01T00:00:00+00:00", "deaf": False, "mute": False, "flags": 0},
            "content": content,
            "timestamp": datetime.fromtimestamp(now, UTC).isoformat(),
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "pinned": False,
            **{name: [] for name in ("mentions", "mention_roles", "attachments", "embeds", "components")},
        }
        event = json.dumps(payload)
        self._written[channel_id].append((message_id, event))
        return message_id, event

    def history(self, channel_id: int, limit: int, *, after: int | None = None, before: int | None = None) -> list[str]:
        """The messages next to an id, or the last ones; the newest first, as Discord has them."""
        written = self._written.get(channel_id, [])
        if after is not None:
            place = bisect_right(written, after, key=lambda one: one[0])
            return [event for _, event in reversed(written[place : place + limit])]
        end = len(written) if before is None else bisect_left(written, before, key=lambda one: one[0])
        return [event for _, event in reversed(written[max(0, end - limit) : end])]

    def ids(self) -> dict[int, tuple[int, int]]:
        """Of every message its channel and when it was written, in milliseconds since the Unix epoch."""
        return {
            number: (channel_id, (number >> 22) + _EPOCH_MS)
            for channel_id, written in self._written.items()
            for number, _ in written
        }

    def told(self, guild_id: int, me: dict[str, Any]) -> str:
        """A server as GUILD_CREATE has it: about 1 KB for each three roles."""
        roles = [_role(guild_id, 0, "@everyone")]
        roles += [_role(guild_id + 100 + number, number + 1, f"role {number}") for number in range(self._roles)]
        payload = {
            **_GUILD,
            "id": str(guild_id),
            "name": f"Server {guild_id >> 22}",
            "owner_id": str(guild_id + 9),
            "roles": roles,
            "channels": [self._channel(guild_id, channel_id) for channel_id in self.channels_of(guild_id)],
            "members": [
                {"user": me, "roles": [], "joined_at": _GUILD["joined_at"], "deaf": False, "mute": False, "flags": 0}
            ],
        }
        found = json.dumps(payload)
        self.bytes_told += len(found)
        return found

    def _channel(self, guild_id: int, channel_id: int) -> dict[str, Any]:
        written = self._written.get(channel_id)
        return {
            "id": str(channel_id),
            "guild_id": str(guild_id),
            "type": 0,
            "name": f"channel-{channel_id - guild_id}",
            "position": channel_id - guild_id,
            "permission_overwrites": [],
            "topic": None,
            "nsfw": False,
            "parent_id": None,
            "rate_limit_per_user": 0,
            "flags": 0,
            "last_message_id": str(written[-1][0] if written else self.notice_of(channel_id)),
        }


class BigGateway(Gateway):
    """Tells of a crowd as well, as fast as it is read."""

    crowd: Crowd

    def guild_ids(self) -> Iterable[int]:
        return [*super().guild_ids(), *self.crowd.guild_ids]

    def tell_guilds(self, session: Session, guild_ids: Sequence[int]) -> None:
        own = [guild_id for guild_id in guild_ids if guild_id in self.crowd.guild_ids]
        super().tell_guilds(session, [guild_id for guild_id in guild_ids if guild_id not in self.crowd.guild_ids])
        self._telling = asyncio.ensure_future(self._tell(session, own))

    async def _tell(self, session: Session, guild_ids: Sequence[int]) -> None:
        me = dict(serializers.user_payload(self._backend.bot_user))
        for guild_id in guild_ids:
            self.send(session, "GUILD_CREATE", self.crowd.told(guild_id, me))
            while session.line is not None and session.line.outbox.qsize() > AHEAD:
                await asyncio.sleep(0.002)
            await asyncio.sleep(0)

    def say(self, guild_id: int, channel_id: int, person: int, content: str) -> None:
        """Somebody writes; whoever has the server's shard hears it, or can read it later."""
        _, event = self.crowd.write(guild_id, channel_id, person, content)
        for session in self.sessions.values():
            if session.owns(guild_id):
                self.send(session, "MESSAGE_CREATE", event)

    def away(self, guild_ids: Iterable[int]) -> None:
        """An outage begins in these servers."""
        for guild_id in guild_ids:
            self.outages.add(guild_id)
            self._broadcast("GUILD_DELETE", {"id": str(guild_id), "unavailable": True})

    def back(self, guild_ids: Sequence[int]) -> None:
        """It is over."""
        self.outages.difference_update(guild_ids)
        for session in self.sessions.values():
            self.tell_guilds(session, [guild_id for guild_id in guild_ids if session.owns(guild_id)])


class BigRest(RestApi):
    """Knows the crowd's notices and history."""

    crowd: Crowd

    async def _answer(self, request: web.Request, path: str, headers: dict[str, str]) -> web.Response:
        parts = path.strip("/").split("/")
        if request.method == "GET" and parts[0] == "channels" and int(parts[1]) >> 22 >= FIRST:
            channel_id = int(parts[1])
            if len(parts) == 4:
                return self._json(self._notice(channel_id, parts[3]), 200, headers)
            asked = {name: int(request.query[name]) for name in ("after", "before") if name in request.query}
            found = self.crowd.history(channel_id, int(request.query.get("limit", 50)), **asked)
            return web.Response(body=f"[{','.join(found)}]".encode(), headers=headers, content_type="application/json")
        return await super()._answer(request, path, headers)

    def _notice(self, channel_id: int, message_id: str) -> dict[str, Any]:
        """Stands, and is not edited, for it is not the bot's as far as this says."""
        _, event = Crowd(0).write(channel_id & ~0x3FFFFF, channel_id, 0, "a notice")
        return json.loads(event) | {"id": message_id}


class BigDiscord(LocalDiscord):
    """With so many servers beside simcord's own."""

    rest_type, gateway_type = BigRest, BigGateway
    rest: BigRest
    gateway: BigGateway

    def __init__(self, crowd: Crowd, **options: Any) -> None:
        super().__init__(**options)
        self.crowd = self.rest.crowd = self.gateway.crowd = crowd


def _user(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "username": f"p{number % 9973}",
        "discriminator": "0",
        "avatar": None,
        "global_name": None,
    }


def _role(number: int, position: int, name: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "name": name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": position,
        "permissions": _PERMISSIONS,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


_GUILD: dict[str, Any] = {
    "icon": None,
    "splash": None,
    "discovery_splash": None,
    "banner": None,
    "description": None,
    "afk_channel_id": None,
    "afk_timeout": 300,
    "verification_level": 0,
    "default_message_notifications": 0,
    "explicit_content_filter": 0,
    "mfa_level": 0,
    "nsfw_level": 0,
    "premium_tier": 0,
    "premium_subscription_count": 0,
    "preferred_locale": "en-US",
    "system_channel_id": None,
    "system_channel_flags": 0,
    "rules_channel_id": None,
    "public_updates_channel_id": None,
    "vanity_url_code": None,
    "application_id": None,
    "max_members": 500_000,
    "member_count": PEOPLE + 1,
    "large": False,
    "unavailable": False,
    "joined_at": "2025-01-01T00:00:00+00:00",
    "premium_progress_bar_enabled": False,
    **{
        name: []
        for name in (
            "features",
            "emojis",
            "stickers",
            "threads",
            "presences",
            "voice_states",
            "stage_instances",
            "guild_scheduled_events",
            "soundboard_sounds",
        )
    },
}
