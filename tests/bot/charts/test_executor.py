"""The thread in which charts are drawn."""

import asyncio
import threading
from contextlib import ExitStack

import pytest

from bot.charts.executor import MOST_OF_ONE, MOST_WAITING, ChartExecutor, TooBusy


async def test_work_is_done_one_piece_after_the_other_and_never_in_the_loops_thread():
    charts, running, seen = ChartExecutor(), [], []

    def work():
        running.append(threading.get_ident())
        seen.append(len(running))
        running.pop()
        return threading.get_ident()

    threads = await asyncio.gather(*(charts.run(work) for _ in range(MOST_WAITING)))
    assert set(threads) != {threading.get_ident()}
    assert (len(set(threads)), set(seen)) == (1, {1})
    charts.close()


async def test_what_fails_fails_for_whoever_asked_and_the_next_is_done():
    charts = ChartExecutor()
    with pytest.raises(ZeroDivisionError):
        await charts.run(lambda: 1 // 0)
    assert await charts.run(lambda: 7) == 7
    charts.close()


async def test_too_many_are_refused_at_once():
    charts, go_on = ChartExecutor(), threading.Event()
    waiting = [asyncio.ensure_future(charts.run(go_on.wait)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(TooBusy, match="try again in a moment"):
        await charts.run(lambda: None)
    go_on.set()
    assert await asyncio.gather(*waiting) == [True] * MOST_WAITING
    assert await charts.run(lambda: 7) == 7
    charts.close()


def test_one_person_waits_for_few_answers_at_a_time_and_takes_no_others_place():
    charts = ChartExecutor()
    with ExitStack() as waiting:
        for _ in range(MOST_OF_ONE):
            waiting.enter_context(charts.answer_for(1))
        with pytest.raises(TooBusy, match="once they're here"), charts.answer_for(1):
            pass
        with charts.answer_for(2):
            pass
    with charts.answer_for(1):
        pass
    assert not charts._answers
    assert 2 * MOST_OF_ONE <= MOST_WAITING
