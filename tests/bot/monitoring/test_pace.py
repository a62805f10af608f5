"""What Discord takes from one bot is shared by its processes."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bot.monitoring.catch_up import REQUEST_SECONDS, CatchUp
from bot.monitoring.notice_check import SPACING, NoticeCheck
from bot.storage.open_storage import Storage


@pytest.mark.parametrize("processes", [1, 4])
async def test_notices_are_asked_for_at_one_pace_by_all_processes_together(processes):
    nobody: Any = None
    check = NoticeCheck(nobody, nobody, 7, processes)
    clock = asyncio.get_running_loop().time
    begun = clock()
    for _ in range(3):
        await check._pace()
    assert clock() - begun >= 0.99 * 2 * processes * SPACING


@pytest.mark.parametrize(("leases", "processes"), [(None, 1), (SimpleNamespace(cluster=SimpleNamespace(of=4)), 4)])
def test_what_was_missed_is_read_at_one_pace_by_all_processes_together(leases, processes):
    property_of_storage: Any = vars(Storage)["processes"]
    assert property_of_storage.fget(SimpleNamespace(leases=leases)) == processes
    storage: Any = SimpleNamespace(clock=SimpleNamespace(now=lambda: 0.0), last_alive=None, processes=processes)
    nobody: Any = None
    catch_up = CatchUp(storage, nobody, nobody, nobody, nobody, downtime=nobody, hours=24)
    assert catch_up._pause == processes * REQUEST_SECONDS
