"""With a new key nobody is counted as two people in anything that is told."""

import pytest

from bot.storage.key_change import notice_new_key
from bot.storage.mood_repository import MoodRepository
from bot.storage.pseudonyms import HashKey, Pseudonyms
from bot.storage.schema import HourAuthorRow, HourRow, LateChangeRow, ToldDayRow, ToldHourRow
from tests.bot.storage.scenes import GENERAL, HOME, HOUR, KEY, message_id, publish, rows_of, verdict

FORMER = Pseudonyms([HashKey(KEY)])
TODAYS = Pseudonyms([HashKey("the key that took its place"), HashKey(KEY)])


def write(buffer, pseudonyms, people, hour=HOUR, first=0, score=0.5):
    """Each of these people writes, or edits, the message of that number."""
    for number in people:
        message = message_id(first + number, hour)
        edited = 0 if score > 0 else HOUR * 3_600_000
        buffer.scored(message, HOME, GENERAL, pseudonyms.author(number), verdict(score), edited=edited)


async def told(database):
    return [(row["hour"], row["authors"]) for row in await rows_of(database, ToldHourRow)]


@pytest.fixture
async def started(database):
    """The database has been opened under the former key."""
    assert not await notice_new_key(database, FORMER)
    assert not await notice_new_key(database, FORMER)


async def test_three_people_of_two_keys_do_not_pass_for_five(database, buffer, started):
    """Neither in an hour, nor in the sum of a day, nor when it is looked whether a channel is worse than usual."""
    write(buffer, FORMER, range(3))
    write(buffer, FORMER, range(3), HOUR - 1)
    await buffer.flush()
    assert await notice_new_key(database, TODAYS)
    write(buffer, TODAYS, range(3), first=10)
    write(buffer, TODAYS, range(3), HOUR + 1)
    await buffer.flush()
    assert len(await rows_of(database, HourAuthorRow)) == 12
    assert await MoodRepository(database).hours_to_judge(HOUR - 9, HOUR + 9, [HOME]) == ()
    await publish(database, HOUR + 50)
    assert await told(database) == [(HOUR - 1, 0), (HOUR, 0), (HOUR + 1, 0)]
    assert all(row["authors"] == 0 for row in await rows_of(database, ToldDayRow))


async def test_nor_for_five_whose_messages_have_changed(database, buffer, started):
    """What is told of an hour of before stays as it is."""
    write(buffer, FORMER, range(6))
    await buffer.flush()
    await publish(database)
    write(buffer, FORMER, range(3), score=-0.5)
    await buffer.flush()
    assert len(await rows_of(database, LateChangeRow)) == 3
    before = [{**row, "version": 0} for row in await rows_of(database, ToldHourRow)]
    await notice_new_key(database, TODAYS)
    write(buffer, TODAYS, range(3), first=10)
    await buffer.flush()
    await publish(database)
    assert [{**row, "version": 0} for row in await rows_of(database, ToldHourRow)] == before
    assert await rows_of(database, LateChangeRow) == []
    assert [row["told"] for row in await rows_of(database, HourRow)] == [True]


async def test_hours_after_the_change_are_told_and_the_same_key_changes_nothing(database, buffer, started):
    write(buffer, FORMER, range(6), HOUR - 1)
    await buffer.flush()
    assert not await notice_new_key(database, FORMER)
    await publish(database, HOUR)
    assert await notice_new_key(database, TODAYS)
    assert not await notice_new_key(database, TODAYS)
    write(buffer, TODAYS, range(6))
    await buffer.flush()
    await publish(database)
    assert [hour for hour, authors in await told(database) if authors] == [HOUR - 1, HOUR]
