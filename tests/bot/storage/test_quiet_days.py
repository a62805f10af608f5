"""Days of a quiet channel: what is told of hidden hours, and what never is."""

from collections import Counter
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from bot.domain.local_days import day_of
from bot.domain.records import FEWEST_AUTHORS, GuildSettings
from bot.storage.mood_repository import MoodRepository
from bot.storage.publication import Publication
from bot.storage.quiet_days import tell_days
from bot.storage.retention import purge
from bot.storage.schema import HourAuthorRow, HourRow, ToldDayRow
from tests.bot.storage.scenes import CALM, GENERAL, HOME, HOUR, author, message_id, publish, rows_of, say

MIDNIGHT = HOUR // 24 * 24 - 24
END = MIDNIGHT + 24


def write(buffer, hours, first=0):
    """One message for each person named of each hour: {3: [1, 2]} is two people at three o'clock."""
    number = first
    for hour, people in hours.items():
        for person in people:
            number += 1
            say(buffer, number, person, 0.5, hour=MIDNIGHT + hour)


async def told(moods):
    return [
        (day.hour - MIDNIGHT, day.messages, day.mean, day.authors)
        for day in await moods.quiet_days(HOME, GENERAL, MIDNIGHT - 48, END + 48)
    ]


async def test_five_people_over_the_day_are_told_as_one_sum(moods, buffer, database):
    write(buffer, {3: [1, 2, 3], 9: [1, 4], 20: [5]})
    await buffer.flush()
    await publish(database, END)
    assert (await moods.mood(HOME, GENERAL, MIDNIGHT, END)).hours == ()
    assert await told(moods) == [(0, 5, 0.5, 5)]


async def test_the_same_four_people_all_day_are_not_told(moods, buffer, database):
    write(buffer, {hour: [1, 2, 3, 4] for hour in range(24)})
    await buffer.flush()
    await publish(database, END)
    assert await told(moods) == []


async def test_people_of_told_hours_do_not_count_for_the_hidden_ones(moods, buffer, database):
    write(buffer, {3: [1, 2, 3, 4, 5], 9: [6, 7]})
    await buffer.flush()
    await publish(database, END)
    assert len((await moods.mood(HOME, GENERAL, MIDNIGHT, END)).hours) == 1
    assert await told(moods) == []


async def test_a_day_that_is_not_over_is_not_told(moods, buffer, database):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    await publish(database, END - 1)
    assert await told(moods) == []
    await publish(database, END)
    assert await told(moods) == [(0, 5, 0.5, 5)]


async def test_what_is_told_of_a_day_never_changes(moods, buffer, database):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    await publish(database, END)
    before = await rows_of(database, ToldDayRow)
    buffer.deleted([message_id(number, MIDNIGHT + 3) for number in range(1, 4)])
    write(buffer, {3: [6, 7, 8, 9, 10, 11], 9: [6], 15: [6, 7]}, first=100)
    await buffer.flush()
    await publish(database, END)
    await buffer.forget([author(number) for number in range(1, 6)], message_id(99))
    await publish(database, END + 24)
    assert await rows_of(database, ToldDayRow) == before
    assert (await moods.mood(HOME, GENERAL, MIDNIGHT, END)).hours == ()


async def test_a_day_of_too_few_people_is_not_told_later_when_more_have_come(moods, buffer, database):
    write(buffer, {3: [1, 2, 3]})
    await buffer.flush()
    await publish(database, END)
    write(buffer, {3: [4, 5, 6], 4: [7, 8, 9]}, first=10)
    await buffer.flush()
    await publish(database, END + 24)
    assert await told(moods) == []


async def test_in_another_time_zone_no_hour_is_told_in_a_second_day(moods, guilds, buffer, database):
    """Otherwise the difference of two days would be the hours by which they are apart."""
    write(buffer, {3: [1, 2, 3], 9: [4, 5], 27: [1, 2, 3, 4], 32: [5]})
    await buffer.flush()
    await publish(database, END)
    await guilds.set_settings(GuildSettings(HOME, "Asia/Tokyo"))
    await publish(database, END + 24)
    assert await told(moods) == [(0, 5, 0.5, 5)]
    decided = sorted((row["first_hour"], row["end_hour"]) for row in await rows_of(database, ToldDayRow))
    assert all(end <= first for (_, end), (first, _) in pairwise(decided))


async def test_an_hour_that_was_told_and_is_hidden_now_is_in_no_day(moods, buffer, database):
    write(buffer, {3: range(1, 7), 9: range(10, 15)})
    buffer.deleted([message_id(number, MIDNIGHT + 9) for number in range(7, 8)])
    await buffer.flush()
    await publish(database, MIDNIGHT + 12)
    assert len((await moods.mood(HOME, GENERAL, MIDNIGHT, END)).hours) == 1
    buffer.deleted([message_id(number, MIDNIGHT + 3) for number in range(1, 6)])
    await buffer.flush()
    write(buffer, {15: [20]}, first=50)
    await buffer.flush()
    await publish(database, END)
    assert (await moods.mood(HOME, GENERAL, MIDNIGHT, END)).hours == ()
    assert await told(moods) == [(0, 5, 0.5, 5)]  # of the four at nine and the one at three in the afternoon


async def test_what_is_told_of_a_day_stays_after_the_retention_time(moods, buffer, database):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    await publish(database, END)
    await purge(database, 1, now=(END + 48) * 3600)
    assert await rows_of(database, HourRow) == await rows_of(database, HourAuthorRow) == []
    assert await told(moods) == [(0, 5, 0.5, 5)]


async def test_somebody_who_is_forgotten_before_the_day_is_over_does_not_count(moods, buffer, database):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    await buffer.forget([author(5)], message_id(99))
    await publish(database, END)
    assert await told(moods) == []


async def test_another_server_is_told_nothing(moods, buffer, database):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    await publish(database, END)
    assert await moods.quiet_days(HOME + 1, GENERAL, MIDNIGHT, END) == ()


async def test_only_days_that_lie_in_the_range_are_told(moods, buffer, database):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    await publish(database, END)
    for first, end, days in ((MIDNIGHT, END, 1), (MIDNIGHT + 1, END, 0), (MIDNIGHT, END - 1, 0)):
        assert len(await moods.quiet_days(HOME, GENERAL, first, end)) == days


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Auckland"])
def test_every_hour_is_in_one_local_day(zone):
    days = Counter(day_of(hour, ZoneInfo(zone)) for hour in range(MIDNIGHT, MIDNIGHT + 370 * 24))
    whole = sorted(days)[1:-1]
    assert all(days[first, end] == end - first in (23, 24, 25) for first, end in whole)
    assert all(end == first for (_, end), (first, _) in pairwise(whole))


async def test_days_are_told_when_the_servers_own_day_is_over(moods, guilds, buffer, database):
    await guilds.set_settings(GuildSettings(HOME, "Asia/Tokyo"))  # midnight is at 15:00 UTC
    write(buffer, {-5: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    publication = Publication(database, CALM)
    for hour in range(10, 15):
        await publication.publish((MIDNIGHT + hour) * 3600 + 120)
        assert await told(moods) == []
    await publication.publish((MIDNIGHT + 15) * 3600 + 119)
    assert await told(moods) == []
    await publication.publish((MIDNIGHT + 15) * 3600 + 120)
    assert await told(moods) == [(-9, 5, 0.5, 5)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(1, 9), max_size=6), min_size=48, max_size=48))
async def test_whatever_is_told_of_two_days_nothing_of_fewer_than_five_people_remains(fresh, people):
    """Everything that can be asked is a sum of hours told and of whole days' rests; each rest is of five or more."""
    database = await fresh()
    rows = [
        {"channel_id": GENERAL, "hour": MIDNIGHT + hour, "guild_id": HOME, "negative": 0, "positive": 0}
        | {"neutral": 5 * len(who), "score_sum": 0, "score_square_sum": 0, "authors": len(who), "writers": len(who)}
        for hour, who in enumerate(people)
        if who
    ]
    names = [
        {"channel_id": GENERAL, "hour": MIDNIGHT + hour, "author": author(one), "messages": 5}
        for hour, who in enumerate(people)
        for one in sorted(who)
    ]
    async with database.write() as connection:
        if rows:
            await connection.execute(insert(HourRow), rows)
            await connection.execute(insert(HourAuthorRow), names)
    await publish(database, END + 24)
    found = await MoodRepository(database).quiet_days(HOME, GENERAL, MIDNIGHT, END + 24)
    for first in (MIDNIGHT, END):
        hours = enumerate(people, MIDNIGHT)
        hidden = [who for hour, who in hours if first <= hour < first + 24 and len(who) < FEWEST_AUTHORS]
        distinct = set().union(*hidden)
        rest = [one for one in found if one.hour == first]
        if len(distinct) < FEWEST_AUTHORS:
            assert rest == []
        else:
            assert [(one.messages, one.authors) for one in rest] == [(5 * sum(map(len, hidden)), 5)]


async def test_telling_days_twice_tells_nothing_twice(buffer, database):
    write(buffer, {3: [1, 2, 3], 9: [4, 5]})
    await buffer.flush()
    await publish(database, END)
    async with database.write() as connection:
        await tell_days(connection, [HOME, HOME], END, CALM)
    assert len(await rows_of(database, ToldDayRow)) == 1
