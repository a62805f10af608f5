"""Sessions are begun in turn, as Discord wants them, by all processes together."""

import asyncio
import itertools
import time

import pytest

from bot.link import identify
from bot.link.identify import IdentifyGate
from bot.link.limits import sessions_needed
from bot.storage.errors import DatabaseUnavailable

SECONDS = 0.2


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(identify, "IDENTIFY_SECONDS", SECONDS)


class Others:
    """Another process has the bucket until it is set free."""

    def __init__(self):
        self.free = asyncio.Event()
        self.taken = []

    async def take_bucket(self, bucket):
        await self.free.wait()
        self.taken.append(bucket)

    async def leave_bucket(self, bucket):
        self.taken.remove(bucket)
        raise DatabaseUnavailable("It is away.")


@pytest.mark.parametrize("concurrency", [1, 2, 4])
async def test_one_of_a_bucket_at_a_time_and_the_buckets_beside_each_other(concurrency):
    gate, begun = IdentifyGate(), {}

    async def begin(shard):
        await gate.enter(shard, concurrency)
        begun[shard] = time.monotonic()

    first = time.monotonic()
    await asyncio.gather(*map(begin, range(4)))
    for bucket in range(concurrency):
        times = sorted(at for shard, at in begun.items() if shard % concurrency == bucket)
        assert all(later - before >= 0.99 * SECONDS for before, later in itertools.pairwise(times))
    assert max(begun.values()) - first < (4 / concurrency - 1) * SECONDS + SECONDS
    gate.close()


async def test_while_another_process_has_the_bucket_nobody_begins():
    others = Others()
    gate = IdentifyGate(others)
    entering = asyncio.ensure_future(gate.enter(5, 2))
    await asyncio.sleep(0.01)
    assert not entering.done()
    others.free.set()
    await entering
    assert others.taken == [1]
    await asyncio.sleep(1.5 * SECONDS)
    assert others.taken == []
    await gate.enter(7, 2)
    gate.close()


async def test_who_is_cancelled_meanwhile_keeps_nobody_out():
    others = Others()
    gate = IdentifyGate(others)
    entering = asyncio.ensure_future(gate.enter(0, 1))
    await asyncio.sleep(0.01)
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)
    others.free.set()
    await asyncio.wait_for(gate.enter(1, 1), 1.0)
    gate.close()


async def test_whether_a_session_is_left_is_asked_when_the_bucket_is_its_own():
    gate, left, asked = IdentifyGate(), 2, []

    async def allowed():
        asked.append(left)

    async def begin(shard):
        nonlocal left
        await gate.enter(shard, 1, allowed)
        left -= 1

    await asyncio.gather(*map(begin, range(2)))
    assert asked == [2, 1]
    gate.close()


async def test_who_may_not_begin_gives_the_bucket_back():
    others = Others()
    others.free.set()
    gate = IdentifyGate(others)

    async def none_left():
        raise OSError

    with pytest.raises(OSError):
        await gate.enter(0, 1, none_left)
    await asyncio.wait_for(gate.enter(1, 1), 0.9 * SECONDS)
    assert others.taken == [0]
    gate.close()


def test_a_tenth_of_the_sessions_is_for_those_that_are_lost_meanwhile():
    assert [sessions_needed(*given) for given in ((1, 1), (9, 9), (10, 10), (12, 100))] == [1, 9, 11, 22]
