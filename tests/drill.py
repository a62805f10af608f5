"""The drill of docs/operations.md, with the real bot in a Discord on this machine: `python -m tests.drill`.

Killed, its disk lost, restored, a model rolled back, a version rolled back; each with the seconds from the fault until
the bot is ready again. `--older FOLDER` is a checkout of the last release, such as `git worktree add FOLDER v0.1.0`;
without it no version is rolled back. Where PostgreSQL is installed the first two are done with it as well.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from pydantic import SecretStr

from bot.demo.launch import _RUN_MODULE, bot_process, stop, wait_until_ready, without_secrets
from bot.demo.local_discord import TOKEN, LocalDiscord
from bot.demo.world import World, build_world
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.table_copy import sums_of
from model.checkpoints.checkpoint import BUNDLED_FOLDER
from tests.bot.storage.postgres import find_binaries, running_postgres
from tests.discord.wire import until

KEY = "a key that only the drill has"
COMPUTES = {"BACKEND": "onnxruntime"}
"""As without the extra `openvino`, with which a start that finds no backend.json tries both for half a minute."""

KEPT = ("told_hours", "told_days", "opt_outs", "channel_rules", "guild_settings")
"""Tables of which nothing changes while the bot only starts and stops."""


class Drill:
    """A bot with four made-up weeks behind it, in `folder`, with the database that `url` names, or a file."""

    def __init__(self, local: LocalDiscord, world: World, folder: Path, url: str | None) -> None:
        self.local, self.world, self.folder, self.url = local, world, folder, url
        self.data = folder / "data"
        self.elsewhere = folder / "elsewhere"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.environment = {
            **COMPUTES,
            "HASH_KEY": KEY,
            "METRICS_PORT": str(self.port),
            "ADMIN_GUILD": str(world.guild_id),
            "DATA_DIR": str(self.data),
            **({"DATABASE_URL": url} if url else {}),
        }

    @asynccontextmanager
    async def running(self, past: str | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
        """The bot, ready."""
        environment = {name: value for name, value in self.environment.items() if name != "DATA_DIR"}
        async with bot_process(self.local, self.data, environment, past=past) as process:
            await wait_until_ready(self.local, process)
            await self.ready()
            yield process

    async def ready(self) -> None:
        """Returns when /readyz is 200."""
        async with asyncio.timeout(300), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    def command(self, *words: str | Path) -> str:
        """What a command of ours says."""
        environment = {**without_secrets(os.environ), **self.environment}
        ran = subprocess.run(
            [sys.executable, "-m", "bot", *map(str, words)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise SystemExit(f"{words[0]} failed: {ran.stderr}")
        return ran.stdout

    async def kept(self) -> dict[str, object]:
        """The sums of what must be the same before and after."""
        url = SecretStr(self.url) if self.url else None
        settings = Settings(_env_file=None, data_dir=self.data, database_url=url)
        database = await Database.open(settings.data_dir, settings.database_url)
        try:
            async with database.read() as connection:
                sums = await sums_of(connection)
        finally:
            await database.close()
        return {name: sums[name] for name in KEPT}

    async def killed(self) -> float:
        """SIGKILL, and a start as a service manager does it."""
        async with self.running() as process:
            process.kill()
            await process.wait()
            begun = time.monotonic()
        async with self.running():
            return time.monotonic() - begun

    async def disk_lost(self) -> float:
        """All of DATA_DIR gone; back by a backup, the key and the newest erasures.log."""
        self.elsewhere.mkdir(exist_ok=True)
        identity = self.elsewhere / "backup.key"
        recipient = self.command("backup-key", identity).strip()
        copy = self.elsewhere / "backup.db.age"
        async with self.running():
            await asyncio.to_thread(self.command, "backup", copy, "--to", recipient)
            channel = next(iter(self.world.channels.values()))
            assert (await self.world.members[2].slash(channel, "privacy opt-out")).response is not None
        before = await self.kept()
        log = self.data / "erasures.log"
        if log.exists():
            shutil.copyfile(log, self.elsewhere / log.name)
        begun = time.monotonic()
        shutil.rmtree(self.data)
        self.data.mkdir(0o700)
        if (self.elsewhere / log.name).exists():
            shutil.copyfile(self.elsewhere / log.name, log)
        said = await asyncio.to_thread(self.command, "restore", copy, "--identity-file", identity)
        print("   ", said.strip().rpartition("now. ")[2])
        async with self.running():
            seconds = time.monotonic() - begun
        assert "opt-outs: 1" in said
        assert await self.kept() == before, "what came back is not what was there"
        return seconds

    async def model_rolled_back(self) -> float:
        """Another model is loaded by the owner, who then goes back."""
        other = self.folder / "other-model"
        shutil.copytree(BUNDLED_FOLDER, other, dirs_exist_ok=True)
        channel = next(iter(self.world.channels.values()))
        you = self.world.members[0]
        async with self.running():
            change = await you.slash(channel, "model reload", source=str(other))
            await until(lambda: not change.response.content.startswith("Still"))
            assert "instead of" in change.response.content
            begun = time.monotonic()
            back = await you.slash(channel, "model rollback")
            await until(lambda: not back.response.content.startswith("Still"))
            assert "instead of" in back.response.content
            return time.monotonic() - begun


async def version_rolled_back(local: LocalDiscord, folder: Path, older: Path) -> tuple[float, float]:
    """The last release writes a database, this version upgrades it, and the release gets its backup back."""
    data = folder / "versions"
    data.mkdir()

    async def start(program: Path) -> float:
        begun = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _RUN_MODULE, str(program), "bot.demo.bot_process", local.url, str(data)),
            stdin=asyncio.subprocess.PIPE,
            env={
                **{name: value for name, value in without_secrets(os.environ).items() if name != "PYTHONPATH"},
                **{"DISCORD_TOKEN": TOKEN, "LOG_LEVEL": "WARNING", "HASH_KEY": KEY, **COMPUTES},
            },
            cwd=folder,
            start_new_session=True,
        )
        try:
            await wait_until_ready(local, process)
            return time.monotonic() - begun
        finally:
            await stop(process)

    await start(older)
    copy = folder / "before.db"
    ours = Path(__file__).parents[1]
    environment = {**without_secrets(os.environ), "DATA_DIR": str(data), "PYTHONPATH": str(ours)}
    subprocess.run([sys.executable, "-m", "bot", "backup", str(copy)], env=environment, check=True, capture_output=True)
    upgraded = await start(ours)
    begun = time.monotonic()
    for file in data.glob("mood.db*"):
        file.unlink()
    shutil.copyfile(copy, data / "mood.db")
    await start(older)
    return upgraded, time.monotonic() - begun


async def main() -> None:
    """Does it all and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--older", type=Path, help="a checkout of the last release")
    parser.add_argument("--sqlite", action="store_true", help="without PostgreSQL")
    arguments = parser.parse_args()
    rows: list[tuple[str, float]] = []
    with ExitStack() as stack:
        binaries = None if arguments.sqlite else find_binaries()
        urls = [None, *([stack.enter_context(running_postgres(binaries))] if binaries else [])]
        filled: Path | None = None
        for url in urls:
            kind = "PostgreSQL" if url else "SQLite"
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vibecheck-drill-")))
            async with LocalDiscord() as local:
                drill = Drill(local, build_world(local), folder, url)
                drill.data.mkdir()
                if filled is None:
                    async with drill.running(drill.world.past()):
                        pass
                    filled = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "filled.db"
                    drill.command("backup", filled)
                else:
                    drill.command("restore", filled)
                rows.append((f"killed ({kind})", await drill.killed()))
                rows.append((f"the disk is lost, restored ({kind})", await drill.disk_lost()))
                if url is None:
                    rows.append(("a model is rolled back", await drill.model_rolled_back()))
        if arguments.older is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vibecheck-drill-")))
            async with LocalDiscord() as local:
                build_world(local)
                upgraded, back = await version_rolled_back(local, folder, arguments.older.absolute())
            rows += [("upgraded from the last release", upgraded), ("the version is rolled back", back)]
    for what, seconds in rows:
        print(f"{what:<45}{seconds:8.1f} s")


if __name__ == "__main__":
    asyncio.run(main())
