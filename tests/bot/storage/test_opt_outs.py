import pytest
from sqlalchemy import delete, insert, update

from bot.domain.snowflake import first_id_at
from bot.storage.database import Database
from bot.storage.erasures import Erasures
from bot.storage.errors import DatabaseUnavailable
from bot.storage.opt_outs import OptOuts
from bot.storage.people_repository import read_opt_out
from bot.storage.pseudonyms import HashKey, Pseudonyms, in_server
from bot.storage.schema import BookkeepingRow, MessageScoreRow, OptOutRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import KEY, NOW, rows_of, verdict

NEW_KEY = "the key that took its place"


async def test_who_opted_out_is_known_at_once_and_after_a_restart(database, pseudonyms, opt_outs):
    await opt_outs.add(42)
    again = OptOuts(database, pseudonyms)
    assert (opt_outs.includes(42), opt_outs.includes(43), again.includes(42)) == (True, False, False)
    await again.load()
    assert again.includes(42)
    assert pseudonyms.author(42) in again
    assert len(again) == 1


async def test_opting_out_twice_keeps_the_first_time(database, pseudonyms, opt_outs):
    await opt_outs.add(42)
    await OptOuts(database, pseudonyms, lambda: NOW + 99).add(42)
    async with database.read() as connection:
        assert await read_opt_out(connection, pseudonyms.authors(42)) == NOW
        assert await read_opt_out(connection, pseudonyms.authors(43)) is None


async def test_opting_in_leaves_nothing(database, opt_outs):
    await opt_outs.add(42)
    await opt_outs.remove(42)
    await opt_outs.remove(43)
    assert not opt_outs.includes(42)
    assert await rows_of(database, OptOutRow) == []


async def test_an_opt_out_is_carried_over_to_a_new_key_when_the_person_is_seen(database, opt_outs):
    await opt_outs.add(42)
    both = OptOuts(database, Pseudonyms([HashKey(NEW_KEY), HashKey(KEY)]))
    await both.load()
    assert both.includes(42)
    assert await both.carry_over() == 1
    assert await both.carry_over() == 0
    later = OptOuts(database, Pseudonyms([HashKey(NEW_KEY)]))
    await later.load()
    assert later.includes(42)
    assert [row["since"] for row in await rows_of(database, OptOutRow)] == [NOW, NOW]


async def test_opting_in_after_a_new_key_removes_both(database, opt_outs):
    await opt_outs.add(42)
    both = OptOuts(database, Pseudonyms([HashKey(NEW_KEY), HashKey(KEY)]))
    await both.load()
    assert both.includes(42)
    await both.remove(42)
    assert await both.carry_over() == 0
    assert await rows_of(database, OptOutRow) == []


async def test_without_the_database_people_are_out_at_once_and_in_only_when_it_is_written(folder, pseudonyms):
    database = await Database.open(folder, busy_seconds=0.01)
    opt_outs = OptOuts(database, pseudonyms)
    await opt_outs.add(1)
    other = await _held_by_another(folder)
    with pytest.raises(DatabaseUnavailable):
        await opt_outs.add(2)
    with pytest.raises(DatabaseUnavailable):
        await opt_outs.remove(1)
    assert opt_outs.includes(1)
    assert opt_outs.includes(2)
    other.close()
    await database.close()


async def _held_by_another(folder):
    import sqlite3

    other = sqlite3.connect(folder / "mood.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


# ---- of one server alone

HERE, THERE = 1000, 2000


async def test_who_opts_out_of_one_server_is_read_in_the_others(database, pseudonyms, opt_outs):
    await opt_outs.add(42, HERE)
    assert opt_outs.includes(42, HERE)
    assert not opt_outs.includes(42, THERE)
    assert not opt_outs.includes(42)
    assert not opt_outs.includes(43, HERE)
    again = OptOuts(database, pseudonyms)
    await again.load()
    assert again.includes(42, HERE)
    assert (opt_outs.is_out(42, HERE), opt_outs.is_out(42)) == (True, False)


async def test_what_is_kept_says_neither_who_nor_where(database, pseudonyms, opt_outs):
    await opt_outs.add(42, HERE)
    ((kept, _),) = [tuple(row.values()) for row in await rows_of(database, OptOutRow)]
    assert kept not in pseudonyms.authors(42)
    assert len({kept, in_server(pseudonyms.author(42), THERE), in_server(pseudonyms.author(43), HERE)}) == 3


async def test_opting_in_takes_back_just_what_was_said(database, opt_outs):
    await opt_outs.add(42)
    await opt_outs.add(42, HERE)
    await opt_outs.remove(42)
    assert (opt_outs.includes(42), opt_outs.includes(42, HERE)) == (False, True)
    await opt_outs.remove(42, guild_id=HERE)
    assert not opt_outs.includes(42, HERE)
    assert await rows_of(database, OptOutRow) == []


async def test_what_was_written_while_out_of_a_server_is_not_read_later(opt_outs):
    await opt_outs.add(42, HERE)
    await opt_outs.remove(42, first_id_at(NOW + 10), HERE)
    before, after = first_id_at(NOW + 5), first_id_at(NOW + 15)
    assert opt_outs.was_out(42, before, HERE)
    assert not opt_outs.was_out(42, after, HERE)
    assert not opt_outs.was_out(42, before, THERE)


async def test_an_opt_out_of_a_server_is_carried_over_to_a_new_key(database, opt_outs):
    await opt_outs.add(42, HERE)
    both = OptOuts(database, Pseudonyms([HashKey(NEW_KEY), HashKey(KEY)]))
    await both.load()
    assert both.includes(42, HERE)
    assert await both.carry_over() == 1
    later = OptOuts(database, Pseudonyms([HashKey(NEW_KEY)]))
    await later.load()
    assert later.includes(42, HERE)
    assert not later.includes(42, THERE)


async def test_a_backup_that_is_put_back_does_not_undo_an_opt_out_of_a_server(database, pseudonyms, tmp_path):
    erasures = await Erasures.open(database, tmp_path, pseudonyms)
    await OptOuts(database, pseudonyms, erasures=erasures).add(42, HERE)
    async with database.write() as connection:  # as a copy from before has it
        await connection.execute(delete(OptOutRow))
        await connection.execute(update(BookkeepingRow).values(erasures=0))
    again = OptOuts(database, pseudonyms, erasures=await Erasures.open(database, tmp_path, pseudonyms))
    await again.load()
    assert again.includes(42, HERE)
    assert not again.includes(42)


async def test_a_backup_that_is_put_back_brings_nothing_back_of_that_server(database, pseudonyms, tmp_path):
    erasures = await Erasures.open(database, tmp_path, pseudonyms, lambda: NOW)
    me, row = pseudonyms.author(42), {"channel_id": 1, "hour": NOW // 3600, "edited": 0, "score": 1, "sentiment": 2}
    rows = [
        row | {"message_id": first_id_at(NOW - 5) + number, "guild_id": guild, "author": who, "model": "m"}
        for number, (guild, who) in enumerate([(HERE, me), (THERE, me), (HERE, pseudonyms.author(43))])
    ]
    await WriteBuffer(database, erasures=erasures, clock=lambda: NOW).forget_in([me], HERE)
    async with database.write() as connection:  # as a copy from before has it
        await connection.execute(insert(MessageScoreRow), rows)
        await connection.execute(update(BookkeepingRow).values(erasures=0))
    again = await Erasures.open(database, tmp_path, pseudonyms, lambda: NOW)
    assert again.done_again == "deletions by people in one server: 1"
    assert [one["message_id"] for one in await rows_of(database, MessageScoreRow)] == [
        one["message_id"] for one in rows[1:]
    ]


async def test_the_buffer_takes_nothing_of_somebody_from_a_server_they_opted_out_of(database, pseudonyms, opt_outs):
    await opt_outs.add(42, HERE)
    buffer = WriteBuffer(database, opt_outs, clock=lambda: NOW)
    kept = [
        buffer.scored(first_id_at(NOW) + number, guild, guild + 1, pseudonyms.author(42), verdict(0.5))
        for number, guild in enumerate((HERE, THERE))
    ]
    assert kept == [False, True]
