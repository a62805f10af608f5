"""What is done again and again."""

import asyncio

from bot.background_jobs import BackgroundJobs


async def test_a_job_that_fails_is_tried_again_and_keeps_no_other_from_its_turn(caplog):
    upkeep, done = BackgroundJobs(clock=lambda: 12.0), []

    async def fail(now):
        done.append(("fail", now))
        raise ValueError("somebody's words")

    async def work(now):
        done.append(("work", now))

    upkeep.add("the failing job", fail)
    upkeep.add("the good job", work)
    await upkeep.tick()
    await upkeep.tick()
    assert done == [("fail", 12.0), ("work", 12.0)] * 2
    assert "the failing job failed (ValueError)" in caplog.text
    assert "somebody's words" not in caplog.text


async def test_it_ticks_at_once_and_again_until_it_is_closed():
    upkeep, twice, ticks = BackgroundJobs(interval=0.001), asyncio.Event(), []

    async def work(_now):
        ticks.append(1)
        if len(ticks) == 2:
            twice.set()

    upkeep.add("work", work)
    upkeep.start()
    async with asyncio.timeout(20):
        await twice.wait()
    await upkeep.close()
    count = len(ticks)
    await asyncio.sleep(0.02)
    assert len(ticks) == count


async def test_closing_does_not_wait_for_a_job_that_hangs():
    upkeep, entered = BackgroundJobs(), asyncio.Event()

    async def hang(_now):
        entered.set()
        await asyncio.Event().wait()

    upkeep.add("hang", hang)
    upkeep.start()
    async with asyncio.timeout(20):
        await entered.wait()
        await upkeep.close()
