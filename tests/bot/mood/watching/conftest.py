"""A server with an admin and two people in it, watched or not, whose messages have ids of today."""

from dataclasses import dataclass
from datetime import UTC, datetime

import discord
import pytest
import simcord


@dataclass
class Home:
    """The server, and what its admin and people do."""

    env: simcord.Env
    bot: discord.Client
    mood: object
    guild: simcord.GuildHandle
    general: simcord.ChannelHandle
    adam: simcord.MemberActor
    alice: simcord.MemberActor
    maya: simcord.MemberActor

    async def monitor(self, command, *, by=None, at=None, **options):
        """The admin uses /monitor and gets what is said, as text; it is for them alone."""
        answer = await (by or self.adam).slash(at or self.general, f"monitor {command}", **options)
        assert answer.response.ephemeral
        embeds = [
            "\n".join(
                [f"{embed.title}", f"{embed.description}", *(f"{field.name}: {field.value}" for field in embed.fields)]
            )
            for embed in answer.response.embeds
        ]
        return "\n".join([answer.response.content, *embeds])

    async def watch(self, channel=None, **options):
        """The admin has a channel watched."""
        said = await self.monitor("enable", channel=channel or self.general, **options)
        assert "I watch" in said, said

    async def hours(self, channel=None):
        """What the store holds of a channel, hour by hour, whoever it is of: (negative, neutral, positive)."""
        await self.mood.buffer.flush()
        channel_id = (channel or self.general).id
        async with self.mood.database.read() as connection:
            rows = await connection.exec_driver_sql(
                f"SELECT negative, neutral, positive FROM hours WHERE channel_id = {channel_id} ORDER BY hour"
            )
            return [tuple(row) for row in rows]

    async def messages(self):
        """Ids of the messages that the store holds a score of, oldest first."""
        await self.mood.buffer.flush()
        async with self.mood.database.read() as connection:
            rows = await connection.exec_driver_sql("SELECT message_id FROM message_scores ORDER BY message_id")
            return list(rows.scalars())

    async def gaps(self):
        """Server, start and end of every gap."""
        async with self.mood.database.read() as connection:
            rows = await connection.exec_driver_sql("SELECT guild_id, started, ended FROM gaps ORDER BY number")
            return [tuple(row) for row in rows]

    async def actions(self):
        """What is written down, in order: action, kind and id of its target."""
        entries = await self.mood.store.audit(self.guild.id)
        return [(entry.action, entry.target_kind, entry.target_id) for entry in reversed(entries)]


@pytest.fixture
async def env(bot):
    """As everywhere, but the simulated clock begins today: the store keeps nothing older than a week."""
    env = simcord.Env(bot, shard_count=1)
    env.backend.clock._epoch = datetime.now(UTC)
    await env.start()
    yield env
    await env.shutdown()
    env._raise_errors_since(env._errors_acknowledged)


@pytest.fixture
async def home(env, bot, mood):
    guild = env.create_guild("Home")
    general = guild.create_text_channel("general")
    admins = guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    adam = guild.add_member(env.create_user("adam"), roles=[admins])
    alice, maya = (guild.add_member(env.create_user(name)) for name in ("alice", "maya"))
    await env.settle()
    return Home(env, bot, mood, guild, general, adam, alice, maya)
