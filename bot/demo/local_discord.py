"""A Discord on this machine: simcord's simulated world behind real HTTP and WebSocket connections.

simcord usually runs the bot inside its own event loop. Here the bot is an ordinary process of its own that was given
two other addresses, so everything between it and Discord is real: retries, resuming, signals, time.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Self

import discord
from aiohttp import web
from simcord import Env
from simcord._clock import Clock

from bot.demo.gateway import PATH, Gateway
from bot.demo.rest import RestApi

HOST = "127.0.0.1"
TOKEN = "local-demo"  # noqa: S105  # the token of a world that exists on this machine only
HEARTBEAT_SECONDS = 41.25
QUIET_SECONDS = 0.05
_LARGEST_REQUEST = 64 << 20


class WallClock(Clock):
    """The time of the simulated world: the real one, or earlier while its past is being written."""

    def __init__(self) -> None:
        self._behind = timedelta()
        self._started = time.monotonic()

    @property
    def elapsed(self) -> float:  # type: ignore[override]
        """Seconds since the world was made."""
        return time.monotonic() - self._started

    def now(self) -> datetime:
        """The world's UTC time."""
        return datetime.now(UTC) - self._behind

    def advance(self, seconds: float) -> None:
        """Does nothing: real time cannot be moved."""

    def set_back(self, ago: timedelta) -> None:
        """Lets everything from now on happen `ago`; zero returns to the present."""
        self._behind = ago


class LocalDiscord(Env):
    """An async context manager that serves one simulated Discord on `url` until it is left.

    simcord's own builders and actors (`create_guild`, `member.slash(...)`) work on it. An actor's call returns once the
    bot has answered; after `patience` seconds it no longer waits for an answer that the bot has deferred, and after 3
    seconds, Discord's limit, not for one that it has not acknowledged either.

    Faults for tests: `rate_limit`, `http_error`, `rest.latency`, `gateway.drop_sockets`, `gateway.invalidate`,
    `gateway.ask_to_reconnect`, `gateway.left_out`. What Discord allows (`bot.demo.limits`): `rest.sessions` for both
    sides, `rest.global_limit`, `rest.invalid`, `gateway.guilds_per_shard`.
    """

    ACKNOWLEDGE_SECONDS = 3.0
    rest_type = RestApi
    gateway_type = Gateway

    def __init__(
        self,
        *,
        port: int = 0,
        token: str = TOKEN,
        shards: int = 1,
        approved_intents: discord.Intents | None = None,
        heartbeat_interval: float = HEARTBEAT_SECONDS,
        patience: float = 30.0,
    ) -> None:
        # simcord asks its bot for cached objects only; the real bot is in another process.
        super().__init__(discord.Client(intents=discord.Intents.none()), check_errors=False)
        self.clock = WallClock()
        self.backend.clock = self.clock
        self.patience = patience
        self.rest = self.rest_type(self.backend, token, shards=shards)
        self.gateway = self.gateway_type(
            self.backend,
            token,
            approved_intents=approved_intents or discord.Intents.all(),
            heartbeat_interval=heartbeat_interval,
            localise=self.rest.localise,
            limits=self.rest.sessions,
        )
        self.gateway.reset_token = self.reset_token
        self._port = port
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        """Where a bot finds this Discord, such as http://127.0.0.1:41234."""
        return self.rest.origin

    @property
    def has_bot(self) -> bool:
        """Whether a bot is connected and its commands are registered."""
        return bool(self.gateway.connected) and bool(self.backend.commands.get(None))

    @property
    def requests(self) -> list[str]:
        """Every REST request so far, as "METHOD /path"."""
        return self.rest.log

    def rate_limit(self, method: str, path: str, retry_after: float = 0.5, times: int = 1) -> None:
        """Answers the next `times` matching requests with 429; `path` is an fnmatch pattern, as "/users/@me"."""
        self.rest.rate_limit(method, path, retry_after=retry_after, times=times)

    def http_error(self, method: str, path: str, status: int, code: int = 0, times: int = 1) -> None:
        """Answers the next `times` matching requests with an error."""
        self.rest.http_error(method, path, status=status, code=code, times=times)

    def reset_token(self, token: str | None = None) -> None:
        """The bot's token is another from now on, and whoever uses the former one is refused."""
        fresh = token or secrets.token_hex(16)
        self.rest.token = fresh
        self.gateway.use_token(fresh)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        app.on_response_prepare.append(self._date)
        app.router.add_get(PATH, self.gateway.serve)
        app.router.add_get(PATH + "/", self.gateway.serve)
        self.rest.add_routes(app.router)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, HOST, self._port)
        await self._site.start()
        port = self._runner.addresses[0][1]
        self.rest.origin = self.gateway.origin = f"http://{HOST}:{port}"
        # What Env.start() does, without taking over the event loop and the clock for a bot that is not in it.
        self._loop = asyncio.get_running_loop()
        self._message_states.add(self.bot._connection)
        self._generation = 1
        self._started = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._run_pre_shutdown()
        self._started = False
        if self._site is not None:
            await self._site.stop()  # first of all, or a bot comes back before everything is closed, and hangs
        await self.gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Every answer says what time it is in this world."""
        response.headers["Date"] = format_datetime(self.clock.now(), usegmt=True)

    async def _settle_internal(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # the signature is simcord's
        idle: float = 0.05,
        dispatch: str | None = None,
        _deadline: float | None = None,
    ) -> None:
        """Waits until the bot has answered and nothing moves any more."""
        started = time.monotonic()
        self.rest.last_activity = started
        while self._is_waiting(time.monotonic() - started, dispatch):  # noqa: ASYNC110  # many things to watch
            await asyncio.sleep(0.01)

    def _is_waiting(self, waited: float, dispatch: str | None) -> bool:
        if waited > self.patience:
            return False
        if dispatch == "INTERACTION_CREATE":
            newest = next(reversed(self.backend.interactions.values()), None)
            if newest is not None and not newest.responded:
                return waited < self.ACKNOWLEDGE_SECONDS
            if newest is not None and newest.loading:
                return True
        last = max(self.rest.last_activity, self.gateway.last_activity)
        return self.rest.in_flight > 0 or time.monotonic() - last < QUIET_SECONDS
