"""Whose gaps are whose, also of servers that nobody had heard of."""

import pytest

from bot.domain.records import Absence, Gap, GapCause
from bot.storage.gap_repository import GapRepository
from bot.storage.mood_repository import MoodRepository
from bot.storage.schema import GapRow
from tests.bot.storage.scenes import GENERAL, RANDOM, THREAD, message_id, rows_of, say

HOUR, HOME = 3600, 5 << 22
NOON = 500_000 * HOUR
EVERYTHING = Absence(GapCause.OFF)
ITS_SHARD = Absence(GapCause.CONNECTION, shard=(HOME >> 22) % 4, shards=4)
OTHER_SHARD = Absence(GapCause.CONNECTION, shard=((HOME >> 22) + 1) % 4, shards=4)
SERVER = Absence(GapCause.OUTAGE, HOME)
OTHER_SERVER = Absence(GapCause.OUTAGE, HOME + 1)
CHANNEL, OTHER_CHANNEL = (Absence(GapCause.HIDDEN, HOME, channel) for channel in (7, 8))
ALL = (EVERYTHING, ITS_SHARD, OTHER_SHARD, SERVER, OTHER_SERVER, CHANNEL, OTHER_CHANNEL)


@pytest.fixture
def gaps(database):
    return GapRepository(database)


async def test_a_channel_has_its_own_gaps_its_servers_its_shards_and_those_of_all(database, gaps):
    for absence in ALL:
        await gaps.add(absence, NOON, NOON + 60)
    mood = await MoodRepository(database).mood(HOME, 7, 500_000, 500_000)
    wanted = {Gap.of(absence, NOON, NOON + 60) for absence in (EVERYTHING, ITS_SHARD, SERVER, CHANNEL)}
    assert set(mood.gaps) == wanted
    assert mood.partly == ()


async def test_a_server_has_all_but_those_of_channels_which_are_told_apart(database, gaps):
    for absence in ALL:
        await gaps.add(absence, NOON, NOON + 60)
    moods = MoodRepository(database)
    mood = await moods.guild_mood(HOME, 500_000, 500_000)
    assert set(mood.gaps) == {Gap.of(absence, NOON, NOON + 60) for absence in (EVERYTHING, ITS_SHARD, SERVER)}
    assert {gap.channel_id for gap in mood.partly} == {7, 8}
    assert {gap.channel_id for gap in (await moods.guild_mood(HOME, 500_000, 500_000, [8])).partly} == {8}


def test_an_absence_knows_whom_it_concerns_as_the_database_does():
    concerned = {absence for absence in ALL if absence.concerns(HOME)}
    assert concerned == {EVERYTHING, ITS_SHARD, SERVER, CHANNEL, OTHER_CHANNEL}


async def test_a_gap_that_lasts_is_told_up_to_the_end_of_what_is_asked_for(database, gaps):
    number = await gaps.begin(SERVER, NOON + 60)
    moods = MoodRepository(database)
    (gap,) = (await moods.mood(HOME, 7, 500_000, 500_002)).gaps
    assert (gap.started, gap.ended) == (NOON + 60, NOON + 3 * HOUR)
    assert list(await gaps.unfinished()) == [SERVER]
    await gaps.end(number, NOON + 120)
    (gap,) = (await moods.mood(HOME, 7, 500_000, 500_002)).gaps
    assert (gap.started, gap.ended) == (NOON + 60, NOON + 120)
    assert await gaps.unfinished() == {}


async def test_a_gap_that_would_end_before_it_began_is_none(database, gaps):
    assert await gaps.add(SERVER, NOON, NOON) is None
    await gaps.end(await gaps.begin(SERVER, NOON), NOON - 60)
    assert await rows_of(database, GapRow) == []


async def test_what_is_left_of_a_gap_takes_its_place_and_is_not_looked_at_again(database, gaps):
    number = await gaps.add(EVERYTHING, NOON, NOON + HOUR)
    assert [one.number for one in await gaps.to_catch_up(NOON, [GapCause.OFF], 2)] == [number]
    await gaps.replace(number, [Gap.of(CHANNEL, NOON + 60, NOON + HOUR), Gap.of(SERVER, NOON, NOON)])
    ((left, started),) = [(row["channel_id"], row["started"]) for row in await rows_of(database, GapRow)]
    assert (left, started) == (7, NOON + 60)
    assert await gaps.to_catch_up(NOON, list(GapCause), 2) == []


async def test_a_gap_is_looked_at_so_often(gaps):
    number = await gaps.add(EVERYTHING, NOON, NOON + HOUR)
    for left in (1, 1, 0):
        assert len(await gaps.to_catch_up(NOON, [GapCause.OFF], 2)) == left
        await gaps.looked(number)


async def test_the_newest_gaps_of_a_server_come_first_and_what_lasts_before_them(gaps):
    await gaps.add(EVERYTHING, NOON, NOON + 60)
    await gaps.add(CHANNEL, NOON + 100, NOON + 160)
    await gaps.begin(SERVER, NOON - 1000)
    await gaps.add(OTHER_SERVER, NOON, NOON + 60)
    assert [one.absence for one in await gaps.lately(HOME, NOON, 5)] == [SERVER, CHANNEL, EVERYTHING]
    assert [one.absence for one in await gaps.lately(HOME, NOON + 100, 1)] == [SERVER]


async def test_old_gaps_go_when_they_were_short(database, gaps):
    for started, ended in ((0, 599), (0, 600), (NOON, NOON + 1)):
        await gaps.add(EVERYTHING, started, ended)
    await gaps.begin(SERVER, 0)
    assert await gaps.trim(NOON, 600) == 1
    assert [(row["started"], row["ended"]) for row in await rows_of(database, GapRow)] == [
        (0, 600),
        (NOON, NOON + 1),
        (0, None),
    ]


async def test_the_messages_that_are_held_of_a_place_are_those_written_in_it(database, buffer, gaps):
    for number, thread in ((1, None), (2, None), (3, THREAD), (4, None)):
        say(buffer, number, thread_id=thread)
    say(buffer, 5, channel=RANDOM)
    await buffer.flush()
    first, last = message_id(2), message_id(9)
    assert await gaps.held_messages(GENERAL, None, first, last) == {message_id(2), message_id(4)}
    assert await gaps.held_messages(GENERAL, THREAD, first, last) == {message_id(3)}
    assert await gaps.held_messages(GENERAL, None, first, message_id(3)) == {message_id(2)}
