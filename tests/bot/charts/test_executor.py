"""The thread in which charts are drawn."""

import asyncio
import threading

import pytest

from bot.charts.executor import MOST_WAITING, ChartExecutor, TooBusy


async def test_work_is_done_one_piece_after_the_other_and_never_in_the_loops_thread():
    studio, running, seen = ChartExecutor(), [], []

    def work():
        running.append(threading.get_ident())
        seen.append(len(running))
        running.pop()
        return threading.get_ident()

    threads = await asyncio.gather(*(studio.do(work) for _ in range(MOST_WAITING)))
    assert set(threads) != {threading.get_ident()}
    assert (len(set(threads)), set(seen)) == (1, {1})
    studio.close()


async def test_what_fails_fails_for_whoever_asked_and_the_next_is_done():
    studio = ChartExecutor()
    with pytest.raises(ZeroDivisionError):
        await studio.do(lambda: 1 // 0)
    assert await studio.do(lambda: 7) == 7
    studio.close()


async def test_too_many_are_refused_at_once():
    studio, go_on = ChartExecutor(), threading.Event()
    waiting = [asyncio.ensure_future(studio.do(go_on.wait)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(TooBusy, match="try again in a moment"):
        await studio.do(lambda: None)
    go_on.set()
    assert await asyncio.gather(*waiting) == [True] * MOST_WAITING
    assert await studio.do(lambda: 7) == 7
    studio.close()
