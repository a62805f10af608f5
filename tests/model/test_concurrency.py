"""Results on their way from other threads into event loops."""

import asyncio
from concurrent.futures import Future

from model.concurrency import Mailbox


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
