"""What goes wrong: each kind, how long, and how the log names it. In which order is the seed's choice."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from bot.demo.gateway import Gateway
from bot.demo.local_discord import LocalDiscord
from tests.discord.wire import until
from tests.soak.bot import Bot
from tests.soak.people import Town
from tests.soak.store import Store

_BACK = "is online after"
_LOST = r"Attempting a reconnect|RESUMED|session has been invalidated|has connected to Gateway"


@dataclass
class Scene:
    """All that a fault may lay hands on."""

    local: LocalDiscord
    bot: Bot
    store: Store
    town: Town
    rng: random.Random
    disturbed: list[tuple[float, float]] = field(default_factory=list)
    """Times, by `time.time`, in which Discord's answers were made slow, wrong or none."""


Fault = Callable[[Scene], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. `work` returns what broke; `named` is how the log must tell of it.

    It is None where nothing fails that would have to be told: the bot waits, or tries again, and gets through.
    """

    name: str
    work: Fault
    named: str | None = None
    restarts: bool = False


async def _kill(scene: Scene) -> list[str]:
    code = await scene.bot.kill()
    await asyncio.sleep(scene.rng.uniform(0, 4))
    await scene.bot.start()
    return [] if code == -9 else [f"exit code {code} after kill -9"]


async def _kill_soon_after_a_start(scene: Scene) -> list[str]:
    """What was missed may not be read again yet."""
    broken = await _kill(scene)
    await asyncio.sleep(scene.rng.uniform(0, 7))
    return broken + await _kill(scene)


async def _terminate(scene: Scene) -> list[str]:
    code = await scene.bot.terminate()
    await asyncio.sleep(scene.rng.uniform(0, 4))
    await scene.bot.start()
    return [] if code == 0 else [f"exit code {code} after SIGTERM"]


async def _terminate_while_the_database_stands(scene: Scene) -> list[str]:
    async with scene.store.standing_still():
        await asyncio.sleep(scene.rng.uniform(0, 3))
        code = await scene.bot.terminate()
    await scene.bot.start()
    return [] if code == 0 else [f"exit code {code} after SIGTERM"]


def _lost(by: Callable[[Gateway], object]) -> Callable[[Scene], Awaitable[list[str]]]:
    async def lose(scene: Scene) -> list[str]:
        by(scene.local.gateway)
        return await _comes_back(scene)

    return lose


async def _comes_back(scene: Scene) -> list[str]:
    await asyncio.sleep(0.5)
    try:
        await until(lambda: scene.bot.online, 90)
    except TimeoutError:
        return ["not connected again after 90 s"]
    return []


async def _limited(scene: Scene) -> list[str]:
    for path in ("/interactions/*/callback", "/webhooks/*", "/channels/*"):
        scene.local.rate_limit("*", path, retry_after=scene.rng.uniform(0.2, 1.0), times=2)
    await until(lambda: any(not fault.times for fault in scene.local.rest._faults))
    return await _disturbed(scene)


async def _failing(scene: Scene) -> list[str]:
    scene.local.http_error("*", "*", status=scene.rng.choice((500, 502, 503, 504)), times=3)
    scene.local.rest.lose_answer("*", "*", status=502, times=1)
    scene.local.rest.break_connection("*", "*", times=2)
    return await _disturbed(scene)


async def _slow(scene: Scene) -> list[str]:
    scene.local.rest.latency = scene.rng.uniform(0.2, 1.2)
    broken = await _disturbed(scene)
    scene.local.rest.latency = 0.0
    return broken


async def _disturbed(scene: Scene) -> list[str]:
    begun = time.time()
    await asyncio.sleep(scene.rng.uniform(3, 6))
    scene.local.rest._faults.clear()
    scene.disturbed.append((begun, time.time()))
    return []


async def _stand_still(scene: Scene) -> list[str]:
    async with scene.store.standing_still():
        await asyncio.sleep(scene.rng.uniform(2, 9))
    return []


async def _kill_while_the_database_stands(scene: Scene) -> list[str]:
    begun = time.time()
    async with scene.store.standing_still():
        await asyncio.sleep(scene.rng.uniform(0, 8))
        code = await scene.bot.kill(unwritten_since=begun)
    await scene.bot.start()
    return [] if code == -9 else [f"exit code {code} after kill -9"]


async def _crash(scene: Scene) -> list[str]:
    await scene.store.crash()
    return []


async def _full(scene: Scene) -> list[str]:
    async with scene.bot.full_disk():
        await asyncio.sleep(scene.rng.uniform(2, 8))
    return []


async def _reload(scene: Scene) -> list[str]:
    scene.bot.reload()
    await asyncio.sleep(1)
    return []


async def _notice(scene: Scene) -> list[str]:
    town = scene.town
    while not town.delete_notice():
        town.ask(town.admin, town.porch, "monitor enable")
        await asyncio.sleep(5)
    return []


KINDS = (
    Kind("kill -9", _kill, _BACK, restarts=True),
    Kind("kill -9, and again soon after the start", _kill_soon_after_a_start, _BACK, restarts=True),
    Kind("SIGTERM", _terminate, "stopped", restarts=True),
    Kind("SIGTERM, the database standing still", _terminate_while_the_database_stands, _BACK, restarts=True),
    Kind("kill -9, the database standing still", _kill_while_the_database_stands, _BACK, restarts=True),
    Kind("connection cut", _lost(Gateway.drop_sockets), _LOST),
    Kind("connection cut, session forgotten", _lost(Gateway.forget_sessions), _LOST),
    Kind("session invalid", _lost(Gateway.invalidate), _LOST),
    Kind("asked to reconnect", _lost(Gateway.ask_to_reconnect), _LOST),
    Kind("429", _limited, "is rate limited"),
    Kind("5xx, lost answers, broken connections", _failing),
    Kind("slow Discord", _slow),
    Kind("database standing still", _stand_still),
    Kind("database crashed", _crash),
    Kind("full disk", _full),
    Kind("SIGHUP", _reload, "answers instead of"),
    Kind("notice deleted", _notice, r"the notice of channel \d+ was deleted"),
)


def schedule(seed: int, *, restarts: bool = True) -> Iterator[Kind]:
    """Every kind once in each round, shuffled anew; the same seed gives the same order."""
    rng = random.Random(f"{seed} {restarts}")
    while True:
        round_ = [kind for kind in KINDS if restarts or not kind.restarts]
        rng.shuffle(round_)
        yield from round_
