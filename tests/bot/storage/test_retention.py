import asyncio

import pytest

from bot.domain.records import AdminAction, Audited
from bot.storage import retention
from bot.storage.errors import DatabaseUnavailable
from bot.storage.retention import Purged, purge
from bot.storage.schema import AuditRow, HourAuthorRow, HourRow, LateChangeRow, MessageScoreRow, ToldHourRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import GENERAL, HOME, HOUR, NOW, RANDOM, author, held, message_id, publish, rows_of, say

WEEK = 7 * 24
PAST = HOUR - 5 * 24


async def test_everything_exact_of_more_than_so_many_days_ago_is_removed_and_what_was_told_stays(database, buffer):
    say(buffer, 1, who=1, hour=HOUR - WEEK + 2)
    say(buffer, 2, who=2, hour=HOUR - WEEK + 30)
    await buffer.flush()
    await publish(database)
    told = await rows_of(database, ToldHourRow)
    assert await purge(database, 6, NOW) == Purged(1, 1, 0)
    assert [row["author"] for row in await rows_of(database, MessageScoreRow)] == [author(2)]
    assert [row["author"] for row in await rows_of(database, HourAuthorRow)] == [author(2)]
    assert [row["hour"] for row in await rows_of(database, HourRow)] == [HOUR - WEEK + 30]
    assert await rows_of(database, ToldHourRow) == told
    assert len(told) == 2


async def test_an_hour_of_few_people_leaves_nothing_but_that_there_was_one(database, buffer):
    """Also where nobody had decided of it yet: nothing could be told of it any more."""
    for number in range(4):
        say(buffer, number, number, -0.9, hour=PAST)
        say(buffer, 10 + number, number, None, hour=PAST)
    await buffer.flush()
    await purge(database, 1, NOW)
    for row in (MessageScoreRow, HourAuthorRow, HourRow, LateChangeRow):
        assert await rows_of(database, row) == []
    (told,) = await rows_of(database, ToldHourRow)
    place = {"channel_id": GENERAL, "hour": PAST, "guild_id": HOME}
    assert told == dict.fromkeys(told, 0) | place


async def test_an_hour_that_nobody_had_decided_of_is_told_before_it_is_purged(database, moods, buffer):
    for number in range(10):
        say(buffer, number, number, -0.5, hour=PAST)
    await buffer.flush()
    await purge(database, 1, NOW)
    assert await rows_of(database, HourRow) == []
    (hour,) = (await moods.mood(HOME, GENERAL, PAST, HOUR)).hours
    assert (hour.messages, hour.mean, hour.authors) == (10, -0.5, 10)


async def test_a_day_of_which_hours_are_purged_is_decided_of_before(database, moods, buffer):
    midnight = PAST // 24 * 24
    for number in range(10):
        say(buffer, number, number, -0.5, hour=midnight + 2 * number)
    await buffer.flush()
    await purge(database, 1, NOW)
    (day,) = await moods.quiet_days(HOME, GENERAL, midnight, midnight + 24)
    assert (day.hour, day.messages, day.mean, day.authors) == (midnight, 10, -0.5, 10)


async def test_a_late_score_of_an_hour_of_which_only_sums_were_left_is_not_counted(database, buffer):
    say(buffer, 1, hour=PAST)
    await buffer.flush()
    await purge(database, 1, NOW)
    late = WriteBuffer(database, retention_days=30, clock=lambda: NOW)
    say(late, 2, hour=PAST)
    await late.flush()
    assert await rows_of(database, HourRow) == []
    assert late.counts.late == 1


async def test_purging_again_removes_nothing(database, buffer):
    say(buffer, 1, hour=HOUR - WEEK + 2)
    await buffer.flush()
    await purge(database, 1, NOW)
    assert await purge(database, 1, NOW) == Purged(0, 0, 0)


async def test_purged_hourly_no_message_gets_older_than_the_days_that_are_promised(database):
    written, now = HOUR, HOUR * 3600 - 1800
    buffer = WriteBuffer(database, retention_days=1, clock=lambda: now)
    say(buffer, 1, hour=written)
    await buffer.flush()
    while await rows_of(database, MessageScoreRow):
        now += 3600
        await purge(database, 1, now)
    assert 22 * 3600 < now - written * 3600 <= 24 * 3600


async def test_the_oldest_hour_that_is_kept_is_whole(database, buffer):
    say(buffer, 1, hour=HOUR - 22)
    say(buffer, 2, hour=HOUR - 23)
    await buffer.flush()
    await purge(database, 1, NOW)
    assert [row["hour"] for row in await rows_of(database, MessageScoreRow)] == [HOUR - 22]


async def test_an_edit_or_deletion_of_a_purged_message_changes_no_sum(database, clock):
    buffer = WriteBuffer(database, retention_days=30, clock=clock)
    say(buffer, 1, hour=HOUR - WEEK)
    await buffer.flush()
    await purge(database, 1, NOW)
    before = await held(database)
    say(buffer, 1, score=-1.0, hour=HOUR - WEEK, edited=5)
    await buffer.flush()
    buffer.deleted([message_id(1, HOUR - WEEK)])
    await buffer.flush()
    assert await held(database) == before
    assert buffer.counts.late == 1


async def test_a_message_older_than_the_retention_time_is_not_kept_and_counted_as_late(database, buffer):
    say(buffer, 1, hour=HOUR - WEEK + 1)
    say(buffer, 2, hour=HOUR - WEEK + 2)
    await buffer.flush()
    assert [row["hour"] for row in await rows_of(database, MessageScoreRow)] == [HOUR - WEEK + 2]
    assert (buffer.counts.late, buffer.counts.written) == (1, 1)


async def test_a_clock_that_was_far_ahead_for_a_moment_does_not_stop_what_comes_after(database, buffer):
    say(buffer, 1)
    await buffer.flush()
    await purge(database, 7, NOW + 10 * 365 * 86400)
    say(buffer, 2, hour=HOUR + 1)
    await buffer.flush()
    assert [row["hour"] for row in await rows_of(database, MessageScoreRow)] == [HOUR + 1]


async def test_who_did_what_as_an_admin_is_blanked_after_as_many_days(database, guilds):
    for days in (2, 0):
        await guilds.add_audit(Audited(HOME, int(NOW) - days * 86400, author(1), AdminAction.ENABLE))
    assert await purge(database, 1, NOW) == Purged(0, 0, 1)
    assert [row["actor"] for row in await rows_of(database, AuditRow)] == [None, author(1)]


@pytest.mark.parametrize("days", [0, 31, -1])
async def test_messages_are_never_kept_longer_than_30_days(sqlite, days):
    with pytest.raises(ValueError):
        await purge(sqlite, days, NOW)


# ---- in slices


@pytest.fixture
def small_slices(monkeypatch):
    monkeypatch.setattr(retention, "SLICE", 7)
    monkeypatch.setattr(retention, "_SLICES_READ", 3)


async def fill(buffer, count=60):
    """Messages of 20 people in two hours that are too old, and one that is not."""
    for number in range(count):
        say(buffer, number, number % 20, hour=PAST + number % 2, channel=(GENERAL, RANDOM)[number // 2 % 2])
    say(buffer, count, 1)
    await buffer.flush()


async def test_slices_leave_what_one_removal_would(database, buffer, small_slices):
    await fill(buffer)
    assert await purge(database, 1, NOW) == Purged(60, 20, 0)
    assert [row["hour"] for row in await rows_of(database, MessageScoreRow)] == [HOUR]
    assert [row["hour"] for row in await rows_of(database, HourAuthorRow)] == [HOUR]
    assert [row["hour"] for row in await rows_of(database, HourRow)] == [HOUR]
    assert len([row for row in await rows_of(database, ToldHourRow) if row["hour"] < HOUR]) == 4


async def test_others_write_between_the_slices(database, buffer, small_slices):
    """In one transaction a flush waited until everything was gone: for 98 seconds with three million rows."""
    await fill(buffer, 200)
    purging = asyncio.ensure_future(purge(database, 1, NOW))
    while len(await rows_of(database, MessageScoreRow)) == 201:
        await asyncio.sleep(0)
    say(buffer, 500)
    await buffer.flush()
    left = await rows_of(database, MessageScoreRow)
    assert (HOUR, message_id(500)) in [(row["hour"], row["message_id"]) for row in left]
    assert len(left) > 2
    assert await purging == Purged(200, 20, 0)


@pytest.mark.parametrize("slices", range(0, 16, 3))
async def test_a_purge_that_is_broken_off_counts_nothing_twice_and_goes_on(
    database, buffer, small_slices, monkeypatch, slices
):
    await fill(buffer)
    await publish(database)
    told = await rows_of(database, ToldHourRow)
    write, begun = database.write, 0

    def write_some():
        nonlocal begun
        begun += 1
        if begun > slices:
            raise DatabaseUnavailable("the disk is full")
        return write()

    with monkeypatch.context() as broken, pytest.raises(DatabaseUnavailable):
        broken.setattr(database, "write", write_some)
        await purge(database, 1, NOW)
    late = WriteBuffer(database, retention_days=30, clock=lambda: NOW)
    say(late, 900, 3, hour=PAST)
    late.deleted([message_id(number, PAST + number % 2) for number in range(0, 60, 5)])
    await late.flush()
    await late.forget([author(2)], message_id(9999))
    for row in await rows_of(database, HourRow):
        assert min(row[name] for name in ("negative", "neutral", "positive", "unread", "authors", "writers")) >= 0
    assert late.counts.late == (slices >= 2)
    await purge(database, 1, NOW)
    assert [row["hour"] for row in await rows_of(database, MessageScoreRow)] == [HOUR]
    assert {row["hour"] for row in await rows_of(database, HourRow)} <= {HOUR}
    assert {row["hour"] for row in await rows_of(database, HourAuthorRow)} <= {HOUR}
    assert await rows_of(database, ToldHourRow) == told
