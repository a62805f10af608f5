"""Whatever kept the bot from seeing that a notice was deleted: afterwards it is asked for before anybody is read."""

import asyncio
from collections import defaultdict

import discord
import pytest
import simcord.intents
from simcord import ChannelHandle
from simcord.backend import serializers

from bot.domain.rules import Place
from bot.monitoring.notice_words import notice
from tests.bot.forums import change_post
from tests.bot.parts import MovedClock, monitoring_of, overwrite
from tests.unseen import unseen

GOOD = "what a wonderful day"


@pytest.fixture
def sight(home, monkeypatch):
    """The role that gives the bot what it may do. Without it it sees nothing, as everybody but the admins."""
    monkeypatch.delitem(simcord.intents.EVENT_INTENTS, "GUILD_MEMBER_UPDATE")  # Discord tells a bot of itself
    backend, guild = home.env.backend, home.env.backend.get_guild(home.guild.id)
    (admins,) = (role for role in guild.roles.values() if role.name == "admins")
    shows = discord.Permissions(view_channel=True).value
    backend.edit_role(guild.id, guild.id, {"permissions": guild.roles[guild.id].permissions & ~shows})
    backend.edit_role(guild.id, admins.id, {"permissions": admins.permissions | shows})
    for actor in (home.alice, home.maya):
        backend.add_member_role(guild.id, actor.id, admins.id)
    return guild.roles[guild.members[backend.bot_user.id].role_ids[0]]


def notices(channel):
    return [message for message in channel.history() if message.content == notice(7)]


def deleted_unseen(home, channel=None):
    """The notice of a channel is deleted, and the bot is not told."""
    channel = channel or home.general
    (post,) = notices(channel)
    with unseen(home.env.backend) as backend:
        backend.delete_message(channel.id, post.id)


async def nobody_is_read(home, channel=None):
    """Of the next message in a channel nothing is kept, and a new notice is posted there."""
    message = await home.alice.send(channel or home.general, GOOD)
    assert message.id not in await home.messages()
    assert len(notices(channel or home.general)) == 1


async def test_a_role_is_taken_from_the_bot_and_given_back(home, sight):
    await home.watch()
    backend, me = home.env.backend, home.env.backend.bot_user.id
    backend.remove_member_role(home.guild.id, me, sight.id)
    await home.env.settle()
    deleted_unseen(home)
    backend.add_member_role(home.guild.id, me, sight.id)
    await home.env.settle()
    await nobody_is_read(home)


@pytest.mark.parametrize("what", ["view_channel", "read_message_history", "administrator", "connect"])
async def test_a_role_of_the_bots_gives_less_and_then_what_it_gave(home, sight, what):
    backend = home.env.backend
    full = sight.permissions | discord.Permissions(**{what: True}).value
    backend.edit_role(home.guild.id, sight.id, {"permissions": full})
    await home.env.settle()
    await home.watch()
    backend.edit_role(home.guild.id, sight.id, {"permissions": full & ~discord.Permissions(**{what: True}).value})
    await home.env.settle()
    deleted_unseen(home)
    backend.edit_role(home.guild.id, sight.id, {"permissions": full})
    await home.env.settle()
    await nobody_is_read(home)


async def test_a_role_that_hid_a_channel_is_deleted(home):
    await home.watch()
    role = home.guild.create_role("hiding")
    await home.env.settle()
    deleted_unseen(home)
    home.env.backend.delete_role(home.guild.id, role.id)
    await home.env.settle()
    await nobody_is_read(home)


async def test_a_channel_is_hidden_and_with_it_the_notice_of_a_thread(home):
    thread = ChannelHandle(home.env, home.guild, home.env.backend.create_thread(home.general.id, "t", home.maya.id))
    await home.env.settle()
    await home.watch(thread)
    await overwrite(home.env, home.general, home.env.backend.bot_user, view_channel=False)
    deleted_unseen(home, thread)
    await overwrite(home.env, home.general, home.env.backend.bot_user, view_channel=True)
    await nobody_is_read(home, thread)


async def test_of_another_channel_nothing_is_asked(home):
    await home.watch()
    other = home.guild.create_text_channel("other")
    await home.env.settle()
    await overwrite(home.env, other, home.env.backend.bot_user, view_channel=False)
    assert monitoring_of(home.bot).rules.is_told(Place(home.guild.id, home.general.id))


async def test_a_thread_is_archived_and_opened_again(home):
    thread = ChannelHandle(home.env, home.guild, home.env.backend.create_thread(home.general.id, "t", home.maya.id))
    await home.env.settle()
    await home.watch(thread)
    await change_post(home.env, thread, archived=True)
    deleted_unseen(home, thread)
    await change_post(home.env, thread, archived=False)
    await nobody_is_read(home, thread)


@pytest.mark.parametrize("outage", [False, True])
@pytest.mark.parametrize("late", [False, True])
async def test_a_server_is_gone_for_a_while(home, outage, late):
    """While a session gets its servers, the library says `late` that one is there."""
    await home.watch()
    if late:
        home.bot._connection._ready_states = defaultdict(asyncio.Queue)
    home.env.backend.emit("GUILD_DELETE", {"id": str(home.guild.id)} | ({"unavailable": True} if outage else {}))
    await home.env.settle()
    deleted_unseen(home)
    there = serializers.guild_create_payload(home.env.backend, home.env.backend.get_guild(home.guild.id))
    there.pop("unavailable", None)
    home.env.backend.emit("GUILD_CREATE", there | ({"unavailable": False} if outage else {}))
    await home.env.settle()
    await nobody_is_read(home)


async def test_however_a_channel_was_hidden_it_is_asked_for_when_it_is_seen_again(home, storage, monkeypatch):
    """Also where no event has said so."""
    clock, watch = MovedClock(storage), monitoring_of(home.bot)
    await home.watch()
    with monkeypatch.context() as hidden:
        hidden.setattr("bot.monitoring.blind_spots.sees", lambda _channel: False)
        watch.blind_spots.look_soon(home.guild.id)
        await watch.blind_spots.look(clock.now)
    deleted_unseen(home)
    watch.blind_spots.look_soon(home.guild.id)
    await watch.blind_spots.look(clock.now)
    await nobody_is_read(home)


async def test_an_answer_of_before_it_was_hidden_does_not_count(home, monkeypatch):
    await home.watch()
    notices_of, http = monitoring_of(home.bot).notices, type(home.bot.http)
    get, goes_on = http.get_message, asyncio.Event()

    async def slow(*asked):
        answer = await get(*asked)
        await goes_on.wait()
        return answer

    notices_of.doubt()
    with monkeypatch.context() as slowed:
        slowed.setattr(http, "get_message", slow)
        stands = asyncio.create_task(notices_of.stands(Place(home.guild.id, home.general.id)))
        while not any(entry.path.endswith(str(notices(home.general)[0].id)) for entry in home.env.http_requests):
            await asyncio.sleep(0)
        deleted_unseen(home)
        notices_of.doubt((home.guild.id,), home.general.id)
        goes_on.set()
        assert not await stands


async def test_one_that_is_deleted_unseen_before_it_was_noted_is_asked_for(home, monkeypatch):
    post, watch = home.storage.notices.post, monitoring_of(home.bot)

    async def slow(posted):
        with unseen(home.env.backend) as backend:
            backend.delete_message(home.general.id, posted.message_id)
        watch.notices.doubt()
        return await post(posted)

    with monkeypatch.context() as slowed:
        slowed.setattr(home.storage.notices, "post", slow)
        await home.watch()
    await nobody_is_read(home)


@pytest.mark.parametrize("known", [False, True])
async def test_an_event_that_cannot_be_read_may_have_been_of_the_notice(home, known):
    await home.watch()
    deleted_unseen(home)
    home.bot._connection.parsers["MESSAGE_DELETE"]({"guild_id": str(home.guild.id)} if known else {})
    await home.env.settle()
    await nobody_is_read(home)


@pytest.mark.parametrize(("event", "guild_id"), [("MESSAGE_UPDATE", None), ("MESSAGE_DELETE", "3")])
async def test_an_event_that_cannot_be_read_and_is_of_no_notice_has_nothing_asked(home, event, guild_id):
    await home.watch()
    home.bot._connection.parsers[event]({"guild_id": guild_id} if guild_id else {})
    await home.env.settle()
    assert monitoring_of(home.bot).rules.is_told(Place(home.guild.id, home.general.id))
