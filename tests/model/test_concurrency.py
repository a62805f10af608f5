"""Threads and event loops: results on their way, and work that is told to end."""

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress

import pytest

from model.concurrency import Crew, Mailbox, in_thread, unless

PATIENCE = 60


async def test_results_that_arrive_together_wake_the_loop_once(monkeypatch):
    mailbox, futures, wakings = Mailbox(), [Future() for _ in range(9)], []
    loop = asyncio.get_running_loop()
    wake = loop.call_soon_threadsafe
    waiters = [mailbox.expect(future) for future in futures]

    def woken(*given):
        wakings.append(given)
        return wake(*given)

    monkeypatch.setattr(loop, "call_soon_threadsafe", woken)
    for number, future in enumerate(futures):
        future.set_result(number)
    assert await asyncio.gather(*waiters) == list(range(9))
    assert len(wakings) == 1


async def test_an_error_and_a_cancelled_call_arrive_as_such():
    mailbox, failed, cancelled = Mailbox(), Future(), Future()
    waiters = [mailbox.expect(failed), mailbox.expect(cancelled)]
    failed.set_exception(KeyError("gone"))
    cancelled.cancel()
    found = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(one) for one in found] == [KeyError, asyncio.CancelledError]


def test_nothing_is_kept_for_a_loop_that_is_closed():
    mailbox, futures = Mailbox(), [Future(), Future()]

    async def leave():
        for future in futures:
            mailbox.expect(future)
        asyncio.get_running_loop().call_soon(futures[0].set_result, 1)  # arrives as the loop ends

    asyncio.run(leave())
    futures[1].set_result(2)
    assert not mailbox._arrived


async def test_work_goes_on_until_it_is_done_or_told_to_stop():
    stop, begun, ended = asyncio.Event(), asyncio.Event(), []

    async def work():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    assert await unless(stop, asyncio.sleep(0, "done"), grace=PATIENCE) == "done"
    waiting = asyncio.create_task(unless(stop, work(), grace=PATIENCE))
    await begun.wait()
    stop.set()
    assert await waiting is None
    assert ended == ["work"]


async def test_work_that_does_not_end_when_it_is_told_to_is_left_to_itself():
    stop, go_on = asyncio.Event(), asyncio.Event()

    async def stubborn():
        while not go_on.is_set():
            with suppress(asyncio.CancelledError):
                await go_on.wait()

    stop.set()
    assert await asyncio.wait_for(unless(stop, stubborn(), grace=0.01), PATIENCE) is None
    go_on.set()


async def test_who_waits_for_work_and_is_cancelled_takes_it_along():
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(unless(asyncio.Event(), work(), grace=PATIENCE))
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(ended.wait(), PATIENCE)


async def test_a_call_that_blocks_is_made_in_a_thread_that_ends_with_the_process():
    thread = await in_thread(threading.current_thread)
    assert thread is not threading.current_thread()
    assert thread.daemon
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 / 0)


def test_a_crew_that_is_called_from_many_threads_starts_no_more_than_its_own():
    crew, both = Crew("crowd", 1), threading.Barrier(8)
    names = []

    def call():
        both.wait(PATIENCE)
        names.append(crew.submit(threading.get_ident).result(PATIENCE))

    callers = [threading.Thread(target=call) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(PATIENCE)
    crew.close()
    assert len(names) == 8
    assert len(set(names)) == 1
