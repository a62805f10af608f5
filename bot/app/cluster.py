"""One process of several (CLUSTER): it waits for its shards before it connects, and ends when another has taken one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import discord

from bot.storage.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from bot.app.service_manager import ServiceManager
    from bot.link.traffic import Traffic
    from bot.storage.leases import Leases
    from bot.storage.open_storage import Storage

_log = logging.getLogger(__name__)

TOO_FEW = {4010, 4011}
"""Close codes with which Discord wants the servers spread over more shards."""


class LeaseLost(Exception):
    """Another process has taken a shard of this one, which must not go on with it."""


async def hold_shards(storage: Storage, token: str, manager: ServiceManager, traffic: Traffic) -> Storage:
    """Waits until the shards of this process are its own; then the storage has the signs of life of that moment.

    It is the same storage where nothing was to be waited for: a process alone has all shards. Raises
    DatabaseUnavailable, and what Discord and the network raise.
    """
    leases = storage.leases
    if leases is None or (leases.held and not leases.lost.is_set()):
        return storage
    await leases.release()

    def waits(words: str) -> None:
        manager.tell(f"STATUS=waiting: {words}")
        _log.info("waiting: %s", words)

    await leases.hold(partial(_count_of_shards, token, traffic), waits)
    held = sorted(leases.held)
    _log.info("holds %d of %d shards: %s", len(held), leases.shards.count, ", ".join(map(str, held)))
    return await with_signs_of_life(storage)


async def until_lost(leases: Leases | None, work: Coroutine[Any, Any, None]) -> None:
    """Does the work. Raises LeaseLost as soon as another process has taken a shard; the work is then broken off."""
    if leases is None:
        await work
        return
    working, losing = asyncio.ensure_future(work), asyncio.ensure_future(leases.lost.wait())
    try:
        await asyncio.wait((working, losing), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise LeaseLost
        working.result()
    finally:
        for task in (working, losing):
            task.cancel()
        await asyncio.wait((working, losing), timeout=0.1)


async def let_go(storage: Storage, error: BaseException | None) -> None:
    """Writes what there is and lets go of the shards, if that is what the error calls for.

    The processes agree on another number of shards once all have let go.
    """
    calls_for_it = isinstance(error, LeaseLost) or getattr(error, "code", None) in TOO_FEW
    if storage.leases is None or not calls_for_it:
        return
    try:
        await storage.write_buffer.flush()
    except DatabaseUnavailable as trouble:
        _log.warning("%s", trouble)
    await storage.leases.release()


async def with_signs_of_life(storage: Storage) -> Storage:
    """The same with when messages were last seen, by the signs of life; as known before where it does not answer."""
    try:
        alive, shards_alive = await storage.moods.last_alive(), await storage.moods.shards_alive()
    except DatabaseUnavailable:
        return storage
    return replace(storage, last_alive=alive, shards_alive=shards_alive)


async def _count_of_shards(token: str, traffic: Traffic) -> int:
    """How many shards Discord wants. Raises what Discord and the network raise."""
    trace = traffic.watch(aiohttp.TraceConfig())
    async with discord.Client(intents=discord.Intents.none(), http_trace=trace) as client:
        await client.login(token)
        count, _, _ = await client.http.get_bot_gateway()
        return int(count)
