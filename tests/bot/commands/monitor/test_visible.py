"""What an admin learns of channels that they cannot see: nothing. And what the mod channel needs and leaves out."""

import discord
import pytest
from simcord import ChannelHandle, interactions
from simcord.backend import serializers

from bot.commands.monitor.errors import NOT_SEEN
from bot.domain.records import GuildSettings, Mode, Rule, TargetKind
from tests.bot.parts import monitoring_of, overwrite
from tests.bot.pasts import hour_now, said, write

HIDDEN = discord.PermissionOverwrite(view_channel=False)
SEEN = discord.PermissionOverwrite(view_channel=True)


@pytest.fixture
async def board(home):
    """A role, somebody who has it and may manage the server, and a channel and a category that only they can see."""
    home.board = home.guild.create_role("board", permissions=discord.Permissions(manage_guild=True))
    home.bea = home.guild.add_member(home.env.create_user("bea"), roles=[home.board])
    shut = {home.guild.default_role: HIDDEN, home.board: SEEN, home.guild.me: SEEN}
    home.secret = home.guild.create_text_channel("board-only", overwrites=shut)
    home.closed = home.guild.create_category("Board matters")
    for who, seen in ((home.guild.default_role, False), (home.board, True), (home.guild.me, True)):
        await overwrite(home.env, home.closed, who, view_channel=seen)
    return home


@pytest.fixture
def by_hand(monkeypatch):
    """Requests may name channels that Discord's own client does not offer."""
    monkeypatch.setattr(interactions, "channel_accessible", lambda *_: True)


@pytest.mark.parametrize("command", ["enable", "disable", "exempt channel", "include channel", "preview"])
@pytest.mark.parametrize("place", ["secret", "closed"])
async def test_nobody_names_a_channel_that_they_cannot_see(board, by_hand, command, place):
    await board.watch(board.secret, by=board.bea)
    before = board.storage.guilds
    rules = await before.rules()
    assert await board.monitor(command, channel=getattr(board, place)) == NOT_SEEN
    assert await before.rules() == rules


async def test_a_mod_channel_is_chosen_by_somebody_who_can_see_it(board, by_hand):
    assert await board.monitor("settings", mod_channel=board.secret) == NOT_SEEN
    assert (await board.storage.guilds.settings(board.guild.id)).mod_channel_id is None
    await board.monitor("settings", by=board.bea, mod_channel=board.secret)
    for command in ("settings", "status", "doctor"):
        said = await board.monitor(command)
        assert str(board.secret.id) not in said
        assert "board" not in said.casefold()
        assert str(board.secret.id) in await board.monitor(command, by=board.bea)


async def test_lists_name_no_channel_that_the_admin_cannot_see(board, storage):
    await board.watch(board.secret, by=board.bea)
    await board.monitor("enable", by=board.bea, channel=board.closed)
    inside = board.guild.create_text_channel("inside", category=board.closed)
    for who, seen in ((board.guild.default_role, False), (board.board, True)):
        await overwrite(board.env, inside, who, view_channel=seen)
    await overwrite(board.env, board.secret, board.guild.me, view_channel=True, send_messages=False)
    await board.watch()
    hour = hour_now(board.env)
    await write(storage, board.guild.id, board.secret.id, [said(hour - 2, 8, 0.1, unread=40)])
    for command in ("status", "doctor"):
        words = await board.monitor(command)
        for hidden in (board.secret, inside):
            assert str(hidden.id) not in words
        assert "matters" not in words
        assert "English" not in words
        assert "in channels you can't see" in words
        assert str(board.secret.id) in await board.monitor(command, by=board.bea)
    assert "English" in await board.monitor("status", by=board.bea)
    whole = await board.monitor("enable", whole_server=True)
    assert str(board.secret.id) not in whole
    assert str(board.secret.id) in await board.monitor("enable", by=board.bea, whole_server=True)


async def test_what_the_mod_channel_is_not_told_is_said_to_who_can_see_it(board):
    mods = board.guild.create_text_channel("mods")
    await board.monitor("settings", mod_channel=mods)
    await board.watch()
    await board.watch(board.secret, by=board.bea)
    said = await board.monitor("doctor", by=board.bea)
    why = "not everyone in the mod channel can read it there"
    assert f"🔇 Alerts and digests leave out <#{board.secret.id}>: {why}." in said
    assert f"leave out <#{board.general.id}>" not in said
    said = await board.monitor("status", by=board.bea)
    assert said.count("alerts and digests leave it out") == 1
    said = await board.monitor("doctor")
    assert str(board.secret.id) not in said
    assert "🔇 1 more, in channels you can't see: alerts and digests leave them out." in said


# ---- threads and voice channels as mod channels


def thread_in(home, channel, **metadata):
    thread = home.env.backend.create_thread(channel.id, "alerts", home.adam.id)
    return update(home, thread, **metadata)


def update(home, thread, **metadata):
    stored = home.env.backend.get_channel(thread.id)
    for name, value in metadata.items():
        setattr(stored.thread_metadata, name, value)
    home.env.backend.emit("THREAD_UPDATE", serializers.channel_payload(home.env.backend, stored))
    return ChannelHandle(home.env, home.guild, stored)


async def test_a_thread_as_mod_channel_needs_send_messages_in_threads(home):
    mods = home.guild.create_text_channel("mods")
    thread = thread_in(home, mods)
    await overwrite(home.env, mods, home.guild.me, send_messages_in_threads=False)
    said = await home.monitor("settings", mod_channel=thread)
    assert said.startswith("Nothing has changed")
    assert "**Send Messages in Threads** (to post alerts and digests)" in said
    await overwrite(home.env, mods, home.guild.me, send_messages=False)
    assert "Saved" in await home.monitor("settings", mod_channel=thread)
    await overwrite(home.env, mods, home.guild.me, send_messages_in_threads=False)
    assert "**Send Messages in Threads**" in await home.monitor("doctor")


async def test_an_archived_mod_thread_is_in_order_and_a_locked_one_needs_manage_threads(home):
    mods = home.guild.create_text_channel("mods")
    thread = thread_in(home, mods)
    await home.env.settle()
    await home.monitor("settings", mod_channel=thread)
    update(home, thread, archived=True)
    await home.env.settle()
    assert "is fine" in await home.monitor("doctor")
    update(home, thread, archived=True, locked=True)
    await overwrite(home.env, mods, home.guild.me, manage_threads=False)
    said = await home.monitor("doctor")
    assert "**Manage Threads** (to post in a locked thread)" in said
    assert (await home.monitor("settings", mod_channel=thread)).startswith("Nothing has changed")
    await overwrite(home.env, mods, home.guild.me, manage_threads=True)
    assert "is fine" in await home.monitor("doctor")


async def test_a_voice_channel_as_mod_channel_needs_connect(home):
    voice = home.guild.create_voice_channel("mods")
    await overwrite(home.env, voice, home.guild.me, connect=False)
    said = await home.monitor("settings", mod_channel=voice)
    assert said.startswith("Nothing has changed")
    assert "**Connect**" in said
    await overwrite(home.env, voice, home.guild.me, connect=True)
    assert "Saved" in await home.monitor("settings", mod_channel=voice)
    await overwrite(home.env, voice, home.guild.me, connect=False)
    assert "**Connect**" in await home.monitor("doctor")


async def test_when_discord_fails_the_doctor_does_not_call_the_mod_channel_deleted(home):
    mods = home.guild.create_text_channel("mods")
    thread = thread_in(home, mods)
    await home.env.settle()
    await home.monitor("settings", mod_channel=thread)
    update(home, thread, archived=True)
    await home.env.settle()
    home.env.inject_error("GET", f"/channels/{thread.id}", status=503, times=None)
    assert "Discord isn't responding" in await home.monitor("doctor")
    assert await settings_of(home) == GuildSettings(home.guild.id, mod_channel_id=thread.id)


async def settings_of(home):
    return await home.storage.guilds.settings(home.guild.id)


async def test_a_rule_about_what_is_gone_is_still_listed(home):
    rules = monitoring_of(home.bot).rules
    await rules.set_rule(Rule(home.guild.id, TargetKind.THREAD, 4711, Mode.EXEMPT))
    assert "a thread I can't see, or that's gone (`4711`)" in await home.monitor("status")
