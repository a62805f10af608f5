"""What the gateway knows of a connection, and of a session, which outlives its connections."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

import discord

REPLAYED_EVENTS = 1000


@dataclass(eq=False)
class Line:
    """One connection: what it goes through, the code it is to be closed with, and when it is gone."""

    transport: asyncio.Transport | None
    outbox: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """Frames waiting to be sent."""
    hanging_up: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def hang_up(self, code: int) -> None:
        """Has it closed with that code, if nothing else has yet."""
        if not self.hanging_up.done():
            self.hanging_up.set_result(code)


@dataclass
class Session:
    """What the gateway remembers of one shard's connection, so that it can be resumed."""

    id: str
    intents: discord.Intents
    shard: int
    shards: int
    sequence: int = 0
    events: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=REPLAYED_EVENTS))
    line: Line | None = None
    """None while nobody is connected."""
    untold: set[int] = field(default_factory=set)
    """Its servers of which READY said nothing."""

    def owns(self, guild_id: int | None) -> bool:
        """Discord's sharding formula; whatever belongs to no guild goes to shard 0."""
        return ((guild_id >> 22) % self.shards if guild_id is not None else 0) == self.shard
