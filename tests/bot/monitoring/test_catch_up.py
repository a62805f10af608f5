"""What was written while the bot was away is read afterwards, as far as it might have been read then."""

from dataclasses import replace
from errno import ENOSPC
from math import ceil
from types import SimpleNamespace

import discord
import pytest
from simcord import ChannelHandle
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType

from bot.app.assemble import assemble
from bot.commands.privacy import DELETE
from bot.domain.records import Absence, GapCause, Mode, Rule, TargetKind
from bot.monitoring import catch_up as catching_up
from bot.monitoring import history_reader, notice
from bot.monitoring.downtime import Missed
from bot.monitoring.history_reader import PAGE
from bot.monitoring.ingest import Ingest
from bot.monitoring.notice_check import Found
from bot.storage.erasure_log import ErasureLog
from bot.storage.publication import HELD_SECONDS
from model.errors import Overloaded
from tests.bot.monitoring.outage import events_handled
from tests.bot.parts import monitoring_of

GOOD, BAD = "what a wonderful day, I love it so much, amazing", "this is terrible, I hate it"
HOUR = 3600


async def test_what_was_written_meanwhile_is_read_and_the_gap_is_none_any_more(home, away):
    await home.watch()
    before = await home.alice.send(home.general, GOOD)
    async with away():
        meanwhile = [await home.maya.send(home.general, text) for text in (GOOD, BAD)]
    assert await home.messages() == [before.id]
    assert await away.gaps == [(None, None, "connection")]
    await away.catch_up()
    assert await home.messages() == [before.id, *(message.id for message in meanwhile)]
    assert sum(map(sum, await home.hours())) == 3
    assert await away.gaps == []


async def test_a_look_at_what_was_read_before_finds_what_was_deleted_or_edited_meanwhile(home, away):
    await home.watch()
    gone, changed, stays = [await home.alice.send(home.general, GOOD) for _ in range(3)]
    async with away():
        await home.alice.delete(gone)
        await home.alice.edit(changed, BAD)
    await away.catch_up()
    assert await home.messages() == [changed.id, stays.id]
    assert [sum(column) for column in zip(*await home.hours(), strict=True)] == [1, 0, 1]


async def test_what_was_deleted_or_edited_is_found_though_less_is_read_than_the_absence_lasted(home, away):
    await home.watch()
    gone, changed = [await home.alice.send(home.general, GOOD) for _ in range(2)]
    async with away(2 * HOUR):
        for number in range(PAGE):
            await home.maya.send(home.general, f"{GOOD} {number}")
        await home.alice.delete(gone)
        await home.alice.edit(changed, BAD)
        away.watch.catch_up._hours = 1.5
        await away.pass_by(HOUR)
        late = await home.maya.send(home.general, GOOD)
    await away.catch_up()
    assert await home.messages() == [changed.id, late.id]


async def test_a_tag_goes_when_its_message_was_edited_meanwhile(home, away):
    await home.watch(tagging=True)
    message = await home.alice.send(home.general, GOOD)
    await home.env.settle()

    def shown():
        return [one.emoji for one in home.env.backend.get_message(home.general.id, message.id).reactions]

    assert shown()
    async with away():
        await home.alice.edit(message, "meeting is at ten")
    await away.catch_up()
    await monitoring_of(home.bot).tag_removal.run(away.clock.now)
    await home.env.settle()
    assert shown() == []


async def test_an_edit_of_what_was_never_read_is_not_read(home, away):
    old = await home.alice.send(home.general, GOOD)
    await home.watch()
    async with away():
        await home.alice.edit(old, BAD)
        new = await home.alice.send(home.general, GOOD)
    await away.catch_up()
    assert await home.messages() == [new.id]


async def test_whoever_has_opted_out_is_not_read(home, away):
    await home.watch()
    async with away():
        await home.alice.send(home.general, GOOD)
        await home.storage.opt_outs.add(home.alice.id)
        theirs = await home.maya.send(home.general, GOOD)
    await away.catch_up()
    assert await home.messages() == [theirs.id]


async def test_what_somebody_wrote_while_they_were_opted_out_is_not_read_when_they_are_in_again(home, away):
    await home.watch()
    await home.storage.opt_outs.add(home.alice.id)
    async with away():
        await home.alice.send(home.general, GOOD)
    await home.storage.opt_outs.remove(home.alice.id)
    await away.catch_up()
    assert await home.messages() == []


async def test_what_somebody_has_had_deleted_does_not_come_back(home, away):
    await home.watch()
    await home.alice.send(home.general, GOOD)
    async with away():
        await home.alice.send(home.general, GOOD)
    answer = await home.alice.slash(home.general, "privacy delete")
    await home.alice.click(answer.response, label=DELETE)
    await away.catch_up()
    assert await home.messages() == []


async def test_who_has_an_exempt_role_or_has_left_is_not_read_and_the_others_are(home, away):
    staff = home.guild.create_role("staff")
    nina = home.guild.add_member(home.env.create_user("nina"), roles=[staff])
    zoe = home.guild.add_member(home.env.create_user("zoe"))
    await home.env.settle()
    await home.watch()
    await home.monitor("exempt role", role=staff)
    async with away():
        for person in (nina, zoe):
            await person.send(home.general, GOOD)
        theirs = [await home.alice.send(home.general, GOOD) for _ in range(3)]
        home.env.backend.remove_member(home.guild.id, zoe.id)
    before = len(home.env.http_requests)
    await away.catch_up()
    assert await home.messages() == [message.id for message in theirs]
    asked = [entry.path for entry in home.env.http_requests[before:] if "/members/" in entry.path]
    assert len(asked) == len(set(asked)) == 3
    assert await away.gaps == []


async def test_more_people_than_may_be_asked_for_are_not_read_and_that_stays_a_gap(home, away, monkeypatch):
    monkeypatch.setattr(history_reader, "MOST_MEMBERS", 1)
    staff = home.guild.create_role("staff")
    await home.watch()
    await home.monitor("exempt role", role=staff)
    async with away():
        read = await home.alice.send(home.general, GOOD)
        await home.maya.send(home.general, GOOD)
    await away.catch_up()
    assert await home.messages() == [read.id]
    assert await away.gaps == [(home.guild.id, home.general.id, "connection")]


async def test_commands_and_bots_are_left_out(home, away):
    await home.watch()
    async with away():
        await home.alice.send(home.general, "!play something wonderful")
        home.env.backend.create_message(home.general.id, home.env.backend.bot_user.id, GOOD)
        theirs = await home.alice.send(home.general, GOOD)
    await away.catch_up()
    assert await home.messages() == [theirs.id]


async def test_nothing_is_tagged_and_no_notice_is_posted_by_it(home, away):
    untold = home.guild.create_text_channel("untold")
    await home.watch(tagging=True)
    await home.monitor("enable", whole_server=True)
    async with away():
        for channel in (home.general, untold):
            await home.alice.send(channel, GOOD)
    before = len(home.env.http_requests)
    await away.catch_up()
    await home.env.advance_time(60)
    assert {entry.method for entry in home.env.http_requests[before:]} == {"GET"}
    assert len(await home.messages()) == 1


async def test_what_was_written_before_the_notice_stood_is_not_read(home, away, storage):
    async with away():
        await home.alice.send(home.general, GOOD)
    await home.watch()
    await away.pass_by(60)
    started = away.clock.now - 400
    number = await storage.gaps.add(Absence(GapCause.CONNECTION), int(started), int(away.clock.now))
    away.watch.catch_up.missed(Missed(Absence(GapCause.CONNECTION), started, away.clock.now, number))
    await away.catch_up()
    assert await home.messages() == []


async def test_threads_are_read_also_those_that_are_archived_by_now(home, away):
    await home.watch()
    made = [home.env.backend.create_thread(home.general.id, name, home.maya.id) for name in ("open", "closed")]
    threads = [ChannelHandle(home.env, home.guild, thread) for thread in made]
    await home.env.settle()
    async with away(3 * HOUR):
        meanwhile = [await home.alice.send(thread, GOOD) for thread in threads]
        now = home.env.backend.clock.now().isoformat()
        made[1].thread_metadata.archived, made[1].thread_metadata.archive_timestamp = True, now
    home.bot.get_guild(home.guild.id)._threads.pop(threads[1].id)  # what a new session does not list
    await away.catch_up()
    assert await home.messages() == [message.id for message in meanwhile]
    assert await away.gaps == []


async def test_a_channel_whose_history_it_may_not_read_stays_a_gap_and_the_others_do_not(home, away):
    other = home.guild.create_text_channel("other")
    for channel in (home.general, other):
        await home.watch(channel)
    deny(home, other, read_message_history=True)
    async with away():
        meanwhile = [await home.alice.send(channel, GOOD) for channel in (home.general, other)]
    await away.catch_up()
    assert await home.messages() == [meanwhile[0].id]
    assert await away.gaps == [(home.guild.id, other.id, "connection")]


async def test_a_channel_whose_history_may_not_be_read_loses_nothing_that_was_read_before(home, away):
    await home.watch()
    before = await home.alice.send(home.general, GOOD)
    async with away():
        deny(home, home.general, read_message_history=True)
        await home.alice.delete(await home.alice.send(home.general, GOOD))
    await away.catch_up()
    assert await home.messages() == [before.id]


async def test_history_that_fails_is_tried_again_and_given_up_in_the_end(home, away):
    await home.watch()
    async with away():
        meanwhile = await home.alice.send(home.general, GOOD)
    path = f"/channels/{home.general.id}/messages"
    home.env.inject_error("GET", path, status=503, times=2)
    await away.catch_up()
    assert await home.messages() == [meanwhile.id]
    assert await away.gaps == []
    async with away():
        await home.alice.send(home.general, GOOD)
    home.env.inject_error("GET", path, status=503, times=None)
    await away.catch_up()
    assert await away.gaps == [(home.guild.id, home.general.id, "connection")]


async def test_a_model_that_has_too_much_to_do_leaves_a_gap_from_where_it_came(home, away, answers):
    await home.watch()
    answers[BAD] = Overloaded(1)
    async with away():
        read = await home.alice.send(home.general, GOOD)
        await home.alice.send(home.general, BAD)
        await home.alice.send(home.general, GOOD)
    await away.catch_up()
    assert await home.messages() == [read.id]
    async with home.storage.database.read() as connection:
        ((channel, started),) = await connection.exec_driver_sql("SELECT channel_id, started FROM gaps")
    assert (channel, started) == (home.general.id, int(read.created_at.timestamp()))


async def test_an_edit_of_before_that_the_model_had_no_time_for_stays_a_gap(home, away, answers):
    await home.watch()
    changed = await home.alice.send(home.general, GOOD)
    answers[BAD] = Overloaded(1)
    async with away():
        await home.alice.edit(changed, BAD)
    await away.catch_up()
    assert await away.gaps == [(home.guild.id, home.general.id, "connection")]
    assert await home.messages() == [changed.id]


async def test_so_many_messages_of_a_channel_are_looked_at_and_no_more(home, away, monkeypatch):
    monkeypatch.setattr(catching_up, "MOST_PER_CHANNEL", 3)
    monkeypatch.setattr(history_reader, "PAGE", 2)
    await home.watch()
    async with away():
        meanwhile = [await home.alice.send(home.general, GOOD) for _ in range(9)]
    await away.catch_up()
    assert await home.messages() == [message.id for message in meanwhile[:4]]
    assert await away.gaps == [(home.guild.id, home.general.id, "connection")]


async def test_pages_follow_each_other_to_the_end(home, away, monkeypatch):
    monkeypatch.setattr(history_reader, "PAGE", 2)
    await home.watch()
    async with away():
        meanwhile = [await home.alice.send(home.general, GOOD) for _ in range(9)]
    later = await home.alice.send(home.general, GOOD)
    await away.catch_up()
    assert await home.messages() == [message.id for message in (*meanwhile, later)]
    assert await away.gaps == []


async def test_what_happened_longer_ago_than_is_wanted_stays_a_gap(home, away):
    await home.watch()
    away.watch.catch_up._hours = 1
    async with away(HOUR):
        late = await home.alice.send(home.general, GOOD)
        await away.pass_by(HOUR)
        soon = await home.alice.send(home.general, GOOD)
    await away.catch_up()
    assert (late.id in await home.messages(), soon.id in await home.messages()) == (False, True)
    async with home.storage.database.read() as connection:
        ((channel, seconds),) = await connection.exec_driver_sql("SELECT channel_id, ended - started FROM gaps")
    assert (channel, seconds) == (None, pytest.approx(HOUR, abs=30))


async def test_without_it_nothing_is_asked_and_the_gap_stays(home, away):
    await home.watch()
    away.watch.catch_up._hours = 0
    async with away():
        await home.alice.send(home.general, GOOD)
    before = len(home.env.http_requests)
    await away.catch_up()
    assert home.env.http_requests[before:] == []
    assert await away.gaps == [(None, None, "connection")]


async def test_what_admins_hid_from_the_bot_meanwhile_is_not_read(home, away, monkeypatch):
    await home.watch()
    deny(home, home.general, view_channel=True)
    await home.bot.jobs.tick()
    await away.pass_by(600)
    with monkeypatch.context() as hidden:  # simcord would tell the bot of it all the same
        hidden.setattr(home.env.backend, "emit", lambda *_: None)
        await home.alice.send(home.general, GOOD)
    home.env.backend.delete_overwrite(home.general.id, home.env.backend.bot_user.id)
    await home.env.settle()
    await home.bot.jobs.tick()
    await away.catch_up()
    assert await home.messages() == []
    assert await away.gaps == [(home.guild.id, home.general.id, "hidden")]


async def test_hours_are_held_back_while_they_may_change(home, away, storage):
    await home.watch()
    assert not storage.publication.held
    async with away():
        await home.alice.send(home.general, GOOD)
    assert storage.publication.held
    await away.catch_up()
    assert not storage.publication.held


async def test_hours_stay_held_back_while_there_is_much_to_read(home, away, storage, monkeypatch):
    """Each run asks Discord once, and all of them together last longer than a holder may be still."""
    await home.watch()
    for _ in range(6):
        async with away():
            await home.alice.send(home.general, GOOD)
    catch_up, start, runs = away.watch.catch_up, away.clock.now, 0
    monkeypatch.setattr(catching_up, "RUN_SECONDS", 0.5)

    async def asked_once(_seconds):
        away.clock.ran += 1

    monkeypatch.setattr(catching_up, "asyncio", SimpleNamespace(sleep=asked_once))
    while catch_up.waiting:
        await storage.publication.publish(start + runs * 250)
        assert not await storage.publication.all_told(home.guild.id, 1)
        await catch_up.work(0.0)
        runs += 1
    assert runs * 250 > HELD_SECONDS
    assert await storage.publication.all_told(home.guild.id, 1)


async def test_hours_stay_held_back_while_there_is_no_connection(home, away, storage):
    await home.watch()
    async with away():
        await home.alice.send(home.general, GOOD)
    start = away.clock.now
    await home.bot.shards[0].disconnect()
    await events_handled()
    home.bot._ready.clear()
    for seconds in range(0, 3600, 300):
        await away.watch.catch_up.work(0.0)
        await storage.publication.publish(start + seconds)
    assert not await storage.publication.all_told(home.guild.id, 1)


async def test_a_server_that_is_left_is_not_waited_for(home, away):
    await home.watch()
    async with away():
        await home.alice.send(home.general, GOOD)
    away.watch.guild_gone(home.guild.id)
    assert away.watch.catch_up.waiting == 0


async def test_servers_take_turns(home, away, clock):
    """One with many channels does not keep another waiting."""
    other = home.env.create_guild("Other")
    there = other.create_text_channel("there")
    await home.env.settle()
    many = [home.general, *(home.guild.create_text_channel(f"c{number}") for number in range(4))]
    for channel in many:
        await home.watch(channel)
    await away.watch.rules.set_rule(Rule(other.id, TargetKind.SERVER, other.id, Mode.WATCH))
    posted = home.env.backend.create_message(there.id, home.env.backend.bot_user.id, "a notice")
    await away.watch.rules.told(other.id, there.id, posted.id)
    zoe = other.add_member(home.env.create_user("zoe"))
    async with away():
        for channel in many:
            await home.alice.send(channel, GOOD)
        await zoe.send(there, GOOD)
    before = len(home.env.http_requests)
    await away.catch_up()
    asked = [entry.path for entry in home.env.http_requests[before:] if entry.path.endswith("/messages")]
    assert asked.index(f"/channels/{there.id}/messages") < 2
    assert len(asked) == 6


async def test_a_gap_that_was_not_filled_before_the_process_ended_is_begun_once_more_and_not_again(home, away, storage):
    await home.watch()
    async with away():
        meanwhile = await home.alice.send(home.general, GOOD)
    away.watch.catch_up._servers.clear()  # the process is killed
    (gap,) = await storage.gaps.to_catch_up(0, catching_up.CAUSES, catching_up.TRIES)
    for _ in range(catching_up.TRIES - 1):
        await storage.gaps.looked(gap.number)
    away.watch.catch_up._resumed = False
    await away.catch_up()
    assert await home.messages() == [meanwhile.id]
    assert await away.gaps == []
    number = await storage.gaps.add(gap.absence, gap.started, gap.ended)
    for _ in range(catching_up.TRIES):
        await storage.gaps.looked(number)
    away.watch.catch_up._resumed = False
    before = len(home.env.http_requests)
    await away.catch_up()
    assert home.env.http_requests[before:] == []


async def test_a_quick_restart_leaves_no_hole_although_it_is_no_gap(home, away, storage):
    await home.watch()
    await away.pass_by(5)
    meanwhile = await home.alice.send(home.general, GOOD)
    away.watch.storage.write_buffer._pending.scores.clear()  # it was killed before it could write
    await away.pass_by(30)
    off = Absence(GapCause.OFF)
    away.watch.catch_up.missed(Missed(off, away.clock.now - 60, away.clock.now, None))
    await away.catch_up()
    assert await home.messages() == [meanwhile.id]
    assert await away.gaps == []


async def test_what_was_deleted_or_written_before_an_opt_in_is_not_looked_for_where_no_log_has_it(
    home, away, storage, monkeypatch
):
    """What is caught up begins behind the last sign of life, and both give one: nothing else would know of them."""
    monkeypatch.setattr(ErasureLog, "append", refuse)
    storage.write_buffer.sees = True
    await storage.write_buffer.flush()
    for undo in (home.storage.opt_outs.remove, lambda who: storage.write_buffer.forget([b"x" * 16], who)):
        await storage.opt_outs.add(home.alice.id)
        await away.pass_by(10)
        await undo(home.alice.id)
        assert await storage.moods.last_alive() == ceil(away.clock.now)
        storage.write_buffer._alive = 0.0
        await storage.write_buffer.flush()
        assert await storage.moods.last_alive() == ceil(away.clock.now)


async def test_a_deletion_and_an_opt_in_do_not_hide_what_others_wrote_just_then(
    home, away, clock, settings, classifier, storage
):
    await home.watch()
    storage.write_buffer.sees = True
    await storage.write_buffer.flush()
    await storage.opt_outs.add(home.alice.id)
    await away.pass_by(2)
    await home.alice.send(home.general, GOOD)
    await storage.opt_outs.remove(home.alice.id)
    before = await home.maya.send(home.general, GOOD)
    await storage.write_buffer.forget(storage.pseudonyms.authors(home.maya.id), before.id)
    other = home.guild.add_member(home.env.create_user("other"))
    meanwhile = await other.send(home.general, GOOD)
    storage.write_buffer._pending.scores.clear()  # it is killed before it could write
    await away.pass_by(20)
    bot = assemble(settings, classifier, replace(storage, last_alive=await storage.moods.last_alive()))
    await home.env.restart_bot(bot)
    await events_handled()
    monitoring_of(bot).catch_up._pause = 0
    await monitoring_of(bot).catch_up.work(0)
    assert await home.messages() == [meanwhile.id]
    assert await away.gaps == []


def doubts_while_reading(home, monkeypatch):
    """There is a new session each time that the model reads something: a notice may have been deleted before it."""
    verdict, notices = Ingest._verdict, monitoring_of(home.bot).notices

    async def doubting(ingest, message, words):
        notices.doubt((home.guild.id,))
        return await verdict(ingest, message, words)

    monkeypatch.setattr(Ingest, "_verdict", doubting)
    return notices


async def test_a_notice_that_comes_into_doubt_while_history_is_read_hides_nothing(home, away, monkeypatch):
    await home.watch()
    async with away():
        meanwhile = [await home.alice.send(home.general, text) for text in (GOOD, BAD, GOOD)]
    doubts_while_reading(home, monkeypatch)
    await away.catch_up()
    assert await home.messages() == [message.id for message in meanwhile]
    assert await away.gaps == []


async def test_what_nobody_can_say_of_whether_its_notice_stands_stays_a_gap(home, away, monkeypatch):
    await home.watch()
    async with away():
        await home.alice.send(home.general, GOOD)
    notices = doubts_while_reading(home, monkeypatch)
    monkeypatch.setattr(notice, "MOST_IN_VAIN", 1)

    async def unknown(_known):
        return Found.UNKNOWN, None

    monkeypatch.setattr(notices._check, "ask", unknown)
    notices._rules._doubted.clear()
    await away.catch_up()
    assert await home.messages() == []
    assert await away.gaps == [(home.guild.id, home.general.id, "connection")]


def refuse(*_):
    raise OSError(ENOSPC, "No space left on device")


def deny(home, channel, **permissions):
    """Takes permissions from the bot in a channel."""
    _, denied = discord.PermissionOverwrite(**dict.fromkeys(permissions, False)).pair()
    overwrite = Overwrite(home.env.backend.bot_user.id, OverwriteType.MEMBER, 0, denied.value)
    home.env.backend.set_overwrite(channel.id, overwrite)
