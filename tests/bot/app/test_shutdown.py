"""Stopping has one budget, and whatever hangs takes nothing from those that come after it."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager

import pytest

from bot.app.running import Running
from bot.app.runtime import end
from bot.app.shutdown import GRACE_SECONDS, LAST_SECONDS, SHARES, SHUTDOWN_SECONDS, ShutdownBudget, run_to_the_end
from bot.storage.patience import Patience
from bot.storage.write_buffer import WriteBuffer

PATIENCE = 20


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_the_shares_are_one_whole_within_the_four_seconds_that_are_promised():
    assert sum(SHARES.values()) == pytest.approx(1)
    assert GRACE_SECONDS + SHUTDOWN_SECONDS + LAST_SECONDS < 3.9


def test_who_needs_less_leaves_it_to_those_that_come_later():
    clock = Clock()
    budget = ShutdownBudget(10, clock)
    assert budget.share_of("jobs") == pytest.approx(10 * SHARES["jobs"])
    assert budget.share_of("messages") == pytest.approx(10 * (SHARES["jobs"] + SHARES["messages"]))
    clock.now += 10 * (SHARES["jobs"] + SHARES["messages"])
    assert budget.share_of("model") == pytest.approx(10 * SHARES["model"])


def test_the_last_has_its_share_when_every_one_before_took_all_of_theirs():
    clock = Clock()
    budget = ShutdownBudget(10, clock)
    for owner in SHARES:
        share = budget.share_of(owner)
        assert share == pytest.approx(10 * SHARES[owner])
        clock.now += share
    assert clock.now == pytest.approx(110)


def test_a_budget_that_is_spent_gives_nothing_and_never_less():
    clock = Clock()
    budget = ShutdownBudget(10, clock)
    clock.now += 60
    assert budget.share_of("store") == 0


async def test_an_owner_without_a_share_is_a_mistake():
    with pytest.raises(KeyError):
        await ShutdownBudget().give("kitchen", asyncio.sleep(0))


async def test_what_ends_in_time_gives_its_result_and_what_fails_is_logged_by_its_kind(caplog):
    async def fail():
        raise ValueError("somebody's words")

    budget = ShutdownBudget()
    assert await budget.give("jobs", asyncio.sleep(0, 7)) == 7
    assert await budget.give("store", fail()) is None
    assert "store: did not end well (ValueError)" in caplog.text
    assert "somebody's words" not in caplog.text


async def test_what_heeds_no_cancelling_is_left_behind(caplog):
    go_on = asyncio.Event()

    async def hang():
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue

    async with asyncio.timeout(PATIENCE):
        await ShutdownBudget(0.05).give("model", hang())
    assert "model: not ended" in caplog.text
    go_on.set()


class Hangs:
    """An owner that never ends, whatever it is asked to do."""

    def __init__(self):
        self.asked = []
        self.jobs = self
        self.storage = None

    async def close(self):
        self.asked.append("close")
        await asyncio.Event().wait()

    aclose = close

    async def drained(self, seconds):
        self.asked.append("drained")
        await asyncio.Event().wait()


async def test_when_everything_hangs_it_still_ends_and_everybody_was_asked():
    store, page, classifier, client = Hangs(), Hangs(), Hangs(), Hangs()
    budget = ShutdownBudget(0.2)
    async with asyncio.timeout(PATIENCE):
        await end(Running(store=store, page=page, classifier=classifier, client=client), budget)  # type: ignore[arg-type]
    assert store.asked == page.asked == classifier.asked == ["close"]
    assert client.asked == ["close", "drained", "close"]


class HungDatabase:
    """A PostgreSQL that takes the connection and does not answer."""

    dialect = "postgresql"

    def __init__(self):
        self.asked = asyncio.Event()
        self.patience = Patience()

    @asynccontextmanager
    async def write(self, *, own=False):
        self.asked.set()
        await asyncio.Event().wait()
        yield


async def test_a_database_that_hangs_does_not_keep_the_process(caplog):
    database = HungDatabase()
    buffer = WriteBuffer(database, interval=0.001)  # type: ignore[arg-type]
    buffer.start()
    buffer.deleted([1])
    async with asyncio.timeout(PATIENCE):
        await database.asked.wait()
        await ShutdownBudget(0.1).give("store", buffer.close())
    assert "store: not ended" in caplog.text


def test_a_thread_that_hangs_does_not_keep_the_loop_from_ending():
    go_on, entered = threading.Event(), threading.Event()

    def hang():
        entered.set()
        assert go_on.wait(PATIENCE)

    async def main():
        left = asyncio.get_running_loop().run_in_executor(None, hang)
        await asyncio.to_thread(entered.wait, PATIENCE)
        left.add_done_callback(lambda _: None)
        return 7

    started = time.monotonic()
    assert run_to_the_end(main()) == 7
    assert time.monotonic() - started < PATIENCE / 2
    go_on.set()


def test_a_task_that_nobody_ended_is_cancelled_at_the_end():
    cancelled = []

    async def stay():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    async def main():
        main.task = asyncio.create_task(stay())  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        return 0

    run_to_the_end(main())
    assert cancelled == [1]
