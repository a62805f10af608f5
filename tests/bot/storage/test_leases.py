"""Shards are one process's at a time: a killed one is followed at once, one that only lost its connection is not."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from bot.domain.shards import Cluster
from bot.storage import leases as leases_module
from bot.storage.database import Database
from bot.storage.errors import DatabaseUnavailable
from bot.storage.lease_statements import SHARD_LOCKS
from bot.storage.leases import Leases
from bot.storage.mood_repository import MoodRepository
from bot.storage.schema import LeaseRow, MessageScoreRow, ProcessRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import NOW, message_id, rows_of, say

SHARDS = 4
ROOT = Path(__file__).parents[3]
PATIENCE = 20.0


@pytest.fixture
def url(new_postgres_url):
    return new_postgres_url


@pytest.fixture
async def process(url, tmp_path):
    """Opens what one process has: a database, leases and a buffer over both."""
    opened = []

    async def process(cluster="0/1"):
        database = await Database.open(tmp_path, url)
        leases = Leases(database, Cluster(*map(int, cluster.split("/"))))
        buffer = WriteBuffer(database, clock=lambda: NOW, leases=leases)
        leases.given_up = buffer.give_up
        opened.append((database, leases))
        return leases, buffer

    yield process
    for database, leases in opened:
        await leases.release()
        await database.close()


async def four():
    return SHARDS


def never(words):
    raise AssertionError(words)


@asynccontextmanager
async def waiting(leases):
    """A process that waits for its shards; yields what it says, and the task."""
    said = []
    task = asyncio.ensure_future(leases.hold(four, said.append))
    async with asyncio.timeout(PATIENCE):
        while not said:
            await asyncio.sleep(0.01)
            assert not task.done()
    try:
        yield said, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def asked(url, statement, *values):
    connection = await asyncpg.connect(url.get_secret_value())
    try:
        return await connection.fetch(statement, *values)
    finally:
        await connection.close()


async def end_connection_of(url, leases):
    await asked(url, "SELECT pg_terminate_backend($1)", leases.session.pid)


async def grow_silent(url, leases, seconds=70):
    await asked(
        url, "UPDATE processes SET heartbeat = heartbeat - $2 WHERE process = $1", leases.process, seconds * 1000
    )


async def test_processes_share_the_shards_that_the_first_was_told_of(process):
    first, second = [(await process(cluster))[0] for cluster in ("0/2", "1/2")]
    await first.hold(four, never)

    async def another_number():
        raise AssertionError("Discord is asked once")

    await second.hold(another_number, never)
    assert (first.held, second.held) == ({0, 2}, {1, 3})
    await until(lambda: first.leads or second.leads)
    await asyncio.sleep(0)
    assert first.leads != second.leads


async def test_each_process_has_a_shard_however_few_discord_wants(process):
    async def one():
        return 1

    leases, _ = await process("2/3")
    await leases.hold(one, never)
    assert leases.held == {2}
    assert leases.shards.count == 3


async def test_a_second_process_with_the_same_shards_waits_and_says_for_whom(process):
    first, _ = await process("0/2")
    await first.hold(four, never)
    second, _ = await process("0/2")
    async with waiting(second) as (said, task):
        assert said[0].startswith("shard 0 is held by CLUSTER=0/2 on ")
        assert second.held == set()
        await first.release()
        await asyncio.wait_for(task, PATIENCE)
    assert second.held == {0, 2}
    assert {row["epoch"] for row in await rows_of(second._database, LeaseRow)} == {2}


HOLDER = """
import asyncio, sys
from pathlib import Path
from pydantic import SecretStr
from bot.domain.shards import Cluster
from bot.storage.database import Database
from bot.storage.leases import Leases

async def main():
    leases = Leases(await Database.open(Path(sys.argv[2]), SecretStr(sys.argv[1])), Cluster(0, 1))
    async def four():
        return 4
    await leases.hold(four, print)
    print("held", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


async def test_a_killed_holder_is_followed_within_a_second(process, url, tmp_path):
    started = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url.get_secret_value(), str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert started.stdout is not None
        assert await asyncio.to_thread(started.stdout.readline) == b"held\n"
        second, _ = await process()
        async with waiting(second) as (_, task):
            started.send_signal(signal.SIGKILL)
            begun = time.monotonic()
            await asyncio.wait_for(task, PATIENCE)
            taken = time.monotonic() - begun
    finally:
        started.kill()
        started.wait()
        started.stdout.close()
    assert second.held == set(range(SHARDS))
    assert taken < 1.5, "a second, and what a busy machine takes longer"


async def test_a_holder_whose_connection_alone_was_lost_keeps_its_shards(process, url):
    first, buffer = await process()
    await first.hold(four, never)
    second, _ = await process()
    async with waiting(second) as (_, task):
        for _ in range(3):
            before = first.session
            await end_connection_of(url, first)
            await until(lambda before=before: first.session not in (None, before))
            await asyncio.sleep(leases_module.GRACE_SECONDS + 2 * leases_module.POLL_SECONDS)
            assert not task.done()
        assert not first.lost.is_set()
        assert first.held == set(range(SHARDS))
        say(buffer, 1)
        await buffer.flush()
    assert len(await rows_of(first._database, MessageScoreRow)) == 1
    assert {row["epoch"] for row in await rows_of(first._database, LeaseRow)} == {1}


async def test_a_holder_that_hangs_is_followed_and_what_it_had_read_is_not_written(process, url, monkeypatch):
    """It stood still with its connection open, as a machine that sleeps; a message may have been deleted since."""
    monkeypatch.setattr(leases_module, "SILENT_SECONDS", 5)  # for the PostgreSQL of the tests may be younger than 60
    first, buffer = await process()
    await first.hold(four, never)
    say(buffer, 1)
    first._task.cancel()  # it stands still: it says nothing, and does not see what happens
    second, _ = await process()
    async with waiting(second) as (_, task):
        await grow_silent(url, first)
        await asyncio.wait_for(task, PATIENCE)
    buffer.sees, buffer.unseen_by_shard = True, lambda: {(0, SHARDS): NOW, (1, SHARDS): NOW}
    await buffer.flush()
    assert await rows_of(first._database, MessageScoreRow) == []
    assert buffer.counts.refused == 1
    assert await MoodRepository(first._database).shards_alive() == {}, "nor does it say that it was alive"
    with pytest.raises(DatabaseUnavailable, match="Another process"):
        async with buffer.between_writes():
            pass
    first._task = asyncio.ensure_future(first._keep())
    await asyncio.wait_for(first.lost.wait(), 5.0)
    assert first.held == set()


async def test_a_write_in_which_its_process_was_lost_keeps_nobody_waiting_for_long(process, url, monkeypatch):
    """No network leads to it any more: the server itself would wait for hours."""
    monkeypatch.setattr(leases_module, "SILENT_SECONDS", 5)
    first, _ = await process()
    await first.hold(four, never)
    first._task.cancel()
    second, buffer = await process()
    with pytest.raises(DatabaseUnavailable):
        async with waiting(second) as (_, task), first._database.write() as connection:
            await grow_silent(url, first)
            await asyncio.wait_for(task, PATIENCE)
            say(buffer, 1)
            await buffer.flush()
            await connection.exec_driver_sql("SELECT 1")
    assert len(await rows_of(second._database, MessageScoreRow)) == 1


async def test_what_was_taken_while_a_write_was_under_way_is_written_before_it(process, url):
    """The take-over waits for its turn: no write of the former holder ends after it."""
    first, buffer = await process()
    await first.hold(four, never)
    say(buffer, 1)
    second, _ = await process()
    async with waiting(second) as (_, task):
        async with buffer.between_writes() as connection:
            await first.session.close()
            first._task.cancel()
            await asked(url, "DELETE FROM processes WHERE process = $1", first.process)
            await asyncio.sleep(2 * leases_module.POLL_SECONDS + leases_module.GRACE_SECONDS)
            assert not task.done()
            assert {row.epoch for row in await connection.execute(LeaseRow.__table__.select())} == {1}
        await asyncio.wait_for(task, PATIENCE)
    assert [row["message_id"] for row in await rows_of(first._database, MessageScoreRow)] == [message_id(1)]


async def test_a_process_that_lost_one_shard_keeps_what_it_read_in_the_others(process):
    first, buffer = await process()
    await first.hold(four, never)
    for shard in range(SHARDS):
        say(buffer, shard, guild=(1000 + shard) << 22, channel=1000 + shard)
    async with first._database.write() as connection:
        await connection.exec_driver_sql("UPDATE leases SET holder = 'another', epoch = epoch + 1 WHERE shard = 2")
    await asyncio.wait_for(first.lost.wait(), 5.0)
    assert first.held == {0, 1, 3}
    assert len(buffer) == 3
    await buffer.flush()
    written = {row["guild_id"] >> 22 for row in await rows_of(first._database, MessageScoreRow)}
    assert written == {1000, 1001, 1003}


@pytest.mark.parametrize("is_connected", [True, False])
async def test_whoever_comes_back_to_another_number_of_shards_holds_none(process, url, monkeypatch, is_connected):
    """It hung, or PostgreSQL could not be reached; the others were started again as four and read the same server."""
    monkeypatch.setattr(leases_module, "SILENT_SECONDS", 5)

    async def two():
        return 2

    first, buffer = await process("0/2")
    await first.hold(two, never)
    assert first.held == {0}
    first._task.cancel()
    if not is_connected:
        await first.session.close()
    await grow_silent(url, first)
    second, other = await process("0/4")
    await asyncio.wait_for(second.hold(four, list), PATIENCE)
    assert (second.held, second.shards.count) == ({0}, 4)
    for one in (buffer, other):
        say(one, 1, guild=4 << 22)  # shard 0 of two, and of four
    with pytest.raises(DatabaseUnavailable, match="Another process"):
        async with buffer.between_writes():
            pass
    with suppress(DatabaseUnavailable):
        await buffer.flush()
    assert await rows_of(second._database, MessageScoreRow) == []
    await other.flush()
    assert len(await rows_of(second._database, MessageScoreRow)) == 1
    first._task = asyncio.ensure_future(first._keep())
    await asyncio.wait_for(first.lost.wait(), PATIENCE)
    assert first.held == set()
    assert not second.lost.is_set()
    await second._beat(second.session)
    assert second.held == {0}


async def test_leases_of_the_same_number_stay_when_a_process_begins_alone(process, url):
    """After an outage nobody has been heard of for a while; what they hold is theirs all the same."""
    first, _ = await process("0/2")
    await first.hold(four, never)
    first._task.cancel()
    await grow_silent(url, first)
    second, _ = await process("1/2")
    await second.hold(four, never)
    assert (first.held, second.held) == ({0, 2}, {1, 3})
    async with first._database.read() as connection:
        assert await first.taken_by_others(connection) == {1, 3}


async def test_one_process_leads_and_another_does_when_that_ends(process):
    first, second = [(await process(cluster))[0] for cluster in ("0/2", "1/2")]
    await first.hold(four, never)
    await until(lambda: first.leads)
    await second.hold(four, never)
    await asyncio.sleep(0.1)
    assert not second.leads
    await first.release()
    await until(lambda: second.leads)


async def test_the_locks_are_as_many_as_the_shards_and_go_with_the_process(process, url):
    leases, _ = await process()
    await leases.hold(four, never)
    held = "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = $1::bigint::oid"
    assert {row["objid"] for row in await asked(url, held, SHARD_LOCKS)} == set(range(SHARDS))
    await leases.release()
    assert await asked(url, held, SHARD_LOCKS) == []
    assert await rows_of(leases._database, ProcessRow) == []


def test_whoever_has_no_driver_for_postgresql_needs_none():
    """It is an extra, and a file needs no leases."""
    code = "import sys\nsys.modules['asyncpg'] = None\nimport bot.storage.open_storage, bot.app.runtime, bot.client\n"
    ran = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert ran.returncode == 0
