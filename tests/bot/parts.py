"""How tests reach what is inside a bot."""

import asyncio
import time

import discord
from simcord.backend.models import Overwrite
from simcord.builders import RoleHandle
from simcord.enums import OverwriteType

from bot.monitoring.events import EventsCog


def monitoring_of(bot):
    """The parts of its monitoring."""
    return next(cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog)).monitoring


def give(bot, **services):
    """Puts other services in the place of those that a bot has."""
    for name, service in services.items():
        object.__setattr__(bot.services, name, service)


async def overwrite(env, channel, who, **permissions):
    """Permissions of a role, `MemberActor` or `guild.me` in a channel, instead of those that it had there."""
    allow, deny = discord.PermissionOverwrite(**permissions).pair()
    kind = OverwriteType.ROLE if isinstance(who, RoleHandle) else OverwriteType.MEMBER
    env.backend.set_overwrite(channel.id, Overwrite(who.id, kind, allow.value, deny.value))
    await env.settle()


class MovedClock:
    """The clock that a storage goes by, moved by a test. It begins at a whole second."""

    def __init__(self, storage):
        self.now, self.ran = float(int(time.time())), 1000.0
        self.clock = storage.clock
        self.clock._local, self.clock._steady = lambda: self.now, lambda: self.ran

    def go_on(self, seconds):
        self.now += seconds
        self.ran += seconds


class Stopwatch:
    """A module's `asyncio`, whose time limits are over when a test says so, and not by the clock of a busy machine."""

    def __init__(self, monkeypatch, module):
        self._limits = {}
        monkeypatch.setattr(module, "asyncio", self)

    def __getattr__(self, name):
        return getattr(asyncio, name)

    def timeout(self, _seconds):
        limit = self._limits[asyncio.current_task()] = asyncio.timeout(None)
        return limit

    async def hang(self):
        """Waits until the time of whoever waits here is over, which is now."""
        self._limits[asyncio.current_task()].reschedule(asyncio.get_running_loop().time())
        await asyncio.Event().wait()
