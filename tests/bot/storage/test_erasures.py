"""What people decided and what was deleted holds after a kill, a failure of the database, and an old copy of it."""

import asyncio
import time
from dataclasses import replace

import pytest
from sqlalchemy import delete, insert, text

from bot.domain.records import AdminAction, Audited, GuildSettings, Mode, Rule, Tag, TargetKind
from bot.storage.database import Database
from bot.storage.erasure_log import FILE, KEPT_DAYS, Kind
from bot.storage.erasures import ERASERS, Erasures
from bot.storage.errors import DatabaseUnavailable, ErasureWaits
from bot.storage.guild_repository import GuildRepository
from bot.storage.opt_outs import OptOuts
from bot.storage.pseudonyms import HashKey, Pseudonyms
from bot.storage.schema import AuditRow, BookkeepingRow, ChannelRuleRow, HourRow, MessageScoreRow, OptOutRow, TagRow
from bot.storage.tag_repository import TagRepository
from bot.storage.upsert import table_of
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import (
    AWAY,
    GENERAL,
    HOME,
    KEY,
    NOW,
    RANDOM,
    THREAD,
    assert_sums_are_right,
    message_id,
    rows_of,
    verdict,
)

KEEPERS = Pseudonyms([HashKey(KEY)])
ALICE, BOB = 42, 43


async def start(database, folder, pseudonyms=KEEPERS):
    """What a process begins with: the log's part, the opt-outs and the buffer."""
    folder.mkdir(parents=True, exist_ok=True)
    erasures = await Erasures.open(database, folder, pseudonyms)
    opt_outs = OptOuts(database, pseudonyms, lambda: NOW, erasures)
    await opt_outs.load()
    return erasures, opt_outs, WriteBuffer(database, opt_outs, clock=lambda: NOW, erasures=erasures)


def write(buffer, number, user=ALICE, pseudonyms=KEEPERS, **more):
    """Somebody's message was read."""
    author, *former = pseudonyms.authors(user)
    places = {"guild": HOME, "channel": GENERAL, "edited": 0, "thread_id": None} | more
    return buffer.scored(
        message_id(number),
        places["guild"],
        places["channel"],
        author,
        verdict(0.5),
        thread_id=places["thread_id"],
        edited=places["edited"],
        former=former,
    )


async def written(database):
    return [row["message_id"] - message_id(0) for row in await rows_of(database, MessageScoreRow)]


async def copy_of(database):
    """Every row of every table, as a backup has them."""
    return {
        row: await rows_of(database, row)
        for row in (MessageScoreRow, HourRow, OptOutRow, AuditRow, TagRow, BookkeepingRow)
    }


async def put_back(database, copy):
    """The database is as it was when the copy was made."""
    tables = [row.__tablename__ for row in copy] + ["hour_authors", "channel_rules", "guild_settings"]
    async with database.write() as connection:
        for table in tables:
            await connection.execute(text(f"DELETE FROM {table}"))
        for row in copy:
            for values in copy[row]:
                await connection.execute(insert(table_of(row)).values(values))
        await connection.execute(
            text(
                "INSERT INTO hour_authors (channel_id, hour, author, messages, unread) "
                "SELECT channel_id, hour, author, count(*), 0 FROM message_scores GROUP BY channel_id, hour, author"
            )
        )


async def test_an_old_copy_brings_nothing_back_that_people_had_deleted_or_decided(database, folder, guilds, caplog):
    _, opt_outs, buffer = await start(database, folder)
    await opt_outs.add(3)
    write(buffer, 1), write(buffer, 2, BOB), write(buffer, 3, 5), write(buffer, 4, 6)
    await guilds.add_audit(Audited(HOME, int(NOW), KEEPERS.author(ALICE), AdminAction.ENABLE))
    await buffer.flush()
    copy = await copy_of(database)
    await buffer.forget(KEEPERS.authors(ALICE), message_id(99), ERASERS, key=KEEPERS.fingerprint)
    await opt_outs.add(BOB)
    await buffer.forget(KEEPERS.authors(BOB), message_id(99), ERASERS)
    await opt_outs.remove(3)
    await put_back(database, copy)
    assert await written(database) == [1, 2, 3, 4]
    erasures, opt_outs, buffer = await start(database, folder)
    assert await written(database) == [3, 4]
    assert [opt_outs.includes(user) for user in (ALICE, BOB, 3)] == [False, True, False]
    assert [row["actor"] for row in await rows_of(database, AuditRow)] == [None]
    await assert_sums_are_right(database)
    assert erasures.done_again == "deletions by people: 2, opt-outs: 1, opt-ins: 1"
    assert erasures.done_again in caplog.text
    assert KEEPERS.author(ALICE).hex() not in caplog.text
    caplog.clear()
    again, _, _ = await start(database, folder)
    assert (again.done_again, caplog.text) == ("", "")


async def test_an_old_copy_has_nobody_read_again_where_an_admin_said_that_they_are_not(database, folder, caplog):
    erasures, _, _ = await start(database, folder)
    guilds = GuildRepository(database, erasures)
    disabled, exempt, included = (Rule(HOME, TargetKind.CHANNEL, HOME + number, Mode.WATCH) for number in (1, 2, 3))
    included, role = replace(included, mode=Mode.EXEMPT), Rule(HOME, TargetKind.ROLE, 7, Mode.EXEMPT)
    for rule in (disabled, exempt, included):
        await guilds.set_rule(rule)
    copy = await rows_of(database, ChannelRuleRow), await rows_of(database, BookkeepingRow)
    await guilds.remove_rule(HOME, TargetKind.CHANNEL, disabled.target_id)
    await guilds.set_rule(replace(exempt, mode=Mode.EXEMPT))
    await guilds.set_rule(role)
    await guilds.remove_rule(HOME, TargetKind.CHANNEL, included.target_id)
    await guilds.set_rule(included)
    after = await guilds.rules()
    await start(database, folder)
    assert await guilds.rules() == after
    async with database.write() as connection:
        for row, values in zip((ChannelRuleRow, BookkeepingRow), copy, strict=True):
            await connection.execute(delete(row))
            await connection.execute(insert(row), values)
    assert await guilds.rules() != after
    again, _, _ = await start(database, folder)
    assert await guilds.rules() == after
    assert again.done_again == "exemptions: 3, rules taken back: 2"


async def test_a_rule_that_was_noted_and_not_done_is_done_before_a_newer_one(database, folder):
    erasures, _, _ = await start(database, folder)
    guilds, rule = GuildRepository(database, erasures), Rule(HOME, TargetKind.CHANNEL, GENERAL, Mode.WATCH)
    await erasures.note_rule(Kind.EXEMPT, HOME, TargetKind.CHANNEL, GENERAL)
    await guilds.set_rule(rule)
    await erasures.note_rule(Kind.NO_RULE, HOME, TargetKind.CHANNEL, GENERAL)
    await guilds.set_rule(rule)
    await start(database, folder)
    assert await guilds.rules() == (rule,)


def tag(number, user):
    return Tag(message_id(number), "+", HOME, GENERAL, None, KEEPERS.author(user))


@pytest.mark.parametrize("how", ["restored", "away"])
async def test_every_eraser_works_when_it_is_done_later_and_the_tags_are_to_go(folder, how):
    """After a backup was put back, and when the database was away as somebody asked."""
    database = await Database.open(folder, busy_seconds=0.01)
    _, _, buffer = await start(database, folder)
    tags, guilds = TagRepository(database), GuildRepository(database)
    write(buffer, 1), write(buffer, 2, BOB)
    for one in (tag(1, ALICE), tag(2, BOB), tag(10, ALICE)):
        await tags.add(one)
    await guilds.add_audit(Audited(HOME, int(NOW), KEEPERS.author(ALICE), AdminAction.ENABLE))
    await buffer.flush()
    copy = await copy_of(database)
    if how == "restored":
        await buffer.forget(KEEPERS.authors(ALICE), message_id(9), ERASERS)
        await put_back(database, copy)
        await start(database, folder)
    else:
        async with _locked(folder):
            with pytest.raises(ErasureWaits):
                await buffer.forget(KEEPERS.authors(ALICE), message_id(9), ERASERS)
        await buffer.flush()
    assert await written(database) == [2]
    assert [one.message_id for one in await tags.due(9)] == [message_id(1)]
    assert [row["author"] for row in await rows_of(database, TagRow)] == [
        None,
        KEEPERS.author(BOB),
        tag(10, ALICE).author,
    ]
    assert [row["actor"] for row in await rows_of(database, AuditRow)] == [None]
    await database.close()


async def test_an_old_copy_brings_no_server_channel_or_thread_back_that_was_removed(database, folder, guilds):
    _, _, buffer = await start(database, folder)
    write(buffer, 1), write(buffer, 2, channel=RANDOM), write(buffer, 3, channel=RANDOM, thread_id=THREAD)
    write(buffer, 4, guild=AWAY, channel=AWAY + 1)
    await buffer.flush()
    copy = await copy_of(database)
    buffer.channel_gone(GENERAL), buffer.channel_gone(THREAD), buffer.guild_gone(AWAY)
    await buffer.flush()
    await put_back(database, copy)
    assert await written(database) == [1, 2, 3, 4]
    await start(database, folder)
    assert await written(database) == [2]
    await assert_sums_are_right(database)


async def test_places_of_which_nothing_is_held_are_not_noted(database, folder):
    _, _, buffer = await start(database, folder)
    buffer.channel_gone(GENERAL), buffer.guild_gone(AWAY)
    await buffer.flush()
    assert not (folder / FILE).exists()


async def test_what_came_after_a_backup_and_stays_is_not_taken_by_what_was_done_before_it(database, folder):
    """A server that was removed and added again: the backup is of the second time."""
    _, _, buffer = await start(database, folder)
    write(buffer, 1)
    await buffer.flush()
    buffer.guild_gone(HOME)
    await buffer.guild_joined(HOME)
    write(buffer, 2)
    await buffer.flush()
    copy = await copy_of(database)
    await put_back(database, copy)
    await start(database, folder)
    assert await written(database) == [2]


@pytest.mark.parametrize(
    "kind", [Kind.ERASED, Kind.ERASED_IN, Kind.OPTED_OUT, Kind.OPTED_IN, Kind.SERVER, Kind.CHANNEL]
)
async def test_killed_after_it_was_noted_it_is_done_at_the_next_start(database, folder, kind):
    erasures, opt_outs, buffer = await start(database, folder)
    write(buffer, 1)
    if kind is Kind.OPTED_IN:
        await opt_outs.add(BOB)
    await buffer.flush()
    erased, places = (Kind.ERASED, Kind.ERASED_IN), (Kind.SERVER, Kind.CHANNEL)
    authors = KEEPERS.authors(ALICE if kind in erased else BOB)
    target = {Kind.ERASED: message_id(1), Kind.ERASED_IN: HOME, Kind.SERVER: HOME, Kind.CHANNEL: GENERAL}.get(kind, 7)
    await erasures.note(kind, target, () if kind in places else authors)
    _, opt_outs, _ = await start(database, folder)
    assert await written(database) == ([] if kind in (*erased, *places) else [1])
    assert opt_outs.includes(BOB) is (kind is Kind.OPTED_OUT)
    await assert_sums_are_right(database)


async def test_an_edit_after_a_restart_does_not_bring_back_what_somebody_had_deleted(database, folder):
    _, _, buffer = await start(database, folder)
    write(buffer, 1)
    await buffer.forget(KEEPERS.authors(ALICE), message_id(5))
    _, _, buffer = await start(database, folder)
    assert not write(buffer, 1, edited=9)
    assert not write(buffer, 2)
    assert write(buffer, 6)


@pytest.mark.parametrize("how", ["at once", "restarted", "rotated", "old log"])
async def test_what_was_written_while_opted_out_is_known_as_such_afterwards(database, folder, how):
    _, opt_outs, _ = await start(database, folder)
    await opt_outs.add(ALICE)
    await opt_outs.remove(BOB, message_id(50))  # who was not out
    await opt_outs.remove(ALICE, message_id(50))
    if how == "old log":
        log = folder / FILE
        log.write_text(log.read_text().replace(str(message_id(50)), "0"))
    key = [HashKey("the key that took its place")] if how == "rotated" else []
    if how != "at once":
        _, opt_outs, _ = await start(database, folder, Pseudonyms([*key, HashKey(KEY)]))
    assert not opt_outs.includes(ALICE)
    if how == "old log":
        assert NOW < opt_outs._in_again_since(ALICE) < time.time() + 2
    else:
        before, after = message_id(50) - (1 << 22), message_id(50)
        assert [opt_outs.was_out(ALICE, one) for one in (before, after)] == [True, False]
        assert not opt_outs.was_out(BOB, before)


async def test_nor_does_it_after_a_new_key(database, folder):
    both = Pseudonyms([HashKey("the key that took its place"), HashKey(KEY)])
    _, _, buffer = await start(database, folder)
    write(buffer, 1)
    await buffer.forget(KEEPERS.authors(ALICE), message_id(5))
    _, _, buffer = await start(database, folder, both)
    assert not write(buffer, 1, pseudonyms=both, edited=9)
    assert write(buffer, 6, pseudonyms=both)


async def test_a_copy_from_before_a_new_key_brings_nothing_back_either(database, folder):
    """What is deleted under both keys is noted under both; who was carried over stays so."""
    both = Pseudonyms([HashKey("the key that took its place"), HashKey(KEY)])
    _, opt_outs, buffer = await start(database, folder)
    write(buffer, 1)
    await opt_outs.add(BOB)
    await buffer.flush()
    copy = await copy_of(database)
    _, opt_outs, buffer = await start(database, folder, both)
    await buffer.forget(both.authors(ALICE), message_id(5))
    assert opt_outs.includes(BOB)
    assert await opt_outs.carry_over() == 1
    await put_back(database, copy)
    later = Pseudonyms([HashKey("the key that took its place")])
    _, opt_outs, _ = await start(database, folder, later)
    assert await written(database) == []
    assert opt_outs.includes(BOB)


async def test_entries_of_a_key_that_is_lost_are_done_and_told(database, folder, caplog):
    erasures, _, _ = await start(database, folder)
    await erasures.note(Kind.OPTED_OUT, 7, KEEPERS.authors(BOB), KEEPERS.fingerprint)
    await start(database, folder, Pseudonyms([HashKey("another key altogether")]))
    assert "1 entries of erasures.log were made with a key that is not in HASH_KEY" in caplog.text
    assert len(await rows_of(database, OptOutRow)) == 1


async def test_a_request_that_the_database_does_not_take_is_kept_and_done_when_it_does(folder):
    database = await Database.open(folder, busy_seconds=0.01)
    _, opt_outs, buffer = await start(database, folder)
    write(buffer, 1), write(buffer, 2, BOB)
    await buffer.flush()
    async with _locked(folder):
        with pytest.raises(ErasureWaits):
            await buffer.forget(KEEPERS.authors(ALICE), message_id(9))
        await opt_outs.add(5)
        assert await written(database) == [1, 2]
    await buffer.flush()
    assert await written(database) == [2]
    assert len(await rows_of(database, OptOutRow)) == 1
    await database.close()


async def test_an_opt_in_that_fails_is_not_done_later_behind_their_back(folder):
    database = await Database.open(folder, busy_seconds=0.01)
    _, opt_outs, buffer = await start(database, folder)
    await opt_outs.add(BOB)
    async with _locked(folder):
        with pytest.raises(DatabaseUnavailable):
            await opt_outs.remove(BOB)
    await buffer.flush()
    _, again, _ = await start(database, folder)
    assert opt_outs.includes(BOB)
    assert again.includes(BOB)
    await database.close()


async def test_without_room_for_the_log_it_is_done_in_the_database_all_the_same(folder, caplog):
    database = await Database.open(folder, busy_seconds=0.01)
    _, opt_outs, buffer = await start(database, folder)
    (folder / FILE).mkdir()
    write(buffer, 1)
    await buffer.flush()
    assert await buffer.forget(KEEPERS.authors(ALICE), message_id(9)) == 1
    assert "would come back with a backup" in caplog.text
    async with _locked(folder):
        with pytest.raises(DatabaseUnavailable) as caught:
            await opt_outs.add(BOB)
        assert not isinstance(caught.value, ErasureWaits)
    (folder / FILE).rmdir()
    await opt_outs.add(BOB)
    assert len((folder / FILE).read_text().splitlines()) == 4
    await database.close()


async def test_a_copy_older_than_the_log_reaches_back_is_told(database, folder, caplog):
    _, opt_outs, _ = await start(database, folder)
    copy = await copy_of(database)
    await opt_outs.add(BOB)
    erasures, _, _ = await start(database, folder)
    await erasures.forget_old(NOW + (KEPT_DAYS + 10_000) * 24 * 3600)
    assert "is older than" not in caplog.text
    await put_back(database, copy)
    await start(database, folder)
    assert "tell people, so that they can repeat them" in caplog.text


async def test_numbers_go_on_where_the_log_was_lost(database, folder):
    _, opt_outs, _ = await start(database, folder)
    await opt_outs.add(ALICE)
    copy = await copy_of(database)
    (folder / FILE).unlink()
    _, opt_outs, _ = await start(database, folder)
    await opt_outs.add(BOB)
    await put_back(database, copy)
    _, opt_outs, _ = await start(database, folder)
    assert opt_outs.includes(BOB)


async def test_a_flush_that_fails_notes_a_place_once_and_what_a_server_says_later_stays(folder, guilds_of):
    database = await Database.open(folder, busy_seconds=0.01)
    _, _, buffer = await start(database, folder)
    write(buffer, 1)
    await guilds_of(database).set_rule(Rule(HOME, TargetKind.SERVER, HOME, Mode.WATCH))
    await guilds_of(database).set_settings(GuildSettings(HOME))
    await buffer.flush()
    buffer.guild_gone(HOME)
    async with database.write() as connection:
        await connection.execute(
            text("CREATE TRIGGER broken BEFORE DELETE ON hours BEGIN SELECT RAISE(ABORT, 'broken'); END")
        )
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await buffer.flush()
    with pytest.raises(DatabaseUnavailable):
        await buffer.guild_joined(HOME)
    async with database.write() as connection:
        await connection.execute(text("DROP TRIGGER broken"))
    write(buffer, 2)
    await buffer.flush()
    await buffer.flush()
    assert await written(database) == [2]
    assert sum(" server " in line for line in (folder / FILE).read_text().splitlines()) == 1
    await start(database, folder)
    assert await written(database) == [2]
    await database.close()


async def test_a_server_gone_while_a_write_is_under_way_leaves_nothing_and_is_heard_when_it_is_back(database, folder):
    _, _, buffer = await start(database, folder)
    write(buffer, 1)
    async with database._turn:  # the write waits
        writing = asyncio.create_task(buffer.flush())
        await asyncio.sleep(0)
        assert len(buffer) == 1
        buffer.guild_gone(HOME)
        assert not write(buffer, 2)
    await writing
    await buffer.guild_joined(HOME)
    assert write(buffer, 3)
    await buffer.flush()
    assert await written(database) == [3]
    await start(database, folder)
    assert await written(database) == [3]
    await assert_sums_are_right(database)


async def test_somebody_who_deletes_while_a_write_is_under_way_has_nothing_left(database, folder):
    _, _, buffer = await start(database, folder)
    write(buffer, 1), write(buffer, 2, BOB)
    async with database._turn:
        writing = asyncio.create_task(buffer.flush())
        await asyncio.sleep(0)
        deleting = asyncio.create_task(buffer.forget(KEEPERS.authors(ALICE), message_id(9)))
        await asyncio.sleep(0)
    await writing
    assert await deleting == 0  # it was taken away before it was written
    assert await written(database) == [2]
    await assert_sums_are_right(database)


@pytest.fixture
def guilds_of():
    from bot.storage.guild_repository import GuildRepository

    return GuildRepository


def _locked(folder):
    from contextlib import asynccontextmanager
    from sqlite3 import connect

    @asynccontextmanager
    async def locked():
        other = connect(folder / "mood.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.close()

    return locked()
