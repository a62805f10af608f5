"""The bot's process: started, ended and killed, with what it says, how much memory it has, and when it was away."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from bot.demo.launch import bot_process
from bot.demo.local_discord import LocalDiscord
from tests.discord.wire import ONE_THREAD, until
from tests.soak.store import children_of

READY_SECONDS = 120.0
"""How long a start may take: beside other tests it is slow, and the page is large."""

UNWRITTEN_SECONDS = 6.0
"""What a killed process may take along: it writes every five seconds, and reads what has just come in."""

_PAGE = 4096
_LEVEL = re.compile(r"\S+ \S+ (ERROR|CRITICAL) ")


class Bot:
    """One process after the other, in the same folder."""

    def __init__(self, local: LocalDiscord, folder: Path, settings: dict[str, str]) -> None:
        self.data = folder / "data"
        self.log = folder / "log"
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.away: list[tuple[float, float]] = []
        """Times, by the clock `time.time`, in which no connection stood."""
        self.memory: list[tuple[int, int]] = []
        """Resident bytes, once a second: of the process with those it has started, and of these alone."""
        self.ended_by_itself: list[int] = []
        self.lost: list[tuple[float, float]] = []
        """Times, by the clock `time.time`, of which a killed process may have taken along what was not written yet."""
        self.starts = 0
        self.longest_stop = 0.0
        self._local = local
        self._settings = {
            **ONE_THREAD,
            "LOG_LEVEL": "DEBUG",
            "TMPDIR": str(self.temporary),
            "HOME": str(folder),
            **settings,
        }
        self._lines: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._stack = AsyncExitStack()
        self._away_since: float | None = time.time()
        self._on_purpose = True

    @property
    def lines(self) -> list[str]:
        """What all of them have said so far."""
        return self._lines

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.returncode is None

    @property
    def online(self) -> bool:
        """Whether it is connected."""
        return self.runs and bool(self._local.gateway.connected)

    async def start(self) -> None:
        """Starts it and waits until it is connected."""
        ours, its = os.pipe()
        threading.Thread(target=self._listen, args=(ours,), daemon=True).start()
        said = len(self._lines)
        try:
            process = await self._stack.enter_async_context(
                bot_process(self._local, self.data, self._settings, stderr=its)
            )
        finally:
            os.close(its)
        self._process, self._on_purpose = process, False
        self.starts += 1
        await until(lambda: process.returncode is not None or self.is_said(r"is online after", said), READY_SECONDS)

    async def kill(self, *, unwritten_since: float | None = None) -> int:
        """The power fails; since then, or for as long as is usual, nothing could be written."""
        now = time.time()
        self.lost.append((min(now, unwritten_since or now) - UNWRITTEN_SECONDS, now + 0.2))
        return await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """It is told to stop; returns the exit code."""
        started = time.monotonic()
        code = await self._end(signal.SIGTERM)
        self.longest_stop = max(self.longest_stop, time.monotonic() - started)
        return code

    def reload(self) -> None:
        """The model is to be loaded anew."""
        self._signal(signal.SIGHUP)

    @asynccontextmanager
    async def full_disk(self) -> AsyncIterator[None]:
        """No file of it may grow any more; the log goes through a pipe and does."""
        process = self._process
        assert process is not None
        unlimited = resource.RLIM_INFINITY
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, unlimited))
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))

    def is_said(self, pattern: str, since: int = 0) -> bool:
        """Whether a line from that one on says so."""
        return any(re.search(pattern, line) for line in self._lines[since:])

    def tracebacks(self) -> list[str]:
        """Of each traceback, the line that names the error."""
        found, within = [], False
        for line in self._lines:
            within |= line.startswith("Traceback")
            if within and not line.startswith((" ", "Traceback")) and "DEBUG" not in line:
                found.append(line)
                within = False
        return found

    def errors(self) -> list[str]:
        """Lines that tell of an error, without their time."""
        return [line.split(" ", 2)[2] for line in self._lines if _LEVEL.match(line)]

    async def watch(self) -> None:
        """Notes when it is away and how much memory it has; and starts it again when it has ended by itself."""
        measured = 0.0
        while True:
            now = time.time()
            if not self.online and self._away_since is None:
                self._away_since = now
            elif self.online and self._away_since is not None:
                self.away.append((self._away_since, now))
                self._away_since = None
            if self.runs and now - measured >= 1.0:
                measured = now
                self.memory.append(self._resident())
            process = self._process
            if process is not None and process.returncode is not None and not self._on_purpose:
                self.ended_by_itself.append(process.returncode)
                self._local.gateway.sessions.clear()
                await self.start()
            await asyncio.sleep(0.02)

    def was_away(self, since: float, until_: float) -> bool:
        """Whether it was away at any moment between these two."""
        lasting = self._away_since is not None and self._away_since <= until_
        return lasting or any(begun <= until_ and ended >= since for begun, ended in self.away)

    async def close(self) -> None:
        """Ends whatever runs."""
        self._on_purpose = True
        await self._stack.aclose()

    async def _end(self, number: signal.Signals) -> int:
        process = self._process
        assert process is not None
        self._on_purpose = True
        self._signal(number)
        async with asyncio.timeout(READY_SECONDS):
            code = await process.wait()
        await until(lambda: not self._local.gateway.connected)
        self._local.gateway.sessions.clear()  # nobody resumes them, and each would go on being told everything
        return code

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _resident(self) -> tuple[int, int]:
        process = self._process
        assert process is not None
        children = sum(map(_resident, children_of(process.pid)))
        return _resident(process.pid) + children, children

    def _listen(self, pipe: int) -> None:
        with open(pipe, encoding="utf-8", errors="replace") as said, self.log.open("a", encoding="utf-8") as log:
            for line in said:
                self._lines.append(line.rstrip("\n"))
                log.write(line)
                log.flush()


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
