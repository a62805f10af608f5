"""What goes between Discord and this process, counted: kinds of events, routes and commands, and nobody's ids."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Protocol, cast

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot.link.brake import Brake
from model.histogram import Histogram

SECONDS = (0.25, 1.0, 3.0, 10.0, 60.0)
"""Bounds for how long a command took; Discord waits for three seconds."""

MOST_ROUTES, MOST_COMMANDS, MOST_EVENTS = 50, 45, 40
"""Routes with a status, commands with a result, and kinds of events; what comes beyond them counts as "other".

Each is a series, a command eight: `tests/bot/app/test_metrics.py` adds up what there can be in all.
"""

INVALID_SECONDS = 600.0
"""Discord keeps an address out that has made 10,000 invalid requests in so many seconds."""

_INVALID = {401, 403, 429}
_MOST_OPEN = 1000
_TOKEN_CHARACTERS = 20
_OTHER = "other"


class Traffic:
    """For one client after the other. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.events: Counter[str] = Counter()
        self.sessions: Counter[tuple[int, str]] = Counter()
        """By shard and kind: "identify" for a new session, "resume" for one that goes on."""
        self.up: dict[int, bool] = {}
        """Of each shard that had a session, whether it has one now: not only a connection."""
        self.requests: Counter[tuple[str, int]] = Counter()
        """By route and status; 0: no answer came."""
        self.commands: dict[tuple[str, str], Histogram] = {}
        """By name and result ("ok", "failed", "refused"): seconds until a command was done with."""
        self.identifies_remaining: int | None = None
        """Sessions that Discord lets begin today, as it said last."""
        self.brake = Brake(self.invalid_requests, clock=clock)
        self._clock = clock
        self._invalid: deque[float] = deque()
        self._open: OrderedDict[int, float] = OrderedDict()

    def listen(self, client: commands.AutoShardedBot) -> None:
        """Counts what the client hears."""
        for heard, name in (
            (self._event, "on_socket_event_type"),
            (self._connected, "on_shard_connect"),
            (self._resumed, "on_shard_resumed"),
            (self._disconnected, "on_shard_disconnect"),
            (self._completed, "on_app_command_completion"),
        ):
            client.add_listener(heard, name)

    def watch(self, trace: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
        """Counts what the library's HTTP client asks, and keeps it from asking too much."""
        trace.on_request_end.append(self._answered)
        trace.on_request_exception.append(self._unanswered)
        return self.brake.watch(trace)

    def session(self) -> aiohttp.ClientSession:
        """For what is asked of Discord beside the library's HTTP client: counted and kept back as what that asks."""
        return aiohttp.ClientSession(trace_configs=[self.watch(aiohttp.TraceConfig())])

    def invalid_requests(self) -> int:
        """Refused ones of the last ten minutes."""
        before = self._clock() - INVALID_SECONDS
        while self._invalid and self._invalid[0] < before:
            self._invalid.popleft()
        return len(self._invalid)

    def ended(self) -> None:
        """The client has ended: no shard has a session."""
        self.up.clear()

    def begun(self, interaction: discord.Interaction[Any]) -> None:
        """A command begins; before anything of it is done."""
        if interaction.type is discord.InteractionType.application_command:
            self._open[interaction.id] = self._clock()
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)

    def refused(self, interaction: discord.Interaction[Any]) -> None:
        """A command was not allowed, and has been answered."""
        self._done(interaction, interaction.command, "refused")

    def failed(self, interaction: discord.Interaction[Any]) -> None:
        """A command ended with an error."""
        self._done(interaction, interaction.command, "failed")

    async def _event(self, event: str) -> None:
        self.events[event if event in self.events or len(self.events) < MOST_EVENTS else _OTHER] += 1

    async def _connected(self, shard_id: int) -> None:
        self.sessions[shard_id, "identify"] += 1
        self.up[shard_id] = True

    async def _resumed(self, shard_id: int) -> None:
        self.sessions[shard_id, "resume"] += 1
        self.up[shard_id] = True

    async def _disconnected(self, shard_id: int) -> None:
        self.up[shard_id] = False

    async def _completed(
        self,
        interaction: discord.Interaction[Any],
        command: app_commands.Command[Any, ..., Any] | app_commands.ContextMenu,
    ) -> None:
        self._done(interaction, command, "ok")

    def _done(self, interaction: discord.Interaction[Any], command: Any, result: str) -> None:
        begun = self._open.pop(interaction.id, None)
        if begun is None:
            return
        name = getattr(command, "qualified_name", _OTHER)
        if (name, result) not in self.commands and len(self.commands) >= MOST_COMMANDS:
            name = _OTHER
        self.commands.setdefault((name, result), Histogram(SECONDS)).observe(self._clock() - begun)

    async def _answered(self, _session: object, _context: SimpleNamespace, end: aiohttp.TraceRequestEndParams) -> None:
        shared = end.response.headers.get("X-RateLimit-Scope") == "shared"
        self._count(end.method, end.url.raw_path, end.response.status, is_ours=not shared)

    async def _unanswered(
        self, _session: object, _context: SimpleNamespace, end: aiohttp.TraceRequestExceptionParams
    ) -> None:
        self._count(end.method, end.url.raw_path, 0)

    def _count(self, method: str, path: str, status: int, *, is_ours: bool = True) -> None:
        """Not `is_ours`: it was refused for what others asked, which Discord does not hold against this address."""
        known = f"{method} {route_of(path)}"
        if (known, status) not in self.requests and len(self.requests) >= MOST_ROUTES:
            known = _OTHER
        self.requests[known, status] += 1
        if status in _INVALID and is_ours:
            self._invalid.append(self._clock())
            self.invalid_requests()


class _Counting(Protocol):
    traffic: Traffic


def traffic_of(interaction: discord.Interaction[Any]) -> Traffic:
    """That of the client which was asked."""
    return cast(_Counting, interaction.client).traffic


def route_of(path: str) -> str:
    """A path of Discord's API without whose it is: ids, tokens and emoji are left out."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"]:
        parts = parts[2:]
    route = []
    for before, part in zip(["", *parts], parts, strict=False):
        if part.isdigit():
            route.append(":id")
        elif before == "reactions":
            route.append(":emoji")
        else:
            route.append(":token" if len(part) > _TOKEN_CHARACTERS else part)
    return "/" + "/".join(route)
