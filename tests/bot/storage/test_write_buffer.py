import asyncio
import sqlite3
from contextlib import closing
from math import inf

import pytest
from sqlalchemy import insert, text

from bot.domain.records import AdminAction, Audited, Gap, GuildSettings, Mode, Rule, TargetKind
from bot.storage.chunks import CHUNK
from bot.storage.database import Database
from bot.storage.errors import DatabaseUnavailable
from bot.storage.hourly_rollup import remove_messages, write_pending
from bot.storage.pending_writes import Remembered
from bot.storage.people_repository import blank_admin
from bot.storage.schema import (
    AlertRow,
    AuditRow,
    BackfillRow,
    Base,
    BookkeepingRow,
    ChangeRow,
    DepartureRow,
    DigestRow,
    ErasureLogRow,
    FeedbackRow,
    FilledRow,
    HourAuthorRow,
    HourRow,
    LateChangeRow,
    LeaseRow,
    MarkRow,
    MessageScoreRow,
    NoticeRow,
    OptOutRow,
    ProcessRow,
    RegistrationRow,
    ReleaseRow,
    ReportRow,
    RequestRow,
    SignOfLifeRow,
    SnoozeRow,
    TagRow,
    WebhookRow,
)
from bot.storage.sign_of_life import ON_THE_WAY, final_sign_of_life
from bot.storage.write_buffer import LATER, WriteBuffer
from tests.bot.storage.scenes import (
    AWAY,
    EXACT,
    GENERAL,
    HOME,
    HOUR,
    MODEL,
    NOW,
    RANDOM,
    THREAD,
    assert_sums_are_right,
    author,
    held,
    message_id,
    publish,
    rows_of,
    say,
    verdict,
)


async def messages(database):
    return [row["message_id"] for row in await rows_of(database, MessageScoreRow)]


async def test_a_score_is_kept_with_everything_that_belongs_to_it(database, buffer):
    assert say(buffer, 7, who=3, score=0.1234, thread_id=THREAD, edited=99)
    await buffer.flush()
    row = {"message_id": message_id(7), "guild_id": HOME, "channel_id": GENERAL, "thread_id": THREAD}
    row |= {"author": author(3), "hour": HOUR, "edited": 99, "score": 123, "sentiment": 1, "model": MODEL}
    assert await rows_of(database, MessageScoreRow) == [row]
    hour = {"channel_id": GENERAL, "hour": HOUR, "guild_id": HOME, "negative": 0, "neutral": 1, "positive": 0}
    hour |= {"score_sum": 123, "score_square_sum": 15129, "authors": 1, "unread": 0, "writers": 1}
    (found,) = await rows_of(database, HourRow)
    assert dict([*found.items()][:EXACT]) == hour
    assert [*found.values()][EXACT:] == [False, 0, 0, 0, 0]


async def test_an_edit_corrects_the_hour_and_not_its_people(database, buffer):
    say(buffer, 1, score=1.0)
    await buffer.flush()
    say(buffer, 1, score=-1.0, edited=5)
    await buffer.flush()
    assert await held(database) == (
        [(GENERAL, HOUR, HOME, 1, 0, 0, -1000, 1_000_000, 1, 0, 1)],
        [(GENERAL, HOUR, author(1), 1, 0)],
    )


async def test_an_edits_score_is_not_overtaken_by_the_first_one_that_comes_late(database, buffer):
    say(buffer, 1, score=-1.0, edited=5)
    say(buffer, 1, score=1.0)
    await buffer.flush()
    say(buffer, 1, score=0.5)
    await buffer.flush()
    assert [row["score"] for row in await rows_of(database, MessageScoreRow)] == [-1000]
    await assert_sums_are_right(database)


async def test_an_edit_after_a_new_key_keeps_the_message_its_authors_once(database, buffer):
    say(buffer, 1, who=1)
    await buffer.flush()
    say(buffer, 1, who=2, score=-1.0, edited=5)
    await buffer.flush()
    assert [row["author"] for row in await rows_of(database, MessageScoreRow)] == [author(1)]
    await assert_sums_are_right(database)


async def test_a_deleted_message_leaves_no_row_and_an_empty_hour_goes_with_it(database, buffer):
    say(buffer, 1)
    await buffer.flush()
    buffer.deleted([message_id(1), message_id(2)])
    await buffer.flush()
    assert await messages(database) == []
    assert await held(database) == ([], [])


async def test_a_score_that_comes_after_the_deletion_is_refused_also_after_it_was_written(database, buffer):
    buffer.deleted([message_id(1)])
    assert not say(buffer, 1)
    await buffer.flush()
    assert not say(buffer, 1)
    await buffer.flush()
    assert await messages(database) == []
    assert buffer.counts.refused == 2


async def test_only_so_many_deletions_are_remembered():
    deleted = Remembered(2)
    for number in (1, 2, 1, 3):
        deleted.add(number)
    assert [number in deleted for number in (1, 2, 3)] == [True, False, True]
    deleted.discard(1)
    deleted.discard(9)
    assert 1 not in deleted


async def test_a_channel_that_is_gone_takes_everything_of_it_along(database, buffer, guilds):
    say(buffer, 1)
    say(buffer, 2, channel=RANDOM, thread_id=THREAD)
    await buffer.flush()
    for kind, target in ((TargetKind.CHANNEL, GENERAL), (TargetKind.CHANNEL, RANDOM), (TargetKind.ROLE, GENERAL)):
        await guilds.set_rule(Rule(HOME, kind, target, Mode.WATCH))
    await guilds.set_settings(GuildSettings(HOME, mod_channel_id=GENERAL))
    say(buffer, 3)
    buffer.channel_gone(GENERAL)
    assert not say(buffer, 4)
    await buffer.flush()
    assert not say(buffer, 5)
    await buffer.flush()
    assert await messages(database) == [message_id(2)]
    assert [(rule.target_kind, rule.target_id) for rule in await guilds.rules()] == [
        ("channel", RANDOM),
        ("role", GENERAL),
    ]
    assert (await guilds.settings(HOME)).mod_channel_id is None
    await assert_sums_are_right(database)


async def test_a_thread_that_is_gone_is_taken_out_of_its_channel(database, buffer):
    say(buffer, 1, who=1)
    say(buffer, 2, who=1, thread_id=THREAD)
    say(buffer, 3, who=2, thread_id=THREAD)
    await buffer.flush()
    say(buffer, 4, who=3, thread_id=THREAD)
    buffer.channel_gone(THREAD)
    assert not say(buffer, 5, thread_id=THREAD)
    await buffer.flush()
    assert await messages(database) == [message_id(1)]
    await assert_sums_are_right(database)


async def test_many_channels_and_threads_may_go_at_once(database, buffer):
    enough = CHUNK // 2 + 5  # of both together, more than one statement takes
    for number in range(enough):
        say(buffer, number, channel=10_000 + number, thread_id=20_000 + number)
    say(buffer, 700)
    await buffer.flush()
    for number in range(enough):
        buffer.channel_gone(20_000 + number)
        buffer.channel_gone(10_000 + number)
    await buffer.flush()
    assert await messages(database) == [message_id(700)]
    await assert_sums_are_right(database)


async def fill_every_table(database, buffer, guilds, moods, guild):
    """A row about this server in each table that can have one; the numbers of rows follow from nothing else."""
    say(buffer, guild, guild=guild, channel=guild + 1)
    await buffer.flush()
    await publish(database, HOUR + 24)
    await guilds.set_rule(Rule(guild, TargetKind.CHANNEL, guild + 1, Mode.WATCH))
    await guilds.set_settings(GuildSettings(guild))
    await moods.add_gap(Gap(guild, 1, 2))
    await guilds.add_audit(Audited(guild, 1, author(1), AdminAction.ENABLE))
    alert = {"guild_id": guild, "channel_id": guild + 1, "level": -500, "usual_level": 0, "started": 1}
    digest = {"guild_id": guild, "kind": "daily", "period": "2026-11-25", "claimed": 1}
    async with database.write() as connection:
        await connection.execute(insert(AlertRow).values(alert))
        await connection.execute(insert(DigestRow).values(digest))
        await connection.execute(insert(NoticeRow).values(guild_id=guild, channel_id=guild + 1))
        tag = {"message_id": guild, "emoji": "+", "guild_id": guild, "channel_id": guild + 1}
        await connection.execute(insert(TagRow).values(tag))
        await connection.execute(insert(DepartureRow).values(guild_id=guild, since=1))
        late = {"channel_id": guild + 1, "hour": HOUR, "author": author(1), "messages": 1}
        await connection.execute(insert(LateChangeRow).values(late))
        place = {"guild_id": guild, "channel_id": guild + 1}
        await connection.execute(insert(SnoozeRow).values(place | {"until": 1}))
        await connection.execute(insert(FilledRow).values(place | {"first_hour": HOUR, "end_hour": HOUR + 1}))
        await connection.execute(insert(MarkRow).values(guild_id=guild, happened=1, text="patch 2.4"))
        await connection.execute(insert(WebhookRow).values(guild_id=guild, webhook_id=7, token="t", last_alert=0))
        history = {"state": "running", "days": 7, "first_hour": 1, "end_hour": HOUR, "hour": 1, "messages": 0}
        await connection.execute(insert(BackfillRow).values(place | history | {"left_out": 0, "changed": 1}))


WITHOUT_A_SERVER = {BookkeepingRow, OptOutRow, FeedbackRow, SignOfLifeRow, ProcessRow, LeaseRow, RequestRow, ChangeRow}
WITHOUT_A_SERVER |= {ErasureLogRow, RegistrationRow, ReleaseRow, ReportRow}


async def test_a_server_that_is_gone_leaves_no_row_in_any_table(database, buffer, guilds, moods):
    for guild in (HOME, AWAY):
        await fill_every_table(database, buffer, guilds, moods, guild)
    say(buffer, 1)
    buffer.guild_gone(HOME)
    assert not say(buffer, 2)
    await buffer.flush()
    for mapper in Base.registry.mappers:
        row = mapper.class_
        if row not in WITHOUT_A_SERVER:
            left = await rows_of(database, row)
            assert len(left) == 1, row
            assert left[0].get("guild_id", AWAY) == AWAY
    await assert_sums_are_right(database)


async def test_a_server_that_comes_back_is_heard_again_and_what_it_said_before_stays_gone(database, buffer, guilds):
    say(buffer, 1)
    await buffer.flush()
    buffer.guild_gone(HOME)
    await buffer.guild_joined(HOME)
    await guilds.set_settings(GuildSettings(HOME, "Europe/Berlin"))
    assert say(buffer, 2)
    await buffer.flush()
    await buffer.guild_joined(AWAY)
    assert await messages(database) == [message_id(2)]
    assert (await guilds.settings(HOME)).timezone == "Europe/Berlin"


async def test_somebody_is_forgotten_written_or_waiting_and_stays_so(database, buffer, guilds):
    say(buffer, 1, who=1)
    say(buffer, 2, who=2)
    await guilds.add_audit(Audited(HOME, 1, author(1), AdminAction.ENABLE))
    await buffer.flush()
    say(buffer, 3, who=1)
    assert await buffer.forget([author(1), author(9)], message_id(5), (remove_messages, blank_admin)) == 1
    assert not say(buffer, 4, who=1)
    assert say(buffer, 6, who=1)
    assert say(buffer, 7, who=2)
    await buffer.flush()
    assert await messages(database) == [message_id(2), message_id(6), message_id(7)]
    assert [row["actor"] for row in await rows_of(database, AuditRow)] == [None]
    await assert_sums_are_right(database)


async def test_who_opted_out_while_they_were_read_is_not_kept(database, buffer, opt_outs, pseudonyms):
    await opt_outs.add(42)
    assert not buffer.scored(message_id(1), HOME, GENERAL, pseudonyms.author(42), verdict(1.0))
    await buffer.flush()
    assert await messages(database) == []


@pytest.mark.parametrize("wrong", [{"author": b"short"}, {"message_id": 0}, {"message_id": 2**63}])
async def test_what_no_database_would_take_never_waits(buffer, wrong):
    good = {"message_id": message_id(1), "guild_id": HOME, "channel_id": GENERAL, "author": author(1)}
    with pytest.raises(ValueError):
        buffer.scored(**{**good, **wrong}, verdict=verdict(0.5))
    assert len(buffer) == 0


async def test_writing_the_same_news_twice_changes_nothing(database, buffer):
    """A connection can break after the database has committed and before it could say so."""
    for number in range(3):
        say(buffer, number, who=number)
    await buffer.flush()
    say(buffer, 0, score=-1.0, edited=5)
    say(buffer, 3)
    buffer.deleted([message_id(1)])
    news = buffer._pending
    await buffer.flush()
    once = await held(database)
    async with database.write() as connection:
        await write_pending(connection, news, 0)
    assert await held(database) == once
    await assert_sums_are_right(database)


async def break_hours(database):
    async with database.write() as connection:
        await connection.execute(
            text("CREATE TRIGGER broken BEFORE INSERT ON hours BEGIN SELECT RAISE(ABORT, 'broken'); END")
        )


async def test_a_write_that_fails_halfway_loses_nothing_and_writes_nothing(sqlite, clock):
    buffer = WriteBuffer(sqlite, clock=clock)
    await break_hours(sqlite)
    say(buffer, 1, score=1.0)
    say(buffer, 2)
    with pytest.raises(DatabaseUnavailable):
        await buffer.flush()
    assert await messages(sqlite) == []
    assert len(buffer) == 2
    say(buffer, 1, score=-1.0, edited=5)
    buffer.deleted([message_id(2)])
    say(buffer, 3)
    async with sqlite.write() as connection:
        await connection.execute(text("DROP TRIGGER broken"))
    await buffer.flush()
    assert await messages(sqlite) == [message_id(1), message_id(3)]
    assert (buffer.counts.failures, buffer.counts.dropped) == (1, 0)
    await assert_sums_are_right(sqlite)


async def test_what_came_during_the_failure_wins_over_what_is_put_back(folder, sqlite, clock):
    buffer = WriteBuffer(sqlite, clock=clock)
    for number in range(4):
        say(buffer, number)
    say(buffer, 9, channel=RANDOM)
    say(buffer, 10, guild=AWAY, channel=201)
    with closing(sqlite3.connect(folder / "mood.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        flushing = asyncio.ensure_future(buffer.flush())
        await asyncio.sleep(0)
        say(buffer, 0, score=-1.0, edited=1)
        say(buffer, 1, score=-1.0)
        buffer.deleted([message_id(2)])
        buffer.channel_gone(RANDOM)
        buffer.guild_gone(AWAY)
        with pytest.raises(DatabaseUnavailable):
            await flushing
        other.execute("ROLLBACK")
    await buffer.flush()
    rows = await rows_of(sqlite, MessageScoreRow)
    assert [(row["message_id"], row["score"]) for row in rows] == [
        (message_id(0), -1000),
        (message_id(1), -1000),
        (message_id(3), 500),
    ]
    await assert_sums_are_right(sqlite)


async def test_beyond_its_limit_new_messages_are_dropped_and_counted_and_edits_and_deletions_are_not(database, clock):
    buffer = WriteBuffer(database, limit=3, clock=clock)
    assert [say(buffer, number) for number in range(5)] == [True, True, True, False, False]
    assert say(buffer, 0, score=-1.0, edited=5)
    buffer.deleted([message_id(1)])
    assert say(buffer, 6)
    await buffer.flush()
    assert buffer.counts.dropped == 2
    assert await messages(database) == [message_id(0), message_id(2), message_id(6)]
    await assert_sums_are_right(database)


async def test_deletions_beyond_the_limit_wait_and_only_far_beyond_it_are_they_dropped_which_is_told(
    database, clock, caplog
):
    buffer = WriteBuffer(database, limit=3, clock=clock)
    for number in range(34):
        say(buffer, number)
        await buffer.flush()
    buffer.deleted(map(message_id, range(34)))
    assert buffer.counts.dropped_deletions == 34 - 3 - LATER * 3
    assert caplog.text.count("too many deletions wait") == 1
    await buffer.flush()
    assert len(await messages(database)) == 34 - 3
    await buffer.close()
    assert await messages(database) == [message_id(33)]
    await assert_sums_are_right(database)


async def test_a_minute_without_the_database_loses_nothing_up_to_the_limit_and_counts_what_it_dropped(sqlite, clock):
    buffer = WriteBuffer(sqlite, limit=50, clock=clock)
    await break_hours(sqlite)
    kept = []
    for number in range(12 * 6):
        if say(buffer, number, who=number % 7):
            kept.append(message_id(number))
        if number % 6 == 5:  # every few seconds it is tried again
            with pytest.raises(DatabaseUnavailable):
                await buffer.flush()
    async with sqlite.write() as connection:
        await connection.execute(text("DROP TRIGGER broken"))
    await buffer.flush()
    assert kept == [message_id(number) for number in range(50)]
    assert await messages(sqlite) == kept
    assert (buffer.counts.written, buffer.counts.dropped, buffer.counts.failures) == (50, 22, 12)
    assert say(buffer, 99)
    await assert_sums_are_right(sqlite)


async def test_what_is_put_back_counts_towards_the_limit(folder, sqlite, clock):
    buffer = WriteBuffer(sqlite, limit=3, clock=clock)
    say(buffer, 1)
    say(buffer, 2)
    await break_hours(sqlite)
    flushing = asyncio.ensure_future(buffer.flush())
    await asyncio.sleep(0)
    assert [say(buffer, number) for number in (3, 4)] == [True, False]
    with pytest.raises(DatabaseUnavailable):
        await flushing
    assert len(buffer) == 3
    assert not say(buffer, 5)


async def test_a_flush_that_is_cancelled_keeps_everything(sqlite, clock):
    buffer = WriteBuffer(sqlite, clock=clock)
    for number in range(2000):
        say(buffer, number)
    flushing = asyncio.ensure_future(buffer.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    flushing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flushing
    await buffer.flush()
    assert len(await messages(sqlite)) == 2000
    await assert_sums_are_right(sqlite)


async def test_it_writes_by_itself_and_once_more_when_it_is_closed(sqlite, clock):
    buffer = WriteBuffer(sqlite, clock=clock, interval=0.01)
    buffer.start()
    say(buffer, 1)
    async with asyncio.timeout(20):
        while len(buffer):
            await asyncio.sleep(0.01)
    say(buffer, 2)
    await buffer.close()
    assert await messages(sqlite) == [message_id(1), message_id(2)]


async def test_it_goes_on_when_the_database_works_again_and_says_so_once(sqlite, clock, caplog):
    caplog.set_level("INFO")
    buffer = WriteBuffer(sqlite, clock=clock, interval=0.01)
    await break_hours(sqlite)
    say(buffer, 1)
    buffer.start()
    async with asyncio.timeout(20):
        while buffer.counts.failures < 3:
            await asyncio.sleep(0.01)
        async with sqlite.write() as connection:
            await connection.execute(text("DROP TRIGGER broken"))
        while len(buffer):
            await asyncio.sleep(0.01)
    await buffer.close()
    ours = [record.getMessage() for record in caplog.records if record.name == "bot.storage.backlog"]
    assert [line[:12] for line in ours] == ["I can't use ", "the database"]
    assert await messages(sqlite) == [message_id(1)]


async def test_what_cannot_be_written_at_the_end_is_counted_in_the_log(sqlite, clock, caplog):
    buffer = WriteBuffer(sqlite, clock=clock)
    await break_hours(sqlite)
    say(buffer, 1)
    await buffer.close()
    assert "1 messages and 0 removals could not be written" in caplog.text


async def test_without_news_there_is_a_sign_of_life_once_a_minute(database, moods):
    times = iter([NOW, NOW + 5, NOW + 61, NOW - 9999])
    buffer = WriteBuffer(database, clock=lambda: next(times))
    buffer.sees = True
    alive = []
    for _ in range(4):
        await buffer.flush()
        alive.append(await moods.last_alive())
    assert alive == [NOW - ON_THE_WAY, NOW - ON_THE_WAY, NOW + 61 - ON_THE_WAY, NOW - 9999 - ON_THE_WAY]


async def test_a_sign_of_life_says_nothing_of_what_is_still_being_dealt_with(database, moods):
    now = [float(NOW)]
    buffer = WriteBuffer(database, clock=lambda: now[0])
    buffer.sees = True
    await buffer.flush()
    with buffer.in_hand():
        now[0] += 30
        with buffer.in_hand():
            now[0] += 31
            say(buffer, 1)
            await buffer.flush()
            assert await moods.last_alive() == NOW - ON_THE_WAY
    say(buffer, 2)
    await buffer.flush()
    assert await moods.last_alive() == NOW + 61 - ON_THE_WAY


async def test_a_sign_of_life_says_nothing_of_what_is_not_seen_and_no_gap_yet(database, moods):
    now = [float(NOW)]
    buffer = WriteBuffer(database, clock=lambda: now[0])
    buffer.sees = True
    buffer.unseen_since = lambda: NOW - 40
    await buffer.flush()
    assert await moods.last_alive() == NOW - 40 - ON_THE_WAY
    now[0] += 100
    buffer.unseen_since = lambda: NOW - 90
    say(buffer, 1)
    await buffer.flush()
    assert await moods.last_alive() == NOW - 40 - ON_THE_WAY, "it goes back with the clock alone"


async def test_of_a_shard_that_is_not_seen_the_sign_of_life_waits_alone(database, moods):
    now = [float(NOW)]
    buffer = WriteBuffer(database, clock=lambda: now[0])
    buffer.sees = True
    unseen = {(0, 3): inf, (1, 3): NOW - 40, (2, 3): inf}
    buffer.unseen_since, buffer.unseen_by_shard = lambda: NOW - 40, lambda: unseen
    await buffer.flush()
    early, late = NOW - 40 - ON_THE_WAY, NOW - ON_THE_WAY
    assert await moods.shards_alive() == {(0, 3): late, (1, 3): early, (2, 3): late}
    assert await moods.last_alive() == early
    now[0] += 100
    unseen[1, 3] = NOW - 90  # a sign goes back with the clock alone
    with buffer.in_hand():
        now[0] += 50
        say(buffer, 1)
        await buffer.flush()
    assert await moods.shards_alive() == {(0, 3): late + 100, (1, 3): early, (2, 3): late + 100}
    now[0] = NOW - 9999
    unseen[1, 3] = inf
    say(buffer, 2)
    await buffer.flush()
    assert set((await moods.shards_alive()).values()) == {late - 9999}


async def test_what_must_not_be_looked_for_again_moves_the_sign_of_every_shard(database, moods):
    buffer = WriteBuffer(database, clock=lambda: NOW)
    buffer.sees, buffer.unseen_by_shard = True, lambda: {(0, 2): inf, (1, 2): NOW - 40}
    await buffer.flush()
    async with database.write() as connection:
        await final_sign_of_life(connection, NOW + 5)
    assert await moods.shards_alive() == dict.fromkeys([(0, 2), (1, 2)], NOW + 5)


async def test_before_events_reach_the_bot_there_is_no_sign_of_life(database, moods, clock):
    buffer = WriteBuffer(database, clock=clock)
    say(buffer, 1)
    await buffer.flush()
    await buffer.close()
    assert await messages(database) == [message_id(1)]
    assert await moods.last_alive() is None
    buffer.sees = True
    await buffer.flush()
    assert await moods.last_alive() == NOW - ON_THE_WAY


async def test_thousands_of_messages_in_one_write_are_counted_right(database, buffer):
    for number in range(3000):
        say(
            buffer, number, number % 200, number % 2001 / 1000 - 1, channel=GENERAL + number % 3, hour=HOUR - number % 4
        )
    await buffer.flush()
    for number in range(0, 3000, 2):
        say(buffer, number, number % 200, 1.0, channel=GENERAL + number % 3, hour=HOUR - number % 4, edited=1)
    buffer.deleted(message_id(number, HOUR - number % 4) for number in range(0, 3000, 3))
    await buffer.flush()
    assert len(await messages(database)) == 2000
    assert {row["messages"] > 0 for row in await rows_of(database, HourAuthorRow)} == {True}
    await assert_sums_are_right(database)


async def test_two_processes_on_one_postgresql_take_turns_and_the_sums_stay_right(new_postgres_url, folder, clock):
    first, second = [await Database.open(folder, new_postgres_url) for _ in range(2)]
    one, other = WriteBuffer(first, clock=clock), WriteBuffer(second, clock=clock)
    for number in range(600):
        say(one, number, number % 7, 1.0)
        say(other, number + 300, number % 7, -1.0, edited=1)
    await asyncio.gather(one.flush(), other.flush())
    assert len(await messages(first)) == 900
    await assert_sums_are_right(second)
    await first.close()
    await second.close()


async def test_a_message_that_was_emptied_and_then_says_something_again_counts(buffer, database):
    say(buffer, 1, score=0.9)
    await buffer.flush()
    buffer.emptied(message_id(1), 1000)
    await buffer.flush()
    assert await held(database) == ([], [])
    assert say(buffer, 1, score=-0.9, edited=2000)
    await buffer.flush()
    (row,) = await rows_of(database, MessageScoreRow)
    assert (row["score"], row["edited"]) == (-900, 2000)
    await assert_sums_are_right(database)


async def test_what_a_message_said_before_it_was_emptied_does_not_come_back(buffer, database):
    buffer.emptied(message_id(1), 1000)
    assert not say(buffer, 1, edited=1000)
    assert not say(buffer, 1)
    await buffer.flush()
    assert await held(database) == ([], [])


@pytest.mark.parametrize("written", [False, True])
async def test_an_emptying_that_comes_late_takes_nothing_newer_away(buffer, database, written):
    say(buffer, 1, score=0.9, edited=2000)
    if written:
        await buffer.flush()
    buffer.emptied(message_id(1), 1000)
    await buffer.flush()
    assert len(await rows_of(database, MessageScoreRow)) == 1
