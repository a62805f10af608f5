"""With a new key nobody is counted as two people in anything that is told."""

import asyncio

import pytest

from bot.storage.errors import BadHashKey
from bot.storage.key_change import notice_new_key, require_known_key
from bot.storage.pseudonyms import HashKey, Pseudonyms
from bot.storage.schema import BookkeepingRow, HourAuthorRow, HourRow, LateChangeRow, ToldDayRow, ToldHourRow
from tests.bot.storage.scenes import GENERAL, HOME, HOUR, KEY, exact_hours, message_id, publish, rows_of, verdict

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
    assert await exact_hours(database, HOUR - 9, HOUR + 9, [HOME]) == ()
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


ANOTHERS = Pseudonyms([HashKey("a key that another process has made")])


async def test_a_postgresql_of_another_key_is_refused_and_nothing_changes(database, buffer, started):
    """A file's key lies beside the file: whoever has lost it begins anew."""
    write(buffer, FORMER, range(6))
    await buffer.flush()
    before = [await rows_of(database, row) for row in (BookkeepingRow, HourRow)]
    await require_known_key(database, FORMER)
    await require_known_key(database, TODAYS)
    if database.dialect == "sqlite":
        await require_known_key(database, ANOTHERS)
        return
    for refuse in (require_known_key, notice_new_key):
        with pytest.raises(BadHashKey, match=r"HASH_KEY_FILE to the key of before; .* rotate-key --lost"):
            await refuse(database, ANOTHERS)
    assert [await rows_of(database, row) for row in (BookkeepingRow, HourRow)] == before
    assert await notice_new_key(database, ANOTHERS, is_lost=True)
    await require_known_key(database, ANOTHERS)
    with pytest.raises(BadHashKey):
        await require_known_key(database, FORMER)
    assert [row["told"] for row in await rows_of(database, HourRow)] == [True], "nobody is counted as two people"


async def test_of_two_first_starts_at_once_with_two_keys_one_is_refused(database):
    if database.dialect == "sqlite":
        return
    both = await asyncio.gather(*(notice_new_key(database, one) for one in (FORMER, ANOTHERS)), return_exceptions=True)
    assert both.count(False) == 1
    assert sum(isinstance(one, BadHashKey) for one in both) == 1


async def test_a_new_key_waits_until_every_process_with_the_former_one_has_ended(database, started):
    """Or one would keep somebody's messages under one hash, and another under the other."""
    if database.dialect == "sqlite":
        return
    values = "('one', 0, 2, 2, 'here', '1', 0, (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    async with database.write() as connection:
        await connection.exec_driver_sql(f"INSERT INTO processes VALUES {values})")
    assert not await notice_new_key(database, FORMER)
    with pytest.raises(BadHashKey, match="Stop all of them, wait a minute"):
        await notice_new_key(database, TODAYS)
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE processes SET heartbeat = heartbeat - 61000")
    assert await notice_new_key(database, TODAYS)
