"""An admin has the history read: what is counted, what never is, and where it goes on."""

import pytest
from sqlalchemy import update

from bot.analytics.buckets import Size, timeline
from bot.commands.privacy import DELETE
from bot.domain.backfill import MOST_DAYS, BackfillState
from bot.domain.records import UNREAD, Absence, AdminAction, GapCause, GuildSettings
from bot.domain.snowflake import SECONDS, hour_of
from bot.learning import progress
from bot.monitoring.backfill import job
from bot.storage.erasure_log import KEPT_DAYS
from bot.storage.retention import oldest_kept
from bot.storage.schema import BackfillRow, NoticeRow
from model import Sentiment, Verdict
from tests.bot.monitoring.past import A_DAY, BAD, GOOD
from tests.bot.parts import overwrite


async def test_recent_hours_are_kept_as_if_read_live_and_of_older_ones_only_what_is_told(home, past):
    old, recent = past.talk(12), past.talk(3, text=BAD)
    await past.told()
    said = await home.monitor("backfill", days=28)
    assert "I'm reading the last 28 days of 1 channel." in said
    before = len(home.env.http_requests)
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert {entry.method for entry in home.env.http_requests[before:]} == {
        "GET"
    }  # nothing is tagged, posted or alerted
    assert await home.messages() == [message.id for message in recent]
    assert await home.hours() == [(5, 0, 0)]
    told = await past.rows("SELECT hour, authors > 0 FROM told_hours")
    assert told == [(hour_of(old[0].id), 1)]
    oldest = oldest_kept(7, past.away.clock.now)
    for table in ("hours", "hour_authors", "message_scores"):
        assert await past.rows(f"SELECT 1 FROM {table} WHERE hour < {oldest}") == []
    assert (AdminAction.BACKFILL, None, None) in await home.actions()
    assert "I've read 28 days of history: 10 messages." in await home.monitor("backfill")


async def test_whoever_asks_again_counts_nothing_twice(home, past):
    past.talk(12)
    past.talk(3)
    await past.told()
    written = await home.alice.send(home.general, GOOD)
    await past.away.pass_by(4 * SECONDS)
    states = []
    for _ in range(2):
        await home.monitor("backfill", days=28)
        await past.work()
        assert await past.state() is BackfillState.DONE
        states.append(await past.rows("SELECT * FROM told_hours") + await past.rows("SELECT * FROM hours"))
        states[-1] += await past.rows("SELECT * FROM filled_hours")
    assert states[0] == states[1]
    assert written.id in await home.messages()


async def test_nothing_is_read_before_the_notice_has_stood_for_a_day(home, past):
    past.talk(3)
    await home.watch()
    said = await home.monitor("backfill", days=7)
    assert "I can't read any history yet." in said
    assert home.general.mention in said
    await past.work()
    assert await home.messages() == []
    assert await past.watch.backfills.of(home.guild.id) is None


async def test_a_notice_of_before_says_nothing_of_the_history_and_is_posted_again(home, past, storage):
    past.talk(3)
    await past.told()
    async with storage.database.write() as connection:
        await connection.execute(update(NoticeRow).values(tells=0))
    past.watch.rules._told.clear()
    await past.watch.rules.load()
    said = await home.monitor("backfill", days=7)
    assert "so I posted a new one. Try again tomorrow." in said
    assert "I can't read any history yet." in await home.monitor("backfill", days=7)
    await past.away.pass_by(A_DAY + 60)
    await home.monitor("backfill", days=7)
    await past.work()
    assert len(await home.messages()) == 5


async def test_what_is_in_a_language_that_is_not_wanted_is_counted_as_unread(home, past, answers):
    answers[f"{GOOD} 0"] = Verdict(Sentiment.POSITIVE, (0.02, 0.01, 0.97), 1, "m", language="es")
    past.talk(3)
    await past.told()
    await past.watch.rules.set_settings(GuildSettings(home.guild.id, languages="en"))
    await home.monitor("backfill", days=7)
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert {sentiment for (sentiment,) in await past.rows("SELECT sentiment FROM message_scores")} == {UNREAD}


async def test_opt_outs_roles_deletions_and_people_who_left_are_obeyed(home, past):
    staff = home.guild.create_role("staff")
    nina = home.guild.add_member(home.env.create_user("nina"), roles=[staff])
    zoe = home.guild.add_member(home.env.create_user("zoe"))
    everywhere, here, again, erased, counted = past.people
    await home.env.settle()
    (kept,) = past.talk(3, people=[counted])
    past.talk(3, people=[nina, zoe, everywhere, here, again, erased])
    past.talk(12, people=[nina, zoe, everywhere, here, again, erased])
    await home.monitor("exempt role", role=staff)
    await past.told()
    await everywhere.slash(home.general, "privacy opt-out")
    await here.slash(home.general, "privacy opt-out", this_server=True)
    await again.slash(home.general, "privacy opt-out")
    await again.slash(home.general, "privacy opt-in")
    await erased.send(home.general, GOOD)
    await home.storage.write_buffer.flush()
    answer = await erased.slash(home.general, "privacy delete")
    await erased.click(answer.response, label=DELETE)
    home.env.backend.remove_member(home.guild.id, zoe.id)
    await home.monitor("backfill", days=14)
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert await home.messages() == [kept.id]
    assert await past.rows("SELECT messages FROM backfills") == [(1,)]


async def test_what_is_deleted_or_no_longer_wanted_while_it_is_read_is_not_counted(home, past, monkeypatch):
    messages = past.talk(3)
    await past.told()
    await home.monitor("backfill", days=7)
    wrote = job.Backfills._write

    async def write(self, run, reader):
        if reader.found:
            home.storage.write_buffer.deleted([messages[0].id])
            await home.storage.opt_outs.add(past.people[1].id)
        await wrote(self, run, reader)

    monkeypatch.setattr(job.Backfills, "_write", write)
    await past.work()
    assert await home.messages() == [message.id for message in messages[2:]]


async def test_more_than_a_page_a_day_and_archived_threads_are_read(home, past):
    many = past.talk(2, times=50)
    with past.days_ago(3):
        made = home.env.backend.create_thread(home.general.id, "plans", home.maya.id)
        inside = past.talk(0, channel=made)
        made.thread_metadata.archived, made.thread_metadata.archive_timestamp = True, home.env.backend.now_iso()
    await home.env.settle()
    home.bot.get_guild(home.guild.id)._threads.pop(made.id, None)  # what a new session does not list
    await past.told()
    await home.monitor("backfill", days=7)
    await past.work(60)
    assert await past.state() is BackfillState.DONE
    assert sorted(await home.messages()) == sorted(message.id for message in (*many, *inside))


async def test_it_goes_on_where_it_was_after_a_restart_and_when_discord_fails(home, past):
    past.talk(3)
    past.talk(5)
    await past.told()
    await home.monitor("backfill", days=7)
    backfills, here = past.watch.backfills, home.guild.id
    while len(await home.messages()) < 5:
        await backfills._step(backfills._runs[0])
    place = await backfills.of(here)
    assert place.channel_id == home.general.id
    backfills._runs.clear()  # what a process that was ended has left: the store alone
    backfills._loaded = False
    home.env.inject_error("GET", "/channels/*/messages", status=429, code=20016, times=1)
    await past.work()
    past.away.clock.go_on(job.FIRST_WAIT)
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert len(await home.messages()) == 10
    assert (await backfills.of(here)).messages == 10


async def test_pause_resume_and_stop(home, past):
    past.talk(3)
    await past.told()
    assert "There's nothing to stop" in await home.monitor("backfill", do="stop")
    await home.monitor("backfill", days=7)
    assert "I'm already reading" in await home.monitor("backfill", days=7)
    assert "Paused" in await home.monitor("backfill", do="pause")
    assert "Paused reading 7 days of history" in await home.monitor("status")
    await past.work()
    assert await home.messages() == []
    assert "Reading 7 days of history" in await home.monitor("backfill", do="resume")
    await past.work()
    assert len(await home.messages()) == 5
    await home.monitor("backfill", days=14)
    assert "Stopped reading history" in await home.monitor("backfill", do="stop")
    await past.work()
    assert await past.state() is BackfillState.STOPPED


async def test_a_stop_while_hours_are_written_leaves_nothing_of_them(home, past, monkeypatch):
    past.talk(3)
    await past.told()
    await home.monitor("backfill", days=7)
    kept = type(home.storage.backfills)
    fill = kept.fill

    async def stopped(self, connection, window, scores, now, rng):
        new = await fill(self, connection, window, scores, now, rng)
        if scores:
            changed = update(BackfillRow).values(state=BackfillState.STOPPED.value)
            await connection.execute(changed)
        return new

    monkeypatch.setattr(kept, "fill", stopped)
    await past.work()
    assert await home.messages() == []


@pytest.mark.parametrize("ended", ["unwatched", "no permission", "left"])
async def test_it_ends_cleanly_when_it_may_not_go_on(home, past, ended):
    past.talk(3)
    await past.told()
    await home.monitor("backfill", days=7)
    backfills = past.watch.backfills
    await backfills._step(backfills._runs[0])
    if ended == "unwatched":
        await home.monitor("disable", channel=home.general)
    elif ended == "no permission":
        await overwrite(home.env, home.general, home.guild.me, read_message_history=False)
    else:
        past.watch.guild_gone(home.guild.id)
        await home.storage.write_buffer.flush()
    await past.work()
    assert await home.messages() == []
    if ended == "left":
        assert await backfills.of(home.guild.id) is None
        return
    one = await backfills.of(home.guild.id)
    assert one.state is BackfillState.DONE
    assert one.left_out == (1 if ended == "no permission" else 0)


async def test_charts_mark_it_gaps_shrink_and_the_first_alert_comes_sooner(home, past, storage):
    for days in range(2, 13):
        past.talk(days)
    await past.told()
    now, guild, channel = past.away.clock.now, home.guild.id, home.general.id
    gone = int(now) - 4 * A_DAY
    await storage.gaps.add(Absence(GapCause.OFF, guild), gone - A_DAY, gone)
    hours = (int(now // SECONDS) - 12 * 24, int(now // SECONDS))
    before = await progress(storage.moods, guild, {channel}, now)
    assert (await storage.moods.mood(guild, channel, *hours)).gaps
    await home.monitor("backfill", days=14)
    await past.work(60)
    await storage.publication.publish(now)
    mood = await storage.moods.mood(guild, channel, *hours)
    assert mood.gaps == ()
    assert sum(end - start for start, end in mood.filled) >= 10 * A_DAY
    assert timeline(mood, Size.DAY, hours, until=now).filled_seconds
    after = await progress(storage.moods, guild, {channel}, now)
    assert before.day == 0
    assert after.day > before.day


async def test_what_was_missed_is_read_first(home, past, monkeypatch):
    past.talk(3)
    await past.told()
    await home.monitor("backfill", days=7)
    monkeypatch.setattr(type(past.watch.catch_up), "waiting", property(lambda _: 1))
    await past.work(3)
    assert await home.messages() == []
    monkeypatch.undo()
    await past.work()
    assert len(await home.messages()) == 5


def test_opt_outs_and_deletions_are_known_for_longer_than_is_read():
    assert MOST_DAYS + 1 < KEPT_DAYS
