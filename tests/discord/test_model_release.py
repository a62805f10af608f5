"""Three processes of the bot change their model together, or not at all, while people write in their servers."""

import asyncio
import itertools
import shutil
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import asyncpg
import discord
import pytest

from bot.demo.local_discord import LocalDiscord
from bot.domain.model_release import CANARY_MS, CANARY_SHARE
from model.checkpoints.checkpoint import BUNDLED_FOLDER, open_checkpoint
from model.scheduling.canary import is_among
from tests.bot.conftest import new_postgres_url, postgres
from tests.discord.test_clusters import Cluster, is_online, watched
from tests.discord.wire import answered, build_world, until
from tests.model.spoiling import edit

__all__ = ["new_postgres_url", "postgres"]
"""Fixtures of the bot's own tests."""

pytestmark = pytest.mark.timeout(420)

SHARDS = 3
PATIENCE = 150.0
"""Each of three processes loads another model, and tries it in a process of its own, on two cores at most."""

BUNDLED = open_checkpoint()
SOURCE = "~/new"


class Cast:
    """The processes, a server for each, its people, and the bot's owner in the first one."""

    def __init__(self, cluster, folder):
        self.cluster, self.local = cluster, cluster.local
        self.homes = [folder / f"home{number}" for number in range(SHARDS)]
        for home in self.homes:
            shutil.copytree(BUNDLED_FOLDER, home / "new")
            edit(temperature=BUNDLED.temperature * 1.001)(home / "new")
        self.new = open_checkpoint(str(self.homes[0] / "new"))
        chosen = next(number for number in itertools.count(10**11, SHARDS) if self.is_chosen(number))
        others = next(number for number in itertools.count(10**11, SHARDS) if not self.is_chosen(number))
        ids = (chosen, others + 1, others + 2)  # whatever the hash says of the last two
        self.worlds = [build_world(self.local, number << 22) for number in ids]
        guild = self.worlds[0].alice.guild
        role = guild.create_role("owners", permissions=discord.Permissions(administrator=True))
        self.owner = guild.add_member(self.local.create_user("olga"), roles=[role])
        self.local.rest.owner = self.owner.id
        self.settings = {"ADMIN_GUILD": str(guild.id)}
        self.processes = []

    def is_chosen(self, number):
        return is_among(number << 22, CANARY_SHARE, self.new.sha256)

    async def start(self, number):
        bot = await self.cluster.start(number, SHARDS, HOME=str(self.homes[number]), **self.settings)
        await until(partial(is_online, bot), PATIENCE)
        return bot

    async def model(self, command, **options):
        return await self.owner.slash(self.worlds[0].channel, f"model {command}", **options)

    async def ended(self, answer):
        """What is said in the end."""
        await until(lambda: answered(answer) and not answer.response.content.startswith("Still"), PATIENCE)
        return answer.response.content

    async def state(self):
        rows = await self.cluster.rows("SELECT state, reason FROM model_release ORDER BY number DESC LIMIT 1")
        return rows[0] if rows else ("", "")

    async def come_to(self, wanted):
        async with asyncio.timeout(PATIENCE):
            while (await self.state())[0] != wanted:
                await asyncio.sleep(0.1)

    async def hurry(self):
        """The minute of the canary goes by."""
        connection = await asyncpg.connect(self.cluster.url)
        try:
            await connection.execute("UPDATE model_release SET changed = changed - $1", CANARY_MS)
        finally:
            await connection.close()

    async def in_canary(self):
        """All of them answer some servers with the new one."""
        await self.come_to("canary")
        async with asyncio.timeout(PATIENCE):
            while await self.cluster.rows("SELECT 1 FROM model_reports WHERE state <> 'canary'"):
                await asyncio.sleep(0.1)

    async def models(self, world):
        """Which models have read that server's messages, one after the other."""
        question = f"SELECT model FROM message_scores WHERE guild_id = {world.alice.guild.id} ORDER BY message_id"
        return [name for name, _ in itertools.groupby(model for (model,) in await self.cluster.rows(question))]

    @asynccontextmanager
    async def writing(self):
        """Somebody writes in each server, all through; at the end every message has been read."""
        over, sent = asyncio.Event(), 0

        async def write():
            nonlocal sent
            while not over.is_set():
                for world in self.worlds:  # past simcord, which has one person do one thing at a time
                    sent += 1
                    text = f"what a lovely quiet evening number {sent}"
                    self.local.backend.create_message(world.channel.id, world.maya.id, text)
                await asyncio.sleep(0.5)

        task = asyncio.ensure_future(write())
        try:
            yield lambda: sent
        finally:
            over.set()
            await task
        async with asyncio.timeout(PATIENCE):
            while await self.cluster.rows("SELECT count(*) FROM message_scores") != [(sent,)]:
                await asyncio.sleep(0.2)


@pytest.fixture
async def cast(new_postgres_url, tmp_path):
    async with LocalDiscord(shards=SHARDS, patience=4.0) as local, AsyncExitStack() as stack:
        cast = Cast(Cluster(local, new_postgres_url.get_secret_value(), tmp_path, stack), tmp_path)
        for number in range(SHARDS):
            cast.processes.append(await cast.start(number))
        commands = partial(cast.owner.available_commands, cast.worlds[0].channel)
        await until(lambda: {"model status", "monitor enable"} <= set(commands()))
        for world in cast.worlds:
            await watched(world)
        yield cast
        assert "Traceback" not in "".join(bot.said for bot in cast.processes)


async def test_all_three_change_to_the_new_model_and_back_and_every_message_is_read(cast):
    async with cast.writing() as sent:
        await until(lambda: sent() > 6)
        answer = await cast.model("reload", source=SOURCE)
        await cast.in_canary()
        await until(lambda: answer.response is not None and answer.response.content.startswith("Still trying it on"))
        before = sent()
        await until(lambda: sent() > before + 6)
        await cast.hurry()
        said = await cast.ended(answer)
        assert said == (
            f"Now running model {cast.new.version} ({SOURCE}) in all {SHARDS} processes. `/model rollback` goes back."
        )
        for bot in cast.processes:
            await until(partial(lambda bot: "instead of" in bot.said, bot))
        before = sent()
        await until(lambda: sent() > before + 6)
    for world in cast.worlds:
        assert await cast.models(world) == [BUNDLED.version, cast.new.version]

    cast.processes[1].process.terminate()
    await cast.processes[1].process.wait()
    cast.processes[1] = await cast.start(1)
    assert f"model {cast.new.version} ready" in cast.processes[1].said
    status = await cast.model("status")
    await until(lambda: answered(status))
    (field,) = [field for field in status.response.embeds[0].fields if field.name == "Last release"]
    assert field.value.startswith(f"{SOURCE} ({cast.new.version}) answers everywhere")

    said = await cast.ended(await cast.model("rollback"))
    assert said.startswith(f"Now running model {BUNDLED.version} (bundled) in all {SHARDS} processes.")
    for bot in cast.processes:
        await until(
            partial(lambda bot: f"model {BUNDLED.version} answers instead of {cast.new.version}" in bot.said, bot)
        )


async def test_what_one_lacks_or_dies_of_nobody_gets(cast):
    shutil.move(cast.homes[2] / "new", cast.homes[2] / "elsewhere")
    said = await cast.ended(await cast.model("reload", source=SOURCE))
    assert said.startswith("CLUSTER=2/3 on ")
    assert said.endswith("The current model keeps running.")
    assert f'There\'s no model at "{SOURCE}".' in said

    shutil.move(cast.homes[2] / "elsewhere", cast.homes[2] / "new")
    async with cast.writing() as sent:
        await cast.model("reload", source=SOURCE)
        await cast.in_canary()
        before = sent()
        await until(lambda: sent() > before + 6)
        leader = next(place for place, bot in enumerate(cast.processes) if "release 2, of ~/new, is canary" in bot.said)
        cast.processes[leader].process.send_signal(signal.SIGKILL)
        await cast.processes[leader].process.wait()
        cast.processes[leader] = await cast.start(leader)
        await cast.come_to("refused")
        assert (await cast.state())[1].startswith(f"CLUSTER={leader}/3 on ")
        assert (await cast.state())[1].endswith(" has died or hangs.")
        before = sent()
        await until(lambda: sent() > before + 6)
    assert (await cast.models(cast.worlds[0]))[-1] == BUNDLED.version
    assert not any("instead of" in bot.said for bot in cast.processes)
