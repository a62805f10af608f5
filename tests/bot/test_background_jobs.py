"""What is done again and again."""

import asyncio

import aiohttp
import pytest

from bot.background_jobs import AT_ONCE, BackgroundJobs, Job, PutOff, ServerTurns, in_turn
from bot.storage.errors import DatabaseUnavailable


async def test_a_job_that_fails_is_tried_again_and_keeps_no_other_from_its_turn(caplog):
    done = []

    async def fail(now):
        done.append(("fail", now))
        raise ValueError("somebody's words")

    async def work(now):
        done.append(("work", now))

    jobs = BackgroundJobs((Job("the failing job", fail), Job("the good job", work)), clock=lambda: 12.0)
    await jobs.tick()
    await jobs.tick()
    assert sorted(done) == [("fail", 12.0)] * 2 + [("work", 12.0)] * 2
    assert "the failing job failed (ValueError)" in caplog.text
    assert "somebody's words" not in caplog.text
    failing, good = jobs.states().values()
    assert (failing.runs, failing.failed, failing.succeeded) == (2, 2, None)
    assert (good.runs, good.failed, good.succeeded) == (2, 0, 12.0)


async def test_a_job_that_stands_back_has_neither_failed_nor_succeeded(caplog):
    async def work(_now):
        raise PutOff

    jobs = BackgroundJobs((Job("work", work),), clock=lambda: 12.0)
    await jobs.tick()
    state = jobs.states()["work"]
    assert (state.runs, state.put_off, state.failed, state.succeeded) == (1, 1, 0, None)
    assert not caplog.text


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientOSError(104, "Connection reset by peer"),
        TimeoutError(),
        RuntimeError("Session is closed"),
        ExceptionGroup("several", [ValueError("somebody's words")]),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_a_run_fails_with_ends_that_run_only_and_is_said(caplog, error):
    """Something that a run waits for may be cancelled by others: that cancels neither the run nor the job."""
    again = asyncio.Event()
    runs = []

    async def work(_now):
        runs.append(1)
        if len(runs) == 1:
            raise error
        again.set()

    jobs = BackgroundJobs((Job("work", work, interval=0.001),))
    jobs.start()
    async with asyncio.timeout(20):
        await again.wait()
    await jobs.close()
    assert f"work failed ({type(error).__name__}) and is tried again" in caplog.text
    assert "somebody's words" not in caplog.text
    assert jobs.states()["work"].failed == 1


async def test_jobs_run_at_once_and_again_until_they_are_closed():
    twice, ticks = asyncio.Event(), []

    async def work(_now):
        ticks.append(1)
        if len(ticks) == 2:
            twice.set()

    jobs = BackgroundJobs((Job("work", work, interval=0.001),))
    jobs.start()
    async with asyncio.timeout(20):
        await twice.wait()
    await jobs.close()
    count = len(ticks)
    await asyncio.sleep(0.02)
    assert len(ticks) == count


async def test_a_job_that_hangs_stops_no_other():
    """Alerts that wait for Discord must not keep what is old from being purged."""
    purged, often = [], asyncio.Event()

    async def hang(_now):
        await asyncio.Event().wait()

    async def purge(_now):
        purged.append(1)
        if len(purged) == 3:
            often.set()

    jobs = BackgroundJobs((Job("alerts", hang), Job("purging", purge, interval=0.001)))
    jobs.start()
    async with asyncio.timeout(20):
        await often.wait()
    await jobs.close()


async def test_a_job_that_overruns_is_broken_off_counted_and_run_again(caplog):
    begun, again, broken_off = [], asyncio.Event(), []

    async def hang(_now):
        begun.append(1)
        if len(begun) == 2:
            again.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            broken_off.append(1)
            raise

    jobs = BackgroundJobs((Job("alerts", hang, interval=0.001, limit=0.01),))
    jobs.start()
    async with asyncio.timeout(20):
        await again.wait()
    await jobs.close()
    assert broken_off
    state = jobs.states()["alerts"]
    assert state.overran >= 1
    assert (state.failed, state.succeeded) == (0, None)
    assert "alerts took longer than 0 s and was broken off" in caplog.text


async def test_a_job_whose_own_wait_is_over_has_failed_and_not_overrun():
    async def wait(_now):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    jobs = BackgroundJobs((Job("wait", wait),))
    await jobs.tick()
    assert (jobs.states()["wait"].failed, jobs.states()["wait"].overran) == (1, 0)


async def test_closing_does_not_wait_for_a_job_that_hangs():
    entered = asyncio.Event()

    async def hang(_now):
        entered.set()
        await asyncio.Event().wait()

    jobs = BackgroundJobs((Job("hang", hang),))
    jobs.start()
    async with asyncio.timeout(20):
        await entered.wait()
        await jobs.close()


async def test_closing_leaves_a_job_behind_that_heeds_no_cancelling():
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def hang(_now):
        entered.set()
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue

    jobs = BackgroundJobs((Job("hang", hang),))
    jobs.start()
    async with asyncio.timeout(20):
        await entered.wait()
        await jobs.close()
    go_on.set()


def test_servers_come_in_turn_beginning_behind_the_last_that_was_reached():
    servers = [(30, "c"), (10, "a"), (20, "b")]
    assert in_turn(servers, 0) == [(10, "a"), (20, "b"), (30, "c")]
    assert in_turn(servers, 10) == [(20, "b"), (30, "c"), (10, "a")]
    assert in_turn(servers, 15) == in_turn(servers, 10)
    assert in_turn(servers, 30) == in_turn(servers, 0)
    assert in_turn([], 7) == []


async def test_servers_that_hang_longer_than_a_run_may_last_keep_nobody_from_being_reached():
    reached = set()
    last = 0

    async def look(_now):
        nonlocal last
        for server, _ in in_turn([(number, None) for number in range(1, 7)], last):
            last = server
            reached.add(server)
            await asyncio.sleep(0.02)

    jobs = BackgroundJobs((Job("alerts", look, limit=0.05),))
    for _ in range(6):
        await jobs.tick()
    assert jobs.states()["alerts"].overran == 6
    assert reached == set(range(1, 7))


async def test_what_goes_wrong_at_one_server_is_raised_when_the_others_have_had_their_turns(caplog):
    turns, done = ServerTurns("looks"), []

    async def turn(guild_id):
        if guild_id == 2:
            raise aiohttp.ServerDisconnectedError
        if guild_id == 3:
            raise KeyError("somebody's words")
        done.append(guild_id)

    with pytest.raises(KeyError):
        await turns.take(range(1, 30), turn)
    assert sorted(done) == [1, *range(4, 30)]
    assert "looks of server 2: put off (ServerDisconnectedError)" in caplog.text
    assert "somebody's words" not in caplog.text


async def test_without_a_database_no_further_turn_is_begun_and_those_under_way_end():
    turns, begun, ended, away = ServerTurns("looks"), [], [], asyncio.Event()

    async def turn(guild_id):
        begun.append(guild_id)
        if len(begun) == AT_ONCE:
            away.set()
            raise DatabaseUnavailable("no")
        await away.wait()
        await asyncio.sleep(0)
        ended.append(guild_id)

    with pytest.raises(DatabaseUnavailable):
        await turns.take(range(1, 30), turn)
    assert begun == list(range(1, AT_ONCE + 1))
    assert ended == begun[:-1]


async def test_a_run_that_is_broken_off_goes_on_behind_the_servers_that_it_reached():
    turns, begun, all_hang = ServerTurns("looks"), [], asyncio.Event()

    async def hang(guild_id):
        begun.append(guild_id)
        if len(begun) == AT_ONCE:
            all_hang.set()
        await asyncio.Event().wait()

    run = asyncio.ensure_future(turns.take(range(1, 10), hang))
    await all_hang.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    begun.clear()

    async def turn(guild_id):
        begun.append(guild_id)

    await turns.take(range(1, 10), turn)
    assert begun == [*range(AT_ONCE + 1, 10), *range(1, AT_ONCE + 1)]
