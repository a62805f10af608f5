import pytest

from bot.storage.database import Database
from bot.storage.errors import DatabaseUnavailable
from bot.storage.opt_outs import OptOuts
from bot.storage.people_repository import read_opt_out
from bot.storage.pseudonyms import HashKey, Pseudonyms
from bot.storage.schema import OptOutRow
from tests.bot.storage.scenes import KEY, NOW, rows_of

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
