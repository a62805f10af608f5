"""`vibecheck score-server` in a process of its own, as bots on other machines have it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.demo.launch import stop, without_secrets

STARTED_SECONDS = 90.0
TOKEN = "only-of-these-tests-0123"

_ROOT = Path(__file__).parents[1]
_SMALL = {"THREADS": "1", "BATCH_TOKENS": "1024", "BACKEND": "onnxruntime", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class ScoreProcess:
    """The process, the address of its route, and the file that holds its standard error."""

    process: asyncio.subprocess.Process
    url: str
    stderr: Path

    @property
    def said(self) -> str:
        return self.stderr.read_text("utf-8")


async def launched(folder: Path, *arguments: str, **settings: str) -> tuple[asyncio.subprocess.Process, Path]:
    """Just started."""
    folder.mkdir(parents=True, exist_ok=True)
    stderr = folder / "stderr"
    with stderr.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "score-server", *arguments),
            stderr=file.fileno(),
            stdin=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={**without_secrets(os.environ), "PYTHONPATH": str(_ROOT), **_SMALL, **settings},
            start_new_session=True,
        )
    return process, stderr


@asynccontextmanager
async def score_process(folder: Path, port: int = 0, **settings: str) -> AsyncIterator[ScoreProcess]:
    """A server that is ready. Raises AssertionError for one that ends before."""
    process, stderr = await launched(folder, "--port", str(port), **settings)
    try:
        async with asyncio.timeout(STARTED_SECONDS):
            while not (found := re.search(r"texts are scored at (\S+) by", stderr.read_text("utf-8"))):
                assert process.returncode is None, stderr.read_text("utf-8")
                await asyncio.sleep(0.05)
        yield ScoreProcess(process, found[1], stderr)
    finally:
        await stop(process)
