"""The soak itself: a town, a bot, a page, a database, and one fault after the other until the time is over."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.app.open_model import open_classifier
from bot.app.page import has_extra
from bot.demo.local_discord import LocalDiscord
from bot.settings import Settings
from bot.storage.open_storage import open_storage
from bot.storage.pending_writes import kept_of
from model import Unreadable
from tests.bot.pasts import said, write
from tests.discord.wire import until
from tests.soak import checks
from tests.soak.bot import Bot
from tests.soak.faults import KINDS, Kind, Scene, schedule
from tests.soak.people import PEOPLE, Town
from tests.soak.plain_model import TEXTS, Meaning, PlainModel
from tests.soak.store import opened_store
from tests.soak.visitors import Visitors

KEY = "a key that only the soak has"
SETTLE_SECONDS = 150.0
"""What reading what was missed may take in the end, on a busy machine; it is over as soon as all is as it was said."""

NAMED_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, by which seed, and how much of it: messages and questions in a second."""

    seconds: float
    seed: int
    messages: float = 6.0
    questions: float = 1.0
    sqlite: bool = False
    judge_memory: bool = False
    """Then nothing is restarted after the first third, and in the second half the memory of that process is looked at:
    what it loads when it is first asked for is loaded by then.
    """
    tell: Callable[[str], object] = lambda _: None
    """Hears of each fault as it is over."""


@dataclass
class Report:
    """What came of it."""

    plan: Plan
    database: str = ""
    tried: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    numbers: dict[str, object] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)


async def soak(plan: Plan, folder: Path) -> Report:
    """Runs it to the end; the report says what broke."""
    report = Report(plan)
    async with LocalDiscord(patience=0.0) as local, opened_store(folder / "data", sqlite=plan.sqlite) as store:
        report.database = store.kind
        town = Town(local, PlainModel(), random.Random(plan.seed))
        settings = {"HASH_KEY": KEY} | ({"DATABASE_URL": store.url} if store.url else {})
        meanings = await _prepare(town, folder, settings)
        port = _free_port() if has_extra() else 0
        bot = Bot(local, folder, settings | {"WEB_PORT": str(port)})
        scene = Scene(local, bot, store, town, random.Random(plan.seed + 1))
        try:
            await _run(plan, scene, report, port)
            await _settle(scene, meanings)
            code = await bot.terminate()
            report.broken += [f"exit code {code} at the end"] if code else []
            await store.settled()
            await _judge(scene, report, meanings, [folder, store.folder])
        finally:
            await bot.close()
    return report


async def _prepare(town: Town, folder: Path, settings: dict[str, str]) -> dict[int, Meaning]:
    """Gives one channel three usual weeks, so that there can be an alert; returns what each text means."""
    chosen = Settings(
        _env_file=None,
        data_dir=folder / "data",
        database_url=SecretStr(settings["DATABASE_URL"]) if "DATABASE_URL" in settings else None,
        hash_key=SecretStr(KEY),
        threads=1,
    )
    hour = int(time.time() // 3600)
    past = [said(one, 30, 0.1 + 0.06 * (-1) ** one) for one in range(hour - 21 * 24, hour)]
    async with open_storage(chosen) as storage:
        await write(storage, town.guild.id, town.weather.id, past, before=hour)
    classifier = await open_classifier(chosen)
    meanings = {}
    for place, text in enumerate(TEXTS):
        try:
            score, sentiment, _ = kept_of(await classifier.classify(text, origin=1))
        except Unreadable as answer:
            score, sentiment, _ = kept_of(answer)
        meanings[place] = Meaning(sentiment, score)
    await classifier.close()
    return meanings


async def _run(plan: Plan, scene: Scene, report: Report, port: int) -> None:
    """The bot is set up, and then everything happens at once."""
    bot, town = scene.bot, scene.town
    visitors = Visitors(port, random.Random(plan.seed + 2))
    watching = asyncio.create_task(bot.watch())
    try:
        await bot.start()
        await _set_up(town)
        doings = [_often(plan.messages, town.write), _often(plan.messages / 6, town.write_on_the_porch)]
        doings += [_often(plan.questions, town.question), _minds(town, plan), _storm(town, plan), town.look()]
        doings += [visitors.come()] if port else []
        async with _meanwhile(doings):
            await _faults(plan, scene, report)
            await asyncio.sleep(3)
        if untold := await town.finish():
            report.broken.append(f"{untold} people were never told that what they asked for was done")
    finally:
        watching.cancel()
        report.numbers["page visits (kind, status)"] = dict(sorted(visitors.answers.items()))
    if watching.done() and not watching.cancelled() and (error := watching.exception()):
        raise error


async def _set_up(town: Town) -> None:
    """An admin has channels watched, and wants a digest that is due already."""
    for channel in (*town.channels, town.weather, town.porch):
        await _until_done(town, channel, "monitor enable")
        await until(lambda channel=channel: town.notices(channel))  # type: ignore[misc]
    due = time.gmtime().tm_hour
    await _until_done(town, town.mods, "monitor settings", mod_channel=town.mods, digest="daily", digest_hour=due)


async def _until_done(town: Town, channel: Any, name: str, **options: Any) -> None:
    asked = town.ask(town.admin, channel, name, **options)
    await until(lambda: asked.result.acknowledged and asked.result.response is not None)


async def _faults(plan: Plan, scene: Scene, report: Report) -> None:
    ends = time.monotonic() + plan.seconds
    third, half = (time.monotonic() + plan.seconds / part for part in (3, 2))
    first, second = schedule(plan.seed), schedule(plan.seed, restarts=False)
    await asyncio.sleep(scene.rng.uniform(1, 3))
    while time.monotonic() < ends:
        calm = plan.judge_memory and time.monotonic() > third
        if plan.judge_memory and time.monotonic() > half and "second half" not in report.numbers:
            report.numbers["second half"] = len(scene.bot.memory)
        kind = next(second if calm else first)
        report.tried[kind.name] += 1
        broken = await _one(kind, scene)
        report.broken += [f"{kind.name}: {one}" for one in broken]
        report.held[kind.name] += not broken
        plan.tell(f"{time.strftime('%H:%M:%S')} {kind.name}: {'; '.join(broken) or 'held'}")
        await asyncio.sleep(scene.rng.uniform(0.2, 3))


async def _one(kind: Kind, scene: Scene) -> list[str]:
    """A fault from its begin to its end; what broke."""
    since = len(scene.bot.lines)
    broken = await kind.work(scene)
    if kind.named is not None:
        named = kind.named
        try:
            await until(lambda: scene.bot.is_said(named, since), NAMED_SECONDS)
        except TimeoutError:
            broken.append("the log does not name it")
    return broken


async def _settle(scene: Scene, meanings: dict[int, Meaning]) -> None:
    """Everything goes well for as long as it takes until all is as it was said."""
    town, store, bot = scene.town, scene.store, scene.bot
    channels = [channel.id for channel in town.counted]
    ends = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < ends:
        broken = await checks.not_as_said(store, town.plain, channels, bot)
        if not broken and not await checks.sums_differ(store, town, meanings, channels, bot):
            return
        await asyncio.sleep(1)


async def _judge(scene: Scene, report: Report, meanings: dict[int, Meaning], folders: list[Path]) -> None:
    town, bot, store = scene.town, scene.bot, scene.store
    channels = [channel.id for channel in town.counted]
    report.broken += await checks.not_as_said(store, town.plain, channels, bot)
    report.broken += await checks.sums_differ(store, town, meanings, channels, bot)
    report.broken += await checks.read_without_a_notice(store, town, scene.disturbed)
    report.broken += checks.answered_twice(town) + checks.posted_twice(town)
    for kind, sentence in checks.hung(town.asked, bot, scene.disturbed, time.time()):
        (report.broken if kind == "hung" else report.late).append(sentence)
    report.broken += [f"ended by itself with exit code {code}" for code in bot.ended_by_itself]
    report.broken += [f"a word of somebody's: {found}" for found in await asyncio.to_thread(checks.words_in, folders)]
    report.errors = Counter(bot.errors()) + Counter(f"traceback: {line}" for line in bot.tracebacks())
    since = report.numbers.pop("second half", 0)
    judged = bot.memory[since if isinstance(since, int) else 0 :]
    grown = checks.growth(judged)
    if report.plan.judge_memory and grown > checks.MOST_GROWTH:
        report.broken.append(f"memory has grown by {grown:.1%} over the second half")
    counted = await checks.held_ids(store, channels)
    sizes = [size / 2**20 for size, _ in bot.memory]
    report.numbers |= {
        "messages written": town.messages,
        "messages held": len(counted),
        "of which nobody can know": sum(one.counted.value == "open" for one in town.plain.said.values()),
        "interactions": len(town.asked),
        "interactions answered after 3 s": len(report.late),
        "starts": bot.starts,
        "longest stop": f"{bot.longest_stop:.1f} s",
        "gaps": len(await store.rows("SELECT number FROM gaps")),
        "alerts": len(await store.rows("SELECT number FROM alerts")),
        "digests": len(await store.rows("SELECT period FROM digests")),
        "memory": f"at most {max(sizes):.0f} MB, {grown:+.1%} over the part that is judged",
        "of the bot, by tenths of that part": checks.tenths([size - page for size, page in judged]),
        "of its page": checks.tenths([page for _, page in judged]),
    }


async def _often(per_second: float, do: Any) -> None:
    while True:
        do()
        await asyncio.sleep(1 / per_second)


async def _minds(town: Town, plan: Plan) -> None:
    """One person after the other opts out, in, or has their data deleted; two at a time."""
    rng = random.Random(plan.seed + 3)
    while True:
        some = rng.sample(range(PEOPLE // 2), 2)
        await asyncio.gather(*(town.change_mind(person) for person in some))
        await asyncio.sleep(rng.uniform(0.5, 3))


async def _storm(town: Town, plan: Plan) -> None:
    """In the first third, many are angry at once where it is usually calm."""
    await asyncio.sleep(plan.seconds / 6)
    for _ in range(3):
        town.storm()
        await asyncio.sleep(1)


@asynccontextmanager
async def _meanwhile(doings: list[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """These go on during the block; when one fails, so does the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(doing) for doing in doings]
        yield
        for task in tasks:
            task.cancel()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def table(report: Report) -> str:
    """What there is to say, for a terminal."""
    width = max(len(kind.name) for kind in KINDS)
    lines = [f"seed {report.plan.seed}, {report.plan.seconds / 60:.1f} min, {report.database}"]
    lines.append(f"{'fault':{width}} tried held broken")
    for kind in KINDS:
        tried, held = report.tried[kind.name], report.held[kind.name]
        lines.append(f"{kind.name:{width}} {tried:5} {held:4} {tried - held:6}")
    lines += [f"{name}: {value}" for name, value in report.numbers.items()]
    lines += [f"error in the log, {times} times: {said_}" for said_, times in report.errors.most_common(12)]
    lines += [f"late: {one}" for one in report.late[:10]]
    lines += [f"BROKEN: {one}" for one in report.broken[:60]]
    lines.append(f"{len(report.broken)} broken")
    return "\n".join(lines)
