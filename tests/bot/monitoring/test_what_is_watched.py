"""Which words of a watched channel are read: whose, of when, in which order, by which clock."""

import asyncio
from datetime import timedelta

import discord
import pytest
from simcord import ChannelHandle
from simcord.backend import serializers
from simcord.backend.models.message import Poll, PollAnswer

from bot.app.assemble import assemble
from bot.monitoring import unknown_threads
from bot.monitoring.unknown_threads import UnknownThreads
from tests.bot.parts import monitoring_of

GOOD, BAD, PLAIN = "what a wonderful day", "this is terrible, I hate it", "the meeting is at five"


@pytest.fixture
async def watched(home):
    await home.watch()
    return home


def counts(home):
    return monitoring_of(home.bot).ingest.counts[home.guild.id]


def announce(home, stored, event="MESSAGE_CREATE", **changes):
    """What Discord sends of a message, with some of it exchanged."""
    home.env.backend.emit(event, dict(serializers.message_payload(home.env.backend, stored)) | changes)


# ---- whose words


async def test_a_poll_counts_by_the_question_that_its_author_asks(watched):
    backend = watched.env.backend
    poll = Poll(BAD, [PollAnswer(1, "a wonderful day"), PollAnswer(2, GOOD)], backend.iso_after(3600))
    message = backend.create_message(watched.general.id, watched.alice.id, "", poll=poll)
    await watched.env.settle()
    assert await watched.messages() == [message.id]
    assert await watched.hours() == [(1, 0, 0)]


async def test_what_somebody_forwards_counts_as_theirs(watched):
    other = watched.guild.create_text_channel("other")
    message = await watched.alice.forward(await watched.maya.send(other, BAD), watched.general)
    assert await watched.messages() == [message.id]
    assert await watched.hours() == [(1, 0, 0)]


async def test_what_was_forwarded_is_not_read_where_its_own_author_is_not(watched):
    other = watched.guild.create_text_channel("other")
    for hidden_by in (
        lambda: watched.maya.slash(watched.general, "privacy opt-out"),
        lambda: watched.monitor("exempt channel", channel=other),
    ):
        original = await watched.maya.send(other, BAD)
        await hidden_by()
        await watched.alice.forward(original, watched.general)
        await watched.maya.slash(watched.general, "privacy opt-in")
    assert await watched.messages() == []
    await watched.monitor("include channel", channel=other)
    await watched.alice.forward(await watched.maya.send(other, BAD), watched.general)
    assert len(await watched.messages()) == 1


async def test_a_role_that_is_exempt_hides_what_is_forwarded_too(watched):
    staff, other = watched.guild.create_role("staff"), watched.guild.create_text_channel("other")
    sam = watched.guild.add_member(watched.env.create_user("sam"), roles=[staff])
    await watched.monitor("exempt role", role=staff)
    await watched.alice.forward(await sam.send(other, BAD), watched.general)
    await watched.alice.forward(await watched.maya.send(other, BAD), watched.general)
    assert len(await watched.messages()) == 1


async def test_what_comes_from_where_the_bot_cannot_look_is_not_read(watched):
    hidden = watched.guild.create_text_channel("hidden")
    original = await watched.maya.send(hidden, BAD)
    watched.env.inject_error("GET", "/channels/*/messages/*", status=404, code=10008, times=1)
    await watched.alice.forward(original, watched.general)
    hook = watched.guild.create_webhook(hidden)
    await watched.alice.forward(await hook.send(BAD), watched.general)  # no person wrote that
    assert await watched.messages() == []


async def test_a_link_is_not_its_authors_mood(watched):
    stored = watched.env.backend.create_message(watched.general.id, watched.alice.id, GOOD, broadcast=False)
    announce(watched, stored, embeds=[{"type": "link", "url": "https://example.org", "title": BAD}])
    await watched.env.settle()
    assert await watched.hours() == [(0, 0, 1)]


async def test_the_preview_of_a_link_that_comes_later_reads_nothing_again(watched):
    message = await watched.alice.send(watched.general, GOOD)
    stored = watched.env.backend.get_message(watched.general.id, message.id)
    announce(watched, stored, "MESSAGE_UPDATE", embeds=[{"type": "link", "url": "https://x.invalid", "title": BAD}])
    await watched.env.settle()
    assert await watched.hours() == [(0, 0, 1)]
    assert counts(watched).read == 1


async def test_an_author_without_roles_in_the_event_is_not_read_where_a_role_is_exempt(watched):
    await watched.monitor("exempt role", role=watched.guild.create_role("staff"))
    stored = watched.env.backend.create_message(watched.general.id, watched.alice.id, BAD, broadcast=False)
    announce(watched, stored)
    await watched.env.settle()
    assert await watched.messages() == []


@pytest.mark.parametrize("exempt", [False, True])
async def test_for_an_edit_without_roles_they_are_asked_for(watched, exempt):
    staff = watched.guild.create_role("staff")
    await watched.monitor("exempt role", role=staff)
    message = await watched.alice.send(watched.general, GOOD)
    assert await watched.hours() == [(0, 0, 1)]
    if exempt:
        watched.env.backend.add_member_role(watched.guild.id, watched.alice.id, staff.id)
    await watched.alice.edit(message, BAD)
    assert await watched.hours() == ([] if exempt else [(1, 0, 0)])


async def test_a_proxys_repetition_is_not_read_and_what_it_repeats_goes(watched):
    message = await watched.alice.send(watched.general, f"A: {BAD}")
    assert await watched.messages() == [message.id]
    await watched.guild.create_webhook(watched.general).send(BAD)
    watched.env.backend.delete_message(watched.general.id, message.id)
    await watched.env.settle()
    assert await watched.messages() == []


async def test_an_event_that_comes_twice_counts_once(watched):
    message = await watched.alice.send(watched.general, GOOD)
    announce(watched, watched.env.backend.get_message(watched.general.id, message.id))
    await watched.env.settle()
    assert await watched.hours() == [(0, 0, 1)]


# ---- of when


async def test_an_edit_of_what_was_written_before_the_notice_is_not_read(home, settings, classifier, storage):
    message = await home.alice.send(home.general, PLAIN)
    await home.env.advance_time(30)
    await home.watch()
    await home.alice.edit(message, BAD)
    assert await home.messages() == []
    await home.env.restart_bot(assemble(settings, classifier, storage))
    await home.alice.edit(message, GOOD)
    assert await home.messages() == []


async def test_what_is_delivered_after_the_notice_but_was_written_before_is_not_read(home):
    late = home.env.backend.create_message(home.general.id, home.alice.id, BAD, broadcast=False)
    await home.env.advance_time(1)
    await home.watch()
    announce(home, late)
    await home.env.settle()
    assert await home.messages() == []


async def test_the_notice_dates_itself_whatever_this_machine_thinks_the_time_is(home, monkeypatch):
    rules = monitoring_of(home.bot).rules
    monkeypatch.setattr(rules, "_clock", lambda: 4_000_000_000.0)
    await home.watch()
    message = await home.alice.send(home.general, GOOD)
    assert await home.messages() == [message.id]


async def test_an_old_notice_goes_on_counting_when_another_one_joins_it(home):
    await home.watch()
    message = await home.alice.send(home.general, GOOD)
    await home.env.advance_time(60)
    await monitoring_of(home.bot).notices.post(home.bot.get_channel(home.general.id))
    await home.alice.edit(message, BAD)
    assert await home.hours() == [(1, 0, 0)]


# ---- by which clock


@pytest.mark.parametrize("hours", [-2, 2])
async def test_an_edit_is_read_although_this_machines_clock_is_wrong(watched, monkeypatch, hours):
    message = await watched.alice.send(watched.general, GOOD)
    utcnow = discord.utils.utcnow
    monkeypatch.setattr(discord.utils, "utcnow", lambda: utcnow() + timedelta(hours=hours))
    await watched.alice.edit(message, BAD)
    assert await watched.hours() == [(1, 0, 0)]


@pytest.mark.parametrize("meanwhile", [False, True], ids=["alone", "with other talk"])
async def test_a_pin_long_after_an_edit_has_nothing_read_again(watched, meanwhile):
    clock = monitoring_of(watched.bot).storage.clock
    clock._local = lambda: watched.env.backend.clock.now().timestamp()
    message = await watched.alice.send(watched.general, GOOD)
    await watched.alice.edit(message, BAD)
    before = counts(watched).read
    await watched.env.advance_time(2 * 3600)
    if meanwhile:
        await watched.maya.send(watched.general, GOOD)
    stored = watched.env.backend.get_message(watched.general.id, message.id)
    announce(watched, stored, "MESSAGE_UPDATE", pinned=True)
    await watched.env.settle()
    assert counts(watched).read == before + meanwhile


# ---- threads that are told of late


def first_of_a_thread(home, text=BAD):
    """A thread and its first message, which the bot is told of first."""
    backend = home.env.backend
    thread = backend.create_thread(home.general.id, "t", home.alice.id, broadcast=False)
    return thread, backend.create_message(thread.id, home.alice.id, text)


async def turns(home):
    """So many turns of the loop that whatever can be done is done, but no time passes."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_first_message_of_a_thread_waits_until_the_thread_is_known(watched):
    thread, message = first_of_a_thread(watched)
    await turns(watched)
    assert counts(watched).read == 0
    watched.env.backend.announce_thread_create(thread)
    await watched.env.settle()
    assert await watched.messages() == [message.id]
    assert await watched.hours() == [(1, 0, 0)]


async def test_what_happens_to_it_meanwhile_happens_afterwards(watched):
    backend = watched.env.backend
    thread, message = first_of_a_thread(watched, GOOD)
    second = backend.create_message(thread.id, watched.maya.id, GOOD)
    await turns(watched)
    backend.edit_message(thread.id, message.id, {"content": BAD})
    backend.delete_message(thread.id, second.id)
    await turns(watched)
    backend.announce_thread_create(thread)
    await watched.env.settle()
    assert await watched.messages() == [message.id]
    assert await watched.hours() == [(1, 0, 0)]


async def test_a_private_thread_is_not_read_either_when_it_is_told_of_late(watched):
    backend = watched.env.backend
    kind = discord.ChannelType.private_thread.value
    thread = backend.create_thread(watched.general.id, "t", watched.alice.id, type=kind, broadcast=False)
    backend.create_message(thread.id, watched.alice.id, BAD)
    await turns(watched)
    backend.announce_thread_create(thread)
    await watched.env.settle()
    assert await watched.messages() == []


async def test_a_thread_that_stays_unknown_is_waited_for_no_longer_than_a_moment(home, monkeypatch):
    monkeypatch.setattr(unknown_threads, "SECONDS", 0.01)
    threads = UnknownThreads()
    assert await threads.known(home.bot.get_guild(home.guild.id), 4711) is None
    assert (threads._appeared, threads._waiting) == ({}, {})


async def test_where_nothing_is_watched_nothing_waits(home):
    first_of_a_thread(home)
    await turns(home)
    assert monitoring_of(home.bot).ingest.threads._waiting == {}


async def test_what_cannot_wait_for_its_thread_is_counted_as_not_read(watched, monkeypatch):
    monkeypatch.setattr(unknown_threads, "MOST_WAITING", 0)
    first_of_a_thread(watched)
    await watched.env.settle()
    assert counts(watched).shed == 1


async def test_only_so_many_messages_wait(home, monkeypatch):
    monkeypatch.setattr(unknown_threads, "MOST_WAITING", 2)
    threads, guild = UnknownThreads(), home.bot.get_guild(home.guild.id)
    waiting = [asyncio.ensure_future(threads.known(guild, number)) for number in (1, 1, 2)]
    await turns(home)
    assert [task.done() for task in waiting] == [False, False, True]
    threads.appeared(1)
    assert await asyncio.gather(*waiting) == [None, None, None]


async def test_an_archived_thread_that_somebody_writes_in_is_read(watched):
    backend = watched.env.backend
    thread = backend.create_thread(watched.general.id, "t", watched.alice.id)
    await watched.env.settle()
    channel = backend.get_channel(thread.id)
    for archived in (True, False):
        channel.thread_metadata.archived = archived
        backend.emit("THREAD_UPDATE", serializers.channel_payload(backend, channel))
    message = await watched.alice.send(ChannelHandle(watched.env, watched.guild, thread), BAD)
    assert await watched.messages() == [message.id]
