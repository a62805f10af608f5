"""Hours that are filled in from the history: whole, once, and nothing exact left of old ones. In both databases."""

import pytest
from sqlalchemy import func, select

from bot.domain.backfill import Backfill, BackfillState
from bot.domain.records import Gap, GapCause
from bot.storage.backfill_repository import BackfillRepository, Window, note_place
from bot.storage.filled_hours import without
from bot.storage.known_places import guilds_known, known_among, places_of
from bot.storage.pending_writes import Scored, kept_of
from bot.storage.schema import BackfillRow, FilledRow, HourAuthorRow, HourRow, MessageScoreRow, ToldHourRow
from tests.bot.storage.scenes import (
    AWAY,
    CALM,
    GENERAL,
    HOME,
    HOUR,
    NOW,
    RANDOM,
    author,
    message_id,
    publish,
    say,
    verdict,
)

RETENTION = 7
OLD = HOUR - 12 * 24
RECENT = HOUR - 48


@pytest.fixture
def backfills(database):
    return BackfillRepository(database, RETENTION)


def read(hour, people, score=0.5, channel=GENERAL, first=0):
    """What was read of an hour in which so many people wrote a message each."""
    return [
        Scored(message_id(first + who, hour), HOME, channel, None, author(who), 0, *kept_of(verdict(score)))
        for who in range(1, people + 1)
    ]


async def fill(buffer, backfills, window, scores):
    async with buffer.between_writes() as connection:
        return await backfills.fill(connection, window, scores, NOW, CALM)


async def count(database, row):
    async with database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(row))


def window(start, end, since=NOW):
    return Window(HOME, GENERAL, start, end, since)


async def test_of_old_hours_only_what_is_told_is_left(database, buffer, backfills, moods):
    scores = read(OLD, 5) + read(OLD + 1, 2)
    assert await fill(buffer, backfills, window(OLD, OLD + 24), scores) == 7
    for row in (MessageScoreRow, HourRow, HourAuthorRow):
        assert await count(database, row) == 0
    mood = await moods.mood(HOME, GENERAL, OLD, OLD + 24)
    assert [(hour.hour, hour.messages, hour.mean) for hour in mood.hours] == [(OLD, 5, 0.5)]
    assert mood.hidden == (OLD + 1,)
    assert await fill(buffer, backfills, window(OLD, OLD + 24), scores) == 0
    assert (await moods.mood(HOME, GENERAL, OLD, OLD + 24)).hours == mood.hours
    assert await count(database, ToldHourRow) == 2


async def test_a_quiet_old_day_is_told_as_one_sum(buffer, backfills, moods):
    day = OLD // 24 * 24
    scores = read(day + 3, 3) + read(day + 9, 5, first=100)[3:]
    await fill(buffer, backfills, window(day, day + 24), scores)
    (told,) = await moods.quiet_days(HOME, GENERAL, day, day + 24)
    assert (told.messages, told.mean, told.authors) == (5, 0.5, 5)


async def test_recent_hours_are_counted_beside_what_was_read_live(database, buffer, backfills, moods):
    say(buffer, 1, 1, 0.5, hour=RECENT)
    scores = read(RECENT, 5)
    assert await fill(buffer, backfills, window(RECENT, RECENT + 1), scores) == 4
    assert await fill(buffer, backfills, window(RECENT, RECENT + 1), scores) == 0
    assert await count(database, MessageScoreRow) == 5
    await publish(database)
    (hour,) = (await moods.mood(HOME, GENERAL, RECENT, RECENT)).hours
    assert (hour.messages, hour.mean) == (5, 0.5)


async def test_hours_that_were_seen_live_are_not_marked_and_spans_grow_together(database, buffer, backfills, moods):
    live = RECENT * 3600
    await moods.add_gap(Gap(HOME, live + 3 * 3600, live + 5 * 3600, cause=GapCause.OFF))
    await fill(buffer, backfills, window(RECENT - 2, RECENT + 8, live), [])
    await fill(buffer, backfills, window(RECENT - 9, RECENT - 2, live), [])
    await fill(buffer, backfills, window(RECENT - 9, RECENT + 8, live), [])
    async with database.read() as connection:
        spans = (await connection.execute(select(FilledRow.first_hour, FilledRow.end_hour))).all()
    assert sorted(map(tuple, spans)) == [(RECENT - 9, RECENT), (RECENT + 3, RECENT + 5)]
    mood = await moods.mood(HOME, GENERAL, RECENT - 9, RECENT + 8)
    assert mood.gaps == ()
    assert mood.filled == (((RECENT - 9) * 3600, live), (live + 3 * 3600, live + 5 * 3600))
    both = await moods.guild_mood(HOME, RECENT - 9, RECENT + 8, (GENERAL, RANDOM))
    assert len(both.gaps) == 1  # the other channel was not filled in


async def test_a_window_that_was_seen_as_a_whole_need_not_be_read(backfills, moods):
    assert (await backfills.held(window(RECENT, RECENT + 5, RECENT * 3600), NOW)).is_whole
    await moods.add_gap(Gap(HOME, RECENT * 3600, RECENT * 3600 + 60, cause=GapCause.OFF))
    assert not (await backfills.held(window(RECENT, RECENT + 5, RECENT * 3600), NOW)).is_whole


async def test_the_place_is_noted_only_while_it_runs_and_one_takes_the_place_of_the_last(database, backfills):
    one = Backfill(HOME, BackfillState.RUNNING, 7, OLD, HOUR, changed=int(NOW))
    await backfills.begin(one)
    await backfills.mark(HOME, BackfillState.PAUSED, NOW + 1)
    async with database.write() as connection:
        assert not await note_place(connection, Backfill(HOME, BackfillState.RUNNING, 7, OLD, HOUR, GENERAL, RECENT))
    assert (await backfills.of(HOME)).channel_id is None
    await backfills.mark(HOME, BackfillState.RUNNING, NOW + 2)
    await backfills.place(Backfill(HOME, BackfillState.RUNNING, 7, OLD, HOUR, GENERAL, RECENT, 12))
    (found,) = await backfills.running()
    assert (found.channel_id, found.hour, found.messages) == (GENERAL, RECENT, 12)
    await backfills.mark(HOME, BackfillState.STOPPED, NOW + 3)
    await backfills.mark(HOME, BackfillState.RUNNING, NOW + 4)
    assert (await backfills.of(HOME)).state is BackfillState.STOPPED
    await backfills.begin(one)
    assert await backfills.of(HOME) == one


async def test_it_goes_with_its_server_and_what_was_filled_in_with_its_channel(database, buffer, backfills):
    await backfills.begin(Backfill(HOME, BackfillState.RUNNING, 7, OLD, HOUR))
    await fill(buffer, backfills, window(OLD, OLD + 5), [])
    buffer.channel_gone(GENERAL)
    await buffer.flush()
    assert await count(database, FilledRow) == 0
    assert await count(database, BackfillRow) == 1
    buffer.guild_gone(HOME)
    await buffer.flush()
    assert await count(database, BackfillRow) == 0


def test_a_gap_falls_into_what_is_left_of_it():
    gap = Gap(HOME, 0, 10 * 3600, cause=GapCause.OFF)
    left = without((gap,), {GENERAL: [(2, 4)]}, (GENERAL,))
    assert [(one.started, one.ended) for one in left] == [(0, 2 * 3600), (4 * 3600, 10 * 3600)]
    assert without((gap,), {GENERAL: [(2, 4)]}, None) == (gap,)


async def test_a_server_and_a_channel_of_which_only_this_is_held_are_known(database, buffer, backfills):
    """So that they can be compared with what is there, and go with it."""
    await backfills.begin(Backfill(AWAY, BackfillState.DONE, 7, OLD, HOUR))
    await fill(buffer, backfills, window(RECENT, RECENT + 24), [])
    assert set(await backfills.filled(HOME, RECENT, HOUR)) == {GENERAL}
    async with database.read() as connection:
        assert await guilds_known(connection) == {HOME, AWAY}
        assert await known_among(connection, {HOME, AWAY, 999}, {GENERAL, RANDOM}) == ([HOME, AWAY], [GENERAL])
    assert (await places_of(database, HOME)).channels == {GENERAL}
