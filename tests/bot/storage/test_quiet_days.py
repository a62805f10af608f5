"""Days of a quiet channel: what is told of hidden hours, and what never is."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.records import FEWEST_AUTHORS, AdminAction, Audited, HourMood
from bot.storage.database import Database
from bot.storage.mood_repository import MoodRepository
from bot.storage.retention import purge
from bot.storage.schema import HourAuthorRow, HourRow
from tests.bot.storage.scenes import GENERAL, HOME, HOUR, author, message_id, rows_of, say

MIDNIGHT = HOUR // 24 * 24 - 24
DAY = (MIDNIGHT, MIDNIGHT + 24)
NEXT = MIDNIGHT + 48
"""An hour in which the day is over."""


def write(buffer, hours):
    """One message for each person named of each hour: {3: [1, 2]} is two people at three o'clock."""
    number = 0
    for hour, people in hours.items():
        for person in people:
            number += 1
            say(buffer, number, person, 0.5, hour=MIDNIGHT + hour)


async def told(moods, now=NEXT, days=(DAY,)):
    return await moods.quiet_days(HOME, GENERAL, days, now * 3600.0)


async def test_five_people_over_the_day_are_told_as_one_sum(moods, buffer):
    write(buffer, {3: [1, 2, 3], 9: [1, 4], 20: [5]})
    await buffer.flush()
    assert (await moods.mood(HOME, GENERAL, *DAY)).hours == ()
    assert await told(moods) == (HourMood(MIDNIGHT, 0, 0, 6, 3000, 1_500_000, 5),)


async def test_the_same_four_people_all_day_are_not_told(moods, buffer):
    write(buffer, {hour: [1, 2, 3, 4] for hour in range(24)})
    await buffer.flush()
    assert await told(moods) == ()


async def test_people_of_told_hours_do_not_count_for_the_hidden_ones(moods, buffer):
    write(buffer, {3: [1, 2, 3, 4, 5], 9: [6, 7]})
    await buffer.flush()
    assert len((await moods.mood(HOME, GENERAL, *DAY)).hours) == 1
    assert await told(moods) == ()


async def test_a_day_that_is_not_over_is_not_told(moods, buffer):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    assert await told(moods, now=MIDNIGHT + 24) == ()
    assert await told(moods, now=MIDNIGHT + 25) != ()


async def test_after_a_change_of_settings_a_day_that_had_begun_is_not_told(guilds, moods, buffer):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    await guilds.add_audit(Audited(HOME, MIDNIGHT * 3600 - 1, author(1), AdminAction.SETTINGS))
    assert await told(moods) != ()
    await guilds.add_audit(Audited(HOME, MIDNIGHT * 3600, author(1), AdminAction.SETTINGS))
    assert await told(moods) == ()


async def test_after_the_retention_time_hidden_hours_stay_hidden(moods, buffer, database):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    await purge(database, 1, now=(NEXT + 24) * 3600)
    assert len(await rows_of(database, HourRow)) == 2
    assert await rows_of(database, HourAuthorRow) == []
    assert await told(moods) == ()


async def test_somebody_who_is_forgotten_no_longer_counts(moods, buffer):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    await buffer.forget([author(5)], message_id(99))
    assert await told(moods) == ()


async def test_another_server_is_told_nothing(moods, buffer):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    assert await moods.quiet_days(HOME + 1, GENERAL, (DAY,), NEXT * 3600.0) == ()


@pytest.fixture
async def fresh(tmp_path):
    opened = []

    async def fresh():
        database = await Database.open(tmp_path / str(len(opened)))
        opened.append(database)
        return database

    yield fresh
    for database in opened:
        await database.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(1, 9), max_size=6), min_size=48, max_size=48))
async def test_whatever_is_told_of_two_days_nothing_of_fewer_than_five_people_remains(fresh, people):
    """Everything that can be asked is a sum of hours told and of whole days' rests; each rest is of five or more."""
    from sqlalchemy import insert

    database = await fresh()
    rows = [
        {"channel_id": GENERAL, "hour": MIDNIGHT + hour, "guild_id": HOME, "negative": 0, "positive": 0}
        | {"neutral": len(who), "score_sum": 0, "score_square_sum": 0, "authors": len(who), "writers": len(who)}
        for hour, who in enumerate(people)
        if who
    ]
    names = [
        {"channel_id": GENERAL, "hour": MIDNIGHT + hour, "author": author(one), "messages": 1}
        for hour, who in enumerate(people)
        for one in sorted(who)
    ]
    async with database.write() as connection:
        if rows:
            await connection.execute(insert(HourRow), rows)
            await connection.execute(insert(HourAuthorRow), names)
    days = tuple(pairwise((MIDNIGHT, MIDNIGHT + 24, MIDNIGHT + 48)))
    found = await MoodRepository(database).quiet_days(HOME, GENERAL, days, (MIDNIGHT + 60) * 3600.0)
    for first, end in days:
        hidden = [who for hour, who in enumerate(people, MIDNIGHT) if first <= hour < end and len(who) < FEWEST_AUTHORS]
        distinct = set().union(*hidden)
        rest = [one for one in found if one.hour == first]
        if len(distinct) < FEWEST_AUTHORS:
            assert rest == []
        else:
            assert [(one.messages, one.authors) for one in rest] == [(sum(map(len, hidden)), len(distinct))]
