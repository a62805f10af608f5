"""The replay of the stored past, as a command."""

import discord
import pytest

from bot.domain.records import AdminAction
from tests.bot.pasts import hour_now, said, write


@pytest.fixture
async def admin(world):
    role = world.guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    return world.guild.add_member(world.env.create_user("adam"), roles=[role])


@pytest.fixture
async def past(world, storage):
    """Three usual weeks with a bad evening three days ago."""
    now = hour_now(world.env)
    bad = range(now - 72, now - 69)
    hours = [said(hour, 30, -0.7 if hour in bad else 0.1 + 0.06 * (-1) ** hour) for hour in range(now - 21 * 24, now)]
    await write(storage, world.guild.id, world.channel.id, hours)
    return bad


async def test_an_admin_sees_which_alerts_there_would_have_been(world, storage, admin, past):
    answer = await admin.slash(world.channel, "monitor replay", channel=world.channel)
    first, line, last = answer.response.content.split("\n")
    assert first == (
        f"With normal sensitivity, <#{world.channel.id}> would have had 1 alert in the 21 days I have data for."
    )
    assert line.startswith(f"- <t:{past[0] * 3600}:f>: mean score \N{MINUS SIGN}0.70, usually +0.")
    assert line.endswith("; lasted 3 hours")
    assert last.endswith("In a busy hour the real alert can come sooner.")
    assert answer.response.ephemeral
    (entry,) = await storage.guilds.audit(world.guild.id)
    assert (entry.action, entry.target_id) == (AdminAction.REPLAY, world.channel.id)
    assert await storage.alerts.alerts(world.guild.id) == ()


async def test_more_messages_can_be_asked_for(world, admin, past):
    answer = await admin.slash(world.channel, "monitor replay", channel=world.channel, messages=31)
    assert "would have had no alert in the" in answer.response.content.split("\n")[0]


async def test_of_nothing_stored_it_says_so(world, admin):
    answer = await admin.slash(world.channel, "monitor replay", channel=world.channel, sensitivity="high")
    assert answer.response.content == f"I have no data for <#{world.channel.id}> to replay."
