import pytest

from bot.domain.records import AdminAction, Audited
from bot.storage.retention import Purged, purge
from bot.storage.schema import AuditRow, HourAuthorRow, HourRow, MessageScoreRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import HOME, HOUR, NOW, author, held, message_id, rows_of, say

WEEK = 7 * 24


async def test_messages_and_people_of_more_than_so_many_days_ago_are_removed_and_the_sums_stay(database, buffer):
    say(buffer, 1, who=1, hour=HOUR - WEEK + 2)
    say(buffer, 2, who=2, hour=HOUR - WEEK + 30)
    await buffer.flush()
    hours = await rows_of(database, HourRow)
    assert await purge(database, 6, NOW) == Purged(1, 1, 0)
    assert [row["author"] for row in await rows_of(database, MessageScoreRow)] == [author(2)]
    assert [row["author"] for row in await rows_of(database, HourAuthorRow)] == [author(2)]
    assert await rows_of(database, HourRow) == hours


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
