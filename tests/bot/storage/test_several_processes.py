"""What somebody says to one process holds in every other, whether it has heard of it or not."""

import asyncio
import random
from dataclasses import dataclass

import pytest

from bot.domain.records import GuildSettings, Mode, Rule, Tag, TargetKind
from bot.domain.rules import Place
from bot.monitoring.rule_cache import RuleCache
from bot.storage import changes as changes_module
from bot.storage.changes import ChangeFollower
from bot.storage.database import Database
from bot.storage.erasure_log import FILE, ErasureLog, Kind
from bot.storage.erasures import ERASERS, Erasures
from bot.storage.guild_repository import GuildRepository
from bot.storage.maintenance import forget_what_is_over
from bot.storage.notice_repository import NoticeRepository
from bot.storage.opt_outs import OptOuts
from bot.storage.pseudonyms import HashKey, Pseudonyms
from bot.storage.registered_commands import RegisteredCommands
from bot.storage.schema import (
    BookkeepingRow,
    ChangeRow,
    ErasureLogRow,
    HourAuthorRow,
    MessageScoreRow,
    OptOutRow,
    RequestRow,
    TagRow,
)
from bot.storage.tag_repository import TagRepository
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import GENERAL, HOME, KEY, NOW, assert_sums_are_right, message_id, rows_of, verdict

PSEUDONYMS = Pseudonyms([HashKey(KEY)])
ALICE = 42
THEIRS = PSEUDONYMS.authors(ALICE)


@dataclass
class Process:
    """What one process has of people's say."""

    database: Database
    erasures: Erasures
    opt_outs: OptOuts
    buffer: WriteBuffer
    changes: ChangeFollower

    def score(self, number):
        """A message of Alice's was read."""
        return self.buffer.scored(message_id(number), HOME, GENERAL, THEIRS[0], verdict(0.5))

    async def forget(self, up_to):
        return await self.buffer.forget(THEIRS, message_id(up_to), ERASERS, key=PSEUDONYMS.fingerprint)

    async def hear(self):
        await self.opt_outs.load()
        self.buffer.forgotten_too(self.opt_outs.erased)


@pytest.fixture
async def process(new_postgres_url, tmp_path):
    """Opens one, with a folder of its own."""
    opened = []

    async def process(name, *, one_of_several=True):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        database = await Database.open(folder, new_postgres_url)
        opened.append(database)
        erasures = await Erasures.open(database, folder, PSEUDONYMS, lambda: NOW, one_of_several=one_of_several)
        changes = ChangeFollower(database)
        await changes.begin()
        opt_outs = OptOuts(database, PSEUDONYMS, lambda: NOW, erasures)
        await opt_outs.load()
        buffer = WriteBuffer(database, opt_outs, clock=lambda: NOW, erasures=erasures)
        buffer.forgotten_too(opt_outs.erased)
        return Process(database, erasures, opt_outs, buffer, changes)

    yield process
    for database in opened:
        await database.close()


@pytest.fixture
async def both(process):
    return [await process("first"), await process("second")]


async def written(process):
    return [row["message_id"] - message_id(0) for row in await rows_of(process.database, MessageScoreRow)]


async def test_nothing_of_whoever_opted_out_is_written_by_a_process_that_has_not_heard(both):
    first, second = both
    assert second.score(1)
    await second.buffer.flush()
    assert second.score(2)
    await first.opt_outs.add(ALICE)
    assert await first.forget(9) == 1
    assert await written(first) == []
    assert second.score(3), "it has not heard of it"
    await second.buffer.flush()
    assert await written(second) == []
    assert await rows_of(second.database, HourAuthorRow) == []
    assert second.buffer.counts.refused == 2
    await second.hear()
    assert not second.score(4)


async def test_a_deletion_without_an_opt_out_holds_for_what_another_process_has_in_hand(both):
    first, second = both
    assert second.score(1)
    await first.forget(5)
    assert second.score(4)
    assert second.score(6)
    await second.buffer.flush()
    assert await written(second) == [6]
    await assert_sums_are_right(second.database)
    await second.hear()
    assert not second.score(3)


async def test_an_opt_out_that_comes_during_another_processs_write_finds_what_that_wrote(both):
    """Who writes has a turn; the answer is given after the deletion's."""
    first, second = both
    async with first.database.write():
        second.score(1)
        flushing = asyncio.ensure_future(second.buffer.flush())
        await asyncio.sleep(0.1)
        assert not flushing.done()
    asking = asyncio.ensure_future(first.opt_outs.add(ALICE))
    await asyncio.gather(flushing, asking)
    await first.forget(9)
    await second.buffer.flush()
    assert await written(first) == []


async def test_an_opt_out_of_one_server_and_an_opt_in_hold_as_well(both):
    first, second = both
    await first.opt_outs.add(ALICE, HOME)
    second.score(1)
    await second.buffer.flush()
    assert await written(second) == []
    await first.opt_outs.remove(ALICE, message_id(5), HOME)
    second.score(4)
    second.score(6)
    await second.buffer.flush()
    assert await written(second) == [6], "what was written while they were out is not read later"
    await second.hear()
    assert second.opt_outs.was_out(ALICE, message_id(4) - (1 << 22), HOME)


async def test_no_message_of_whoever_opted_out_is_tagged(both):
    first, second = both
    tags = TagRepository(second.database)
    tag = Tag(message_id(1), "x", HOME, GENERAL, None, THEIRS[0])
    assert await tags.add(tag)
    await first.opt_outs.add(ALICE)
    await first.forget(9)
    assert not await tags.add(tag)
    assert [row["author"] for row in await rows_of(second.database, TagRow)] == [None]


async def test_whatever_the_order_nothing_that_was_deleted_or_refused_is_there(both, new_postgres_url):
    """Messages are read, written, deleted, opted out of and in again through two processes that may hear or not."""
    rng = random.Random(7)
    for _ in range(25):
        async with both[0].database.write() as connection:
            for table in ("message_scores", "hour_authors", "hours", "opt_outs", "requests", "late_changes"):
                await connection.exec_driver_sql(f"DELETE FROM {table}")
        for one in both:
            one.buffer._forgotten.clear()
            await one.hear()
        number, erased, out, held_when_out = 0, 0, False, set()
        for _ in range(14):
            one, step = rng.choice(both), rng.choice(("score", "score", "flush", "forget", "out", "in", "hear"))
            if step == "score":
                number += 1
                one.score(number)
            elif step == "flush":
                await one.buffer.flush()
            elif step == "forget":
                await one.forget(number)
                erased = number
            elif step == "out":
                await one.opt_outs.add(ALICE)
                held_when_out = held_when_out if out else set(await written(one))
                out = True
            elif step == "in":
                number += 1
                await one.opt_outs.remove(ALICE, message_id(number))
                out = False
            else:
                await one.hear()
            there = set(await written(one))
            assert all(message > erased for message in there)
            assert not out or there <= held_when_out
        for one in both:
            await one.buffer.flush()
        there = set(await written(both[0]))
        assert all(message > erased for message in there)
        assert not out or there <= held_when_out
        await assert_sums_are_right(both[0].database)
        for one in both:
            await one.hear()
        if not out:
            assert both[1].score(number + 1)
            await both[1].buffer.flush()
            assert number + 1 in await written(both[0])


async def test_each_process_does_what_its_own_log_says_however_far_another_s_is(process):
    """One number for all logs had the database ahead of a log of which nothing was done."""
    first, second = await process("first"), await process("second")
    first.database.damage = "It is away."  # noted in the log, and not done
    await first.opt_outs.add(ALICE)
    assert await rows_of(second.database, OptOutRow) == []
    for user in range(100, 105):
        await second.opt_outs.add(user)
    assert len(await rows_of(second.database, OptOutRow)) == 5
    again = await process("first")
    assert again.erasures.done_again == "opt-outs: 1"
    assert len(await rows_of(again.database, OptOutRow)) == 6
    logs = {row["log"]: row["done"] for row in await rows_of(again.database, ErasureLogRow)}
    assert sorted(logs.values()) == [1, 5]
    assert [row["erasures"] for row in await rows_of(again.database, BookkeepingRow)] == [0]


async def test_what_one_process_alone_had_noted_others_heed_once_there_are_several(process, tmp_path):
    alone = await process("first", one_of_several=False)
    alone.score(1)
    await alone.buffer.flush()
    await alone.forget(5)
    await alone.opt_outs.add(ALICE, HOME)
    await alone.opt_outs.remove(ALICE, message_id(7), HOME)
    assert await rows_of(alone.database, RequestRow) == [], "nobody else needs it, and it is of a person"
    assert (tmp_path / "first" / FILE).read_text().startswith("vibecheck-erasures 0\n")
    first, second = await process("first"), await process("second")
    assert first.erasures.done_again == ""
    second.score(4)
    second.score(6)
    await second.buffer.flush()
    assert await written(second) == []
    log = ErasureLog(tmp_path / "first")
    log.read()
    assert len(log.identity) == 16
    assert [entry.kind for entry in log.entries] == [Kind.ERASED, Kind.OPTED_OUT, Kind.OPTED_IN]
    again = ErasureLog(tmp_path / "first")
    again.read()
    assert again.identity == log.identity


async def test_requests_and_changes_go_when_nobody_needs_them(both, storage):
    first, _ = both
    await first.opt_outs.add(ALICE)
    await first.forget(9)
    assert len(await rows_of(first.database, RequestRow)) == 1
    async with first.database.write() as connection:
        await connection.exec_driver_sql("UPDATE changes SET made = 1")
    object.__setattr__(storage, "database", first.database)
    await forget_what_is_over(storage, NOW + 29 * 86400)
    assert len(await rows_of(first.database, RequestRow)) == 1
    assert await rows_of(first.database, ChangeRow) == []
    await forget_what_is_over(storage, NOW + 31 * 86400)
    assert await rows_of(first.database, RequestRow) == []


async def test_what_commands_are_registered_and_which_versions_run_is_known_to_all(both):
    first, second = [RegisteredCommands(one.database) for one in both]
    assert await first.read() == {}
    one = {"sent": "a", "held": "b", "times": [1, 2, 3, 4, 5, 6], "version": "0.9"}
    for scope in ("5", "5/7", "6"):
        await first.keep(scope, one)
    await first.keep("6", None)
    assert await second.read() == {scope: {**one, "scope": scope, "times": [2, 3, 4, 5, 6]} for scope in ("5", "5/7")}
    await second.keep("5", {**one, "version": "0.10"})
    await first.keep("5/7", None)
    assert {scope: kept["version"] for scope, kept in (await second.read()).items()} == {"5": "0.10"}
    async with both[0].database.write() as connection:
        for name, version, ago in (("one", "0.9", 0), ("two", "0.10", 1000), ("gone", "0.8", 61_000)):
            row = f"('{name}', 0, 1, 1, '?', '{version}', 0, extract(epoch FROM clock_timestamp()) * 1000 - {ago})"
            await connection.exec_driver_sql(f"INSERT INTO processes VALUES {row}")
    assert await second.versions() == {"0.9", "0.10"}


# What servers choose.


@pytest.fixture
async def rules(both, monkeypatch):
    """The rules of two processes, of which the second follows what the first changes."""
    caches = []
    for one in both:
        guilds = GuildRepository(one.database, one.erasures)
        cache = RuleCache(guilds, NoticeRepository(one.database), lambda: NOW)
        await cache.load()
        one.changes.server, one.changes.people = cache.reload, one.hear
        caches.append(cache)
    return caches


@pytest.fixture
async def listening(both):
    second = both[1]
    session = await second.database.open_session()
    await session.listen(changes_module.CHANNEL, second.changes.tell)
    second.changes.start()
    yield session
    await second.changes.close()
    await session.close()


async def within(seconds, condition):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


RULE = Rule(HOME, TargetKind.CHANNEL, GENERAL, Mode.WATCH)
PLACE = Place(HOME, GENERAL)


async def test_rules_settings_notices_and_opt_outs_are_in_force_in_every_process_within_a_second(
    both, rules, listening
):
    first, second = rules
    await second.settings(HOME)
    await first.set_rule(RULE)
    await within(1.0, lambda: second.decide(PLACE).watched)
    await first.set_settings(GuildSettings(HOME, mod_channel_id=7))
    await within(1.0, lambda: second._settings[HOME].mod_channel_id == 7)
    await first.told(HOME, GENERAL, message_id(1))
    await within(1.0, lambda: second.stands(PLACE))
    assert not second.is_told(PLACE), "it is asked for first"
    await first.untold(HOME, [GENERAL])
    await within(1.0, lambda: not second.stands(PLACE))
    await first.remove_rule(HOME, (TargetKind.CHANNEL, GENERAL))
    await within(1.0, lambda: not second.decide(PLACE).watched)
    await both[0].opt_outs.add(ALICE)
    await within(1.0, lambda: both[1].opt_outs.includes(ALICE))
    await both[0].opt_outs.remove(ALICE)
    await within(1.0, lambda: not both[1].opt_outs.includes(ALICE))


async def test_nobody_need_be_told(both, rules, monkeypatch):
    """The connection that listens is lost, or the message is."""
    monkeypatch.setattr(changes_module, "LOOK_SECONDS", 0.2)
    both[1].changes.start()
    try:
        await rules[0].set_rule(RULE)
        await within(5.0, lambda: rules[1].decide(PLACE).watched)
    finally:
        await both[1].changes.close()


async def test_a_process_that_was_away_for_long_reads_everything_again(both, rules, monkeypatch):
    read = []

    async def everything():
        read.append(True)

    both[1].changes.everything = everything
    await both[1].changes.follow()
    assert not read
    both[1].changes._looked -= changes_module.KEPT_SECONDS
    await both[1].changes.follow()
    assert read


async def test_servers_of_other_processes_are_not_read(both, rules):
    from bot.domain.shards import Cluster

    both[1].database.shards = Cluster(0, 2).shards(2)
    await rules[0].set_rule(Rule(1 << 22, TargetKind.CHANNEL, GENERAL, Mode.WATCH))
    await rules[0].set_rule(Rule(2 << 22, TargetKind.CHANNEL, GENERAL, Mode.WATCH))
    await both[1].changes.follow()
    assert rules[1].guild_ids() == {2 << 22}
