"""Strangers at the page beside the bot: real questions whose answers nobody fetches, slow and huge bodies, garbage."""

from __future__ import annotations

import asyncio
import io
import json
import random
import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from tests.discord.canary import CANARY, HATE

_JOIN = "/gradio_api/queue/join"
_HUGE = 25 * 2**20


@dataclass
class Visitors:
    """They come one after the other. `answers` are statuses by kind of visit; 0 where no connection was to be had."""

    port: int
    rng: random.Random
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    async def come(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{self.port}", timeout=timeout) as session:
            while True:
                visit = self.rng.choice((self._look, self._ask, self._huge, self._deep, self._wander, self._slow))
                status = 0
                with suppress(aiohttp.ClientError, TimeoutError, OSError):
                    status = await visit(session)
                self.answers[visit.__name__.lstrip("_"), status] += 1
                await asyncio.sleep(self.rng.uniform(0.2, 1.0))

    async def _look(self, session: aiohttp.ClientSession) -> int:
        async with session.get("/") as answer:
            await answer.read()
            return answer.status

    async def _ask(self, session: aiohttp.ClientSession) -> int:
        """A question, and nobody listens to the answer."""
        asked = {"fn_index": self.rng.randrange(8), "data": [HATE], "session_hash": secrets.token_hex(8)}
        async with session.post(_JOIN, json=asked) as answer:
            return answer.status

    async def _huge(self, session: aiohttp.ClientSession) -> int:
        headers = {"Content-Type": "application/json"}
        body = io.BytesIO(CANARY.encode() * (_HUGE // len(CANARY)))
        async with session.post(_JOIN, data=body, headers=headers) as answer:
            return answer.status

    async def _deep(self, session: aiohttp.ClientSession) -> int:
        body = "[" * 50_000 + json.dumps(CANARY) + "]" * 50_000
        async with session.post(_JOIN, data=body, headers={"Content-Type": "application/json"}) as answer:
            return answer.status

    async def _wander(self, session: aiohttp.ClientSession) -> int:
        path = self.rng.choice(
            ("/../../etc/passwd", f"/file={CANARY}", "/gradio_api/upload", f"/{secrets.token_hex(9)}")
        )
        method = self.rng.choice(("GET", "POST", "PUT", "DELETE", "TRACE"))
        async with session.request(method, path, data=secrets.token_bytes(99)) as answer:
            return answer.status

    async def _slow(self, _session: aiohttp.ClientSession) -> int:
        """A body that never comes whole."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            head = f"POST {_JOIN} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", "Content-Length: 999"
            writer.write("\r\n".join((*head, "", '{"data": ["')).encode())
            for letter in CANARY[: self.rng.randrange(1, 6)]:
                writer.write(letter.encode())
                await writer.drain()
                await asyncio.sleep(0.5)
            if self.rng.random() < 0.5:
                return 1  # hangs up
            async with asyncio.timeout(14):
                status = (await reader.readline()).split(b" ")
            return int(status[1]) if len(status) > 1 else 0
        finally:
            writer.close()
