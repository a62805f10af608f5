"""A channel that the bot may not see any more is no quiet channel: it has a gap, and the admins hear of it once."""

import discord
import pytest
import simcord.intents
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType

from bot.domain.records import Absence, GapCause
from bot.monitoring.blind_spots import QUIET_SECONDS
from bot.monitoring.monitoring import Monitoring
from tests.bot.parts import MovedClock, monitoring_of

NO_PERMISSIONS = 0


@pytest.fixture
def clock(storage):
    return MovedClock(storage)


@pytest.fixture
async def mods(home, clock):
    """The channel in which the admins are told."""
    channel = home.guild.create_text_channel("mods")
    await home.monitor("settings", mod_channel=channel)
    return channel


@pytest.fixture
def bots_role(home):
    """The role that gives the bot what it may do. Without it it sees nothing, as everybody but the admins."""
    backend, guild = home.env.backend, home.env.backend.get_guild(home.guild.id)
    sight = discord.Permissions(view_channel=True).value
    for role in tuple(guild.roles.values()):
        seeing = role.permissions | sight if role.name == "admins" else role.permissions & ~sight
        if role.id == guild.id or role.name == "admins":
            backend.edit_role(guild.id, role.id, {"permissions": seeing})
    return guild.roles[guild.members[backend.bot_user.id].role_ids[0]]


def overwrite(home, channel, **permissions):
    """What is allowed (True) and denied (False) to the bot in a channel or category, and in no other way."""
    allowed, denied = discord.PermissionOverwrite(**permissions).pair()
    own = Overwrite(home.env.backend.bot_user.id, OverwriteType.MEMBER, allowed.value, denied.value)
    home.env.backend.set_overwrite(channel.id, own)


async def looked(home):
    """All that has happened is known to the bot, and its jobs have run."""
    await home.env.settle()
    await home.bot.jobs.tick()
    await home.env.settle()


async def gaps_of(home, channel, clock):
    """The seconds that are hatched in a channel's chart up to now."""
    hour = int(clock.now // 3600)
    gaps = (await home.storage.moods.mood(home.guild.id, channel.id, hour - 30, hour)).gaps
    return [min(gap.ended, int(clock.now)) - gap.started for gap in gaps]


def notes(mods):
    return [message.content for message in mods.history()]


async def test_a_channel_that_is_hidden_while_it_is_watched_has_a_gap_and_the_admins_are_told_once(home, mods, clock):
    await home.watch()
    overwrite(home, home.general, view_channel=False)
    await looked(home)
    clock.go_on(3600)
    await looked(home)
    assert await gaps_of(home, home.general, clock) == [3600]
    (note,) = notes(mods)
    assert home.general.mention in note and "/monitor doctor" in note
    overwrite(home, home.general, view_channel=True)
    await looked(home)
    clock.go_on(3600)
    await looked(home)
    assert await gaps_of(home, home.general, clock) == [3600]
    assert len(notes(mods)) == 1


async def test_a_voice_channel_that_may_not_be_joined_is_not_seen(home, mods, clock):
    voice = home.guild.create_voice_channel("voice")
    await home.watch(voice)
    overwrite(home, voice, connect=False)
    await looked(home)
    clock.go_on(600)
    await looked(home)
    assert await gaps_of(home, voice, clock) == [600]
    assert len(notes(mods)) == 1


async def test_connect_means_nothing_for_a_text_channel(home, mods, clock):
    await home.watch()
    overwrite(home, home.general, connect=False, send_messages=False)
    await looked(home)
    assert await gaps_of(home, home.general, clock) == []
    assert notes(mods) == []


async def test_a_role_that_loses_what_it_gave_hides_fifty_channels_with_one_note(home, mods, clock, bots_role):
    channels = [home.guild.create_text_channel(f"c{number}") for number in range(50)]
    await home.env.settle()
    for channel in channels:
        overwrite(home, channel)
        await home.watch(channel)
    await looked(home)
    home.env.backend.edit_role(home.guild.id, bots_role.id, {"permissions": NO_PERMISSIONS})
    overwrite(home, mods, view_channel=True, send_messages=True, embed_links=True, read_message_history=True)
    await looked(home)
    clock.go_on(600)
    await looked(home)
    for channel in channels:
        assert await gaps_of(home, channel, clock) == [600]
    (note,) = notes(mods)
    assert "and 40 more" in note and len(note) < 2000


async def test_a_role_that_is_taken_from_the_bot_hides_what_it_showed(home, mods, clock, bots_role, monkeypatch):
    monkeypatch.delitem(simcord.intents.EVENT_INTENTS, "GUILD_MEMBER_UPDATE")  # Discord tells a bot of itself
    await home.watch()
    await looked(home)
    overwrite(home, mods, view_channel=True, send_messages=True, embed_links=True, read_message_history=True)
    home.env.backend.remove_member_role(home.guild.id, home.env.backend.bot_user.id, bots_role.id)
    await looked(home)
    clock.go_on(600)
    await looked(home)
    assert await gaps_of(home, home.general, clock) == [600]
    assert len(notes(mods)) == 1


async def test_what_hides_more_soon_afterwards_is_told_when_it_has_lasted(home, mods, clock):
    other = home.guild.create_text_channel("other")
    for channel in (home.general, other):
        await home.watch(channel)
    overwrite(home, home.general, view_channel=False)
    await looked(home)
    clock.go_on(60)
    overwrite(home, other, view_channel=False)
    await looked(home)
    assert len(notes(mods)) == 1
    clock.go_on(QUIET_SECONDS)
    await looked(home)
    assert [channel.mention in note for note, channel in zip(notes(mods), (home.general, other), strict=True)] == [
        True,
        True,
    ]


async def test_a_channel_that_was_never_read_has_no_gap_and_no_note(home, mods, clock):
    hidden = home.guild.create_text_channel("hidden")
    overwrite(home, hidden, view_channel=False)
    await home.env.settle()
    await home.monitor("enable", whole_server=True)
    await looked(home)
    clock.go_on(600)
    await looked(home)
    assert await gaps_of(home, hidden, clock) == []
    assert notes(mods) == []


async def test_a_channel_that_is_not_watched_any_more_is_not_missed(home, mods, clock):
    await home.watch()
    overwrite(home, home.general, view_channel=False)
    await looked(home)
    clock.go_on(600)
    await home.monitor("disable", channel=home.general)
    await looked(home)
    clock.go_on(600)
    assert await gaps_of(home, home.general, clock) == [600]


async def test_a_channel_that_is_deleted_takes_its_gaps_along(home, mods, clock, storage):
    await home.watch()
    overwrite(home, home.general, view_channel=False)
    await looked(home)
    clock.go_on(600)
    await looked(home)
    home.env.backend.delete_channel(home.general.id)
    await home.env.settle()
    await storage.write_buffer.flush()
    clock.go_on(600)
    await home.bot.jobs.tick()
    async with storage.database.read() as connection:
        assert list(await connection.exec_driver_sql("SELECT * FROM gaps")) == []


async def test_after_a_restart_it_is_the_same_gap_and_no_news(home, mods, clock):
    await home.watch()
    overwrite(home, home.general, view_channel=False)
    await looked(home)
    clock.go_on(600)
    before = monitoring_of(home.bot)
    await before.downtime.close()
    after = Monitoring(home.bot.services)
    await after.rules.load()
    await after.downtime.load()
    await after.downtime.started(int(clock.now))
    after.blind_spots.last_alive = int(clock.now)
    clock.go_on(600)
    after.blind_spots.look_soon(home.guild.id)
    await after.blind_spots.look(clock.now)
    clock.go_on(600)
    assert await gaps_of(home, home.general, clock) == [1800]
    assert len(notes(mods)) == 1
    overwrite(home, home.general, view_channel=True)
    await home.env.settle()
    after.blind_spots.look_soon(home.guild.id)
    await after.blind_spots.look(clock.now)
    clock.go_on(600)
    assert await gaps_of(home, home.general, clock) == [1800]


async def test_where_no_notice_can_be_posted_nothing_is_seen_until_it_stands(home, clock):
    await home.watch()
    watch, channel = monitoring_of(home.bot), home.bot.get_channel(home.general.id)
    await watch.rules.untold(home.guild.id, [home.general.id])
    await watch.blind_spots.blind_from(channel)
    await looked(home)
    clock.go_on(600)
    assert watch.downtime.knows(Absence(GapCause.UNTOLD, home.guild.id, home.general.id))
    await watch.rules.told(home.guild.id, home.general.id, 1)
    await watch.blind_spots.sees_again(channel)
    clock.go_on(600)
    assert await gaps_of(home, home.general, clock) == [600]


async def test_a_channels_gap_is_not_hatched_in_the_servers_chart_but_told_of(home, clock):
    await home.watch()
    overwrite(home, home.general, view_channel=False)
    await looked(home)
    clock.go_on(600)
    await looked(home)
    hour = int(clock.now // 3600)
    mood = await home.storage.moods.guild_mood(home.guild.id, hour - 1, hour)
    assert mood.gaps == ()
    assert [gap.channel_id for gap in mood.partly] == [home.general.id]
