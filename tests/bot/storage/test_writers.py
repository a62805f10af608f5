"""Processes that share a PostgreSQL write side by side of their own servers; what is about people waits for all."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass

import pytest

from bot.domain.shards import Cluster
from bot.storage.changes import Changed, note_change
from bot.storage.database import Database
from bot.storage.database_url import WRITERS_LOCK
from bot.storage.erasures import ERASERS, Erasures
from bot.storage.lease_statements import TAKE
from bot.storage.leases import Leases
from bot.storage.opt_outs import OptOuts
from bot.storage.pseudonyms import HashKey, Pseudonyms
from bot.storage.schema import MessageScoreRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import HOUR, KEY, NOW, assert_sums_are_right, message_id, rows_of, say, verdict

SHARDS = 4
PATIENCE = 60.0
PSEUDONYMS = Pseudonyms([HashKey(KEY)])
ALICE = 42


@dataclass
class Process:
    """What one process of a cluster writes with."""

    database: Database
    erasures: Erasures
    leases: Leases
    opt_outs: OptOuts
    buffer: WriteBuffer

    def say(self, number, shard, who=1, **more):
        """A message of a server of that shard."""
        place = (1000 + shard) << 22
        return say(self.buffer, number, who, guild=place, channel=place + 1, **more)

    def say_of_alice(self, number, shard):
        place = (1000 + shard) << 22
        return self.buffer.scored(message_id(number), place, place + 1, PSEUDONYMS.author(ALICE), verdict(0.5))


async def four():
    return SHARDS


@pytest.fixture
async def process(new_postgres_url, tmp_path):
    opened = []

    async def process(cluster):
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        database = await Database.open(folder, new_postgres_url)
        leases = Leases(database, Cluster(*map(int, cluster.split("/"))))
        erasures = await Erasures.open(database, folder, PSEUDONYMS, lambda: NOW, one_of_several=True)
        opt_outs = OptOuts(database, PSEUDONYMS, lambda: NOW, erasures)
        buffer = WriteBuffer(database, opt_outs, clock=lambda: NOW, erasures=erasures, leases=leases)
        leases.given_up = buffer.give_up
        opened.append((database, leases))
        await leases.hold(four, lambda words: None)
        return Process(database, erasures, leases, opt_outs, buffer)

    yield process
    for database, leases in opened:
        await leases.release()
        await database.close()


@pytest.fixture
async def both(process):
    return [await process("0/2"), await process("1/2")]


async def patiently(work):
    return await asyncio.wait_for(work, PATIENCE)


async def written(process):
    return [row["message_id"] - message_id(0) for row in await rows_of(process.database, MessageScoreRow)]


async def waits(process, task):
    """Returns when that task waits for a lock in PostgreSQL."""
    question = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with asyncio.timeout(PATIENCE):
        while True:
            async with process.database.read() as connection:
                if (await connection.exec_driver_sql(question)).scalar():
                    return
            assert not task.done()
            await asyncio.sleep(0.02)


async def test_a_write_does_not_wait_for_one_of_another_shard(both):
    """With one lock for all it waited until the other was done, however long that took."""
    first, second = both
    first.buffer.sees = second.buffer.sees = True
    for one in both:
        one.buffer.unseen_by_shard = lambda one=one: {(shard, SHARDS): NOW for shard in one.leases.held}
        await one.buffer.flush()  # each shard has a sign of life, so that of all is written as well
    async with first.database.write(own=True) as connection:
        first.say(1, 0)
        await connection.exec_driver_sql("UPDATE bookkeeping SET alive = alive")
        second.say(2, 1)
        await patiently(second.buffer.flush())
        assert await written(second) == [2]
    await patiently(first.buffer.flush())
    assert await written(second) == [1, 2]
    await assert_sums_are_right(first.database)


async def test_writes_of_the_same_shard_take_turns(both, new_postgres_url, tmp_path):
    """As those of two processes do of which one has not heard that the other has taken its shard."""
    first, _ = both
    stranger = await Database.open(tmp_path, new_postgres_url)
    stranger.shards = Cluster(0, 4).shards(SHARDS)
    try:
        async with stranger.write(own=True):
            first.say(1, 0)
            flushing = asyncio.ensure_future(first.buffer.flush())
            await waits(first, flushing)
        await patiently(flushing)
    finally:
        await stranger.close()


async def test_what_is_about_people_waits_for_every_write_and_every_write_for_it(both):
    first, second = both
    async with second.database.write(own=True):
        asking = asyncio.ensure_future(first.opt_outs.add(ALICE))
        await waits(first, asking)
    await patiently(asking)
    async with first.database.write():
        second.say(1, 1)
        flushing = asyncio.ensure_future(second.buffer.flush())
        await waits(first, flushing)
    await patiently(flushing)


async def test_an_opt_out_that_is_noted_during_a_write_is_done_after_it_and_not_in_it(both):
    first, second = both
    second.say_of_alice(1, 1)
    asking = None
    real = second.leases.taken_by_others

    async def taken_by_others(connection):
        nonlocal asking
        if asking is None:
            asking = asyncio.ensure_future(second.opt_outs.add(ALICE))
            async with asyncio.timeout(PATIENCE):
                while not second.erasures.pending:
                    await asyncio.sleep(0.01)
        return await real(connection)

    second.leases.taken_by_others = taken_by_others
    await patiently(second.buffer.flush())
    await patiently(asking)
    assert not second.erasures.pending
    assert await second.buffer.forget(PSEUDONYMS.authors(ALICE), message_id(9), ERASERS) == 1
    assert not first.say_of_alice(2, 0) or await first.buffer.flush() is None
    assert await written(first) == []


async def test_a_process_that_has_lost_a_shard_writes_what_is_left_alone(both):
    """A message that it heard was deleted may be of that shard, and another may be counting it."""
    first, second = both
    for number, shard in enumerate((0, 2)):
        first.say(number, shard)
    await first.buffer.flush()
    async with first.database.write() as connection:
        await connection.exec_driver_sql("UPDATE leases SET holder = 'another', epoch = epoch + 1 WHERE shard = 2")
    first.say(5, 0)
    first.say(6, 2)
    first.buffer.deleted([message_id(1)])
    async with second.database.write(own=True):
        flushing = asyncio.ensure_future(first.buffer.flush())
        await waits(second, flushing)
    await patiently(flushing)
    assert await written(first) == [0, 5]
    assert first.buffer.counts.failures == 0
    assert first.buffer.counts.refused == 1
    await assert_sums_are_right(first.database)


async def test_nobody_who_writes_beside_others_tells_of_a_change(both):
    """Numbers that are given side by side appear out of order, and whoever follows them would miss one."""
    with pytest.raises(AssertionError):
        async with both[0].database.write(own=True) as connection:
            await note_change(connection, Changed.SERVER, 1)


class Story:
    """Two processes to which everything happens at once, in an order by a seed."""

    def __init__(self, both, seed):
        self.both, self.rng, self.number, self.erased = both, random.Random(seed), 0, -1
        self.shards = {}

    def next(self, shard=None):
        self.number += 1
        self.shards[self.number] = shard
        return self.number

    async def steps(self, process, seed):
        """What one process does, one after the other."""
        rng = random.Random(seed)
        for _ in range(12):
            shard = rng.choice(sorted(process.database.shards.numbers))
            there = [number for number, of in self.shards.items() if of == shard]
            step = rng.choice(("say", "say", "say", "edit", "delete", "flush", "flush", "forget", "out", "in", "own"))
            if step == "say":
                process.say_of_alice(self.next(shard), shard)
                process.say(self.next(shard), shard, rng.randint(1, 6), score=rng.choice((-1.0, 0.0, 0.5, None)))
            elif step == "edit" and there:
                process.say(rng.choice(there), shard, 7, edited=rng.randint(1, 9))
            elif step == "delete" and there:
                process.buffer.deleted([message_id(rng.choice(there))])
            elif step == "flush":
                await process.buffer.flush()
            elif step == "forget":
                await self.forget(process)
            elif step == "out":
                await process.opt_outs.add(ALICE)
            elif step == "in":
                await process.opt_outs.remove(ALICE, message_id(self.next()))
            elif step == "own":
                async with process.database.write(own=True):
                    await asyncio.sleep(rng.random() / 100)
            await asyncio.sleep(rng.random() / 200)

    async def forget(self, process):
        up_to = self.number
        await process.buffer.forget(PSEUDONYMS.authors(ALICE), message_id(up_to), ERASERS)
        self.erased = max(up_to, self.erased)
        await self.nothing_of_hers_is_there()

    async def nothing_of_hers_is_there(self):
        """What the answer to her says, from then on."""
        erased = message_id(self.erased)
        rows = await rows_of(self.both[0].database, MessageScoreRow)
        assert [row for row in rows if row["author"] == PSEUDONYMS.author(ALICE) and row["message_id"] <= erased] == []

    async def take_over(self, session):
        """Another process takes shards, and they are given back as after a restart."""
        for _ in range(6):
            process = self.rng.choice(self.both)
            shard = self.rng.choice(sorted(process.database.shards.numbers))
            for holder in ("another", process.leases.process):
                rows = await session.ask(TAKE, SHARDS, shard, holder, WRITERS_LOCK, seconds=PATIENCE)
                await asyncio.sleep(self.rng.random() / 100)
            process.leases._epochs[shard] = rows[0]["epoch"]
            process.leases.lost.clear()


async def test_in_whatever_order_no_two_writers_wait_for_each_other_and_what_was_asked_for_holds(both):
    for one in both:
        one.leases._task.cancel()  # the take-overs here are given back; nobody is to end for one
    session = await both[0].database.open_session()
    for seed in range(12):
        async with both[0].database.write() as connection:
            for table in ("message_scores", "hour_authors", "hours", "opt_outs", "requests", "late_changes"):
                await connection.exec_driver_sql(f"DELETE FROM {table}")
        for one in both:
            one.buffer._forgotten.clear()
            await one.opt_outs.load()
        story = Story(both, seed)
        everybody = [story.steps(one, 100 * seed + number) for number, one in enumerate([*both, *both])]
        await patiently(asyncio.gather(*everybody, story.take_over(session)))
        for one in both:
            await one.buffer.flush()
        await story.nothing_of_hers_is_there()
        await assert_sums_are_right(both[0].database)
        assert sum(one.buffer.counts.failures for one in both) == 0
        assert {row["hour"] for row in await rows_of(both[0].database, MessageScoreRow)} <= {HOUR}
    with suppress(Exception):
        await session.close()
