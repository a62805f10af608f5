"""Discord's gateway over a loopback WebSocket: sessions, heartbeats, resuming, shards and intents."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import Any

import discord
from aiohttp import WSMsgType, web
from simcord import intents as intent_rules
from simcord.backend import Backend, serializers

from bot.demo.limits import Begun, SessionLimits
from bot.demo.sessions import Line, Session

_log = logging.getLogger(__name__)

PATH = "/gateway"
ACKNOWLEDGE_AFTER = 0.005
"""Seconds; an answer in the same instant makes discord.py compute a latency before it has noted the heartbeat."""


class Op(IntEnum):
    """What a gateway frame is about."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Close(IntEnum):
    """Close codes: after the others a bot must not, or need not, try again."""

    AUTHENTICATION_FAILED = 4004
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    DISALLOWED_INTENTS = 4014


class _Hangup(Exception):
    """The connection is to be closed with a code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Gateway:
    """Serves events to any number of shards and keeps a `log` of the ops that bots sent."""

    def __init__(
        self,
        backend: Backend,
        token: str,
        *,
        approved_intents: discord.Intents,
        heartbeat_interval: float,
        localise: Callable[[str], str],
        limits: SessionLimits | None = None,
    ) -> None:
        self.log: list[Op] = []
        self.sessions: dict[str, Session] = {}
        self.last_activity = 0.0
        self.origin = ""
        self._backend = backend
        self._token = token
        self._approved = approved_intents
        self._heartbeat_interval = heartbeat_interval
        self._localise = localise
        self._sockets: dict[web.WebSocketResponse, Line] = {}
        self.outages: set[int] = set()
        self.shards_held: set[int] = set()
        """Shards that are not let in yet; they try again every five seconds."""
        self.limits = limits or SessionLimits()
        self.left_out: set[int] = set()
        """Servers of which READY says nothing from now on, as Discord's has failed to; `tell_of` ends that."""
        self.guilds_per_shard = 2500
        """With more servers than that a session is refused (4011)."""
        self.reset_token: Callable[[], None] = self._forget_token
        """What happens to a bot that has begun more sessions than it may."""
        backend.subscribers.append(self._broadcast)

    @property
    def connected(self) -> list[Session]:
        """Sessions that are online now."""
        return [session for session in self.sessions.values() if session.line is not None]

    def drop_sockets(self) -> None:
        """Cuts every connection without a goodbye, as a broken network does."""
        for session in self.connected:
            session.line = None
        for line in self._sockets.values():
            if line.transport is not None:
                line.transport.abort()

    def forget_sessions(self) -> None:
        """Cuts every connection and forgets it, as Discord does when nothing has been heard for a while."""
        self.sessions.clear()
        for line in self._sockets.values():
            if line.transport is not None:
                line.transport.abort()

    def begin_outage(self, guild_id: int) -> None:
        """A server is not there from now on, as bots notice that connect; those that are connected are told so."""
        self.outages.add(guild_id)
        self._broadcast("GUILD_DELETE", {"id": str(guild_id), "unavailable": True})

    def end_outage(self, guild_id: int) -> None:
        """It is there again."""
        self.outages.discard(guild_id)
        guild = self._backend.get_guild(guild_id)
        self._broadcast("GUILD_CREATE", serializers.guild_create_payload(self._backend, guild) | {"unavailable": False})

    def tell_of(self, guild_id: int, *, as_new: bool = False) -> None:
        """What READY has left out is told after all; `as_new` as if the bot had just been added to that server."""
        self.left_out.discard(guild_id)
        shown = dict(serializers.guild_create_payload(self._backend, self._backend.get_guild(guild_id)))
        if as_new:
            shown.pop("unavailable", None)
        for session in self.sessions.values():
            if guild_id in session.untold:
                session.untold.discard(guild_id)
                self._deliver(session, "GUILD_CREATE", shown)

    def use_token(self, token: str) -> None:
        """The bot's token is another; whoever is connected with the former one is hung up on."""
        self._token = token
        self.sessions.clear()
        for line in self._sockets.values():
            line.hang_up(Close.AUTHENTICATION_FAILED)

    async def close_with(self, code: int) -> None:
        """Closes every connection with that code, and returns when the other sides have said goodbye.

        Only then is the code sure to have arrived: of a connection that is gone by the time it answers, aiohttp says
        1006. The task that reads does it, for whoever interrupts it makes aiohttp hang up at once.
        """
        lines = tuple(self._sockets.values())
        for line in lines:
            line.hang_up(code)
        for line in lines:
            await line.gone.wait()

    def ask_to_reconnect(self) -> None:
        """Tells every shard to reconnect and resume, as Discord does before it restarts a server."""
        for session in self.connected:
            _send(session, Op.RECONNECT, None)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Tells every shard that its session is over; unless `resumable`, it is forgotten."""
        for session in self.connected:
            _send(session, Op.INVALID_SESSION, resumable)
            if not resumable:
                del self.sessions[session.id]

    async def close(self) -> None:
        """Disconnects everybody."""
        self._backend.subscribers.remove(self._broadcast)
        for socket in tuple(self._sockets):
            await socket.close()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from HELLO to its end."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        line = self._sockets[socket] = Line(request.transport)
        writer = asyncio.create_task(_write(socket, line.outbox))
        line.outbox.put_nowait(_frame(Op.HELLO, {"heartbeat_interval": int(self._heartbeat_interval * 1000)}))
        session: Session | None = None
        try:
            async for data in _frames(socket, line.hanging_up):
                frame = json.loads(data)
                session = self._receive(Op(frame["op"]), frame.get("d"), session, line)
        except _Hangup as hangup:
            await socket.close(code=hangup.code)
        except (ValueError, KeyError) as error:
            _log.error("a gateway frame could not be read: %s", type(error).__name__)
        finally:
            if session is not None and session.line is line:
                session.line = None
            writer.cancel()
            line.hanging_up.cancel()
            del self._sockets[socket]
            line.gone.set()
        return socket

    def _receive(self, op: Op, data: Any, session: Session | None, line: Line) -> Session | None:
        self.last_activity = time.monotonic()
        self.log.append(op)
        if op is Op.HEARTBEAT:
            acknowledgement = _frame(Op.HEARTBEAT_ACK, None)
            asyncio.get_running_loop().call_later(ACKNOWLEDGE_AFTER, line.outbox.put_nowait, acknowledgement)
            return session
        if op is Op.IDENTIFY:
            return self._identify(data, line)
        if op is Op.RESUME:
            return self._resume(data, line)
        return session

    def _identify(self, data: dict[str, Any], line: Line) -> Session | None:
        if data["token"] != self._token:
            raise _Hangup(Close.AUTHENTICATION_FAILED)
        intents = discord.Intents._from_value(data["intents"])
        if intent_rules.missing_privileged_intents(intents, self._approved):
            raise _Hangup(Close.DISALLOWED_INTENTS)
        shard, shards = data.get("shard") or (0, 1)
        if shard in self.shards_held:
            raise _Hangup(Close.RATE_LIMITED)
        begun = self.limits.begin(shard)
        if begun is Begun.NONE_LEFT:
            self.reset_token()
            raise _Hangup(Close.AUTHENTICATION_FAILED)
        if begun is Begun.TOO_SOON:
            line.outbox.put_nowait(_frame(Op.INVALID_SESSION, False))
            return None
        if not 0 <= shard < shards:
            raise _Hangup(Close.INVALID_SHARD)
        self._end_others(shard, shards)
        return self._begin(shard, shards, intents, line)

    def _end_others(self, shard: int, shards: int) -> None:
        """A shard has one session, the newest: where another is connected, somebody is in the wrong."""
        for session in self.connected:
            if (session.shard, session.shards) == (shard, shards) and session.line is not None:
                self.limits.violations.append(f"shard {shard} has a session already")
                del self.sessions[session.id]
                session.line.hang_up(Close.SESSION_TIMED_OUT)

    def _forget_token(self) -> None:
        self.use_token(secrets.token_hex(16))

    def _begin(self, shard: int, shards: int, intents: discord.Intents, line: Line) -> Session:
        session = Session(secrets.token_hex(16), intents, shard, shards, line=line)
        guilds = [guild_id for guild_id in self.guild_ids() if session.owns(guild_id)]
        if len(guilds) > self.guilds_per_shard:
            raise _Hangup(Close.SHARDING_REQUIRED)
        self.sessions[session.id] = session
        session.untold = self.left_out.intersection(guilds)
        guilds = [guild_id for guild_id in guilds if guild_id not in session.untold]
        ready = {
            "v": 10,
            "user": dict(serializers.user_payload(self._backend.bot_user)),
            "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.origin.replace("http", "ws", 1) + PATH,
            "shard": [shard, shards],
            "application": {"id": str(self._backend.application_id), "flags": 0},
        }
        self._dispatch(session, "READY", ready)
        self.tell_guilds(session, [guild_id for guild_id in guilds if guild_id not in self.outages])
        return session

    def guild_ids(self) -> Iterable[int]:
        """Every server that the bot is in."""
        return self._backend.guilds

    def tell_guilds(self, session: Session, guild_ids: Sequence[int]) -> None:
        """What follows READY: what each of the session's servers is like."""
        for guild_id in guild_ids:
            guild = self._backend.get_guild(guild_id)
            self._deliver(session, "GUILD_CREATE", serializers.guild_create_payload(self._backend, guild))

    def _resume(self, data: dict[str, Any], line: Line) -> Session | None:
        if data["token"] != self._token:
            raise _Hangup(Close.AUTHENTICATION_FAILED)
        session = self.sessions.get(data["session_id"])
        if session is None:
            line.outbox.put_nowait(_frame(Op.INVALID_SESSION, False))
            return None
        for sequence, frame in session.events:
            if sequence > data["seq"]:
                line.outbox.put_nowait(frame)
        session.line = line
        self._dispatch(session, "RESUMED", {})
        return session

    def _broadcast(self, event: str, payload: Mapping[str, Any]) -> None:
        """Hands an event of the simulated world to the shards that it concerns."""
        self.last_activity = time.monotonic()
        guild_id = payload.get("guild_id")
        if guild_id is None and event in {"GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"}:
            guild_id = payload.get("id")
        about = int(guild_id) if guild_id is not None else None
        for session in self.sessions.values():
            if session.owns(about) and about not in session.untold:
                self._deliver(session, event, payload)

    def _deliver(self, session: Session, event: str, payload: Mapping[str, Any]) -> None:
        """Sends an event as far as the session's intents allow it to be seen."""
        needed = intent_rules.required_intent(event, payload)
        of_the_bot = event == "GUILD_MEMBER_UPDATE" and payload["user"]["id"] == str(self._backend.bot_user.id)
        if needed is not None and not getattr(session.intents, needed) and not of_the_bot:
            return
        shown = copy.deepcopy(dict(payload))
        if event == "INTERACTION_CREATE":
            self._complete_interaction(shown)
        if not session.intents.message_content:
            self._censor(event, shown)
        if event == "GUILD_CREATE":
            intent_rules.prune_guild_create(shown, session.intents, self._backend.bot_user.id)
        self._dispatch(session, event, shown)

    def _complete_interaction(self, payload: dict[str, Any]) -> None:
        """Adds what Discord sends with an interaction and simcord leaves out; a bot without a cache relies on it."""
        guild_id = payload.get("guild_id")
        payload["authorizing_integration_owners"] = {"0": guild_id or "0"}
        if guild_id is None:
            return
        guild = self._backend.get_guild(int(guild_id))
        payload["guild"] = {"id": guild_id, "locale": payload.get("guild_locale", "en-US"), "features": []}
        payload["channel"]["permissions"] = payload["member"]["permissions"]
        payload["channel"].setdefault("guild_id", str(guild.id))

    def _censor(self, event: str, payload: dict[str, Any]) -> None:
        """Blanks message content that a bot without the message-content intent does not get to see."""
        bot_id = self._backend.bot_user.id
        if event in {"MESSAGE_CREATE", "MESSAGE_UPDATE"}:
            intent_rules.censor_message(payload, bot_id, backend=self._backend)
        elif event == "INTERACTION_CREATE":
            data = payload.get("data") or {}
            if isinstance(payload.get("message"), dict):
                intent_rules.censor_message(payload["message"], bot_id, backend=self._backend, exempt_root=True)
            for identity, message in ((data.get("resolved") or {}).get("messages") or {}).items():
                chosen = str(data.get("target_id")) == str(identity)
                intent_rules.censor_message(message, bot_id, backend=self._backend, exempt_root=chosen)

    def _dispatch(self, session: Session, event: str, payload: Mapping[str, Any]) -> None:
        self.send(session, event, json.dumps(payload, default=str))

    def send(self, session: Session, event: str, payload: str) -> None:
        """An event as JSON, to one session as it is: nothing of it is left out."""
        session.sequence += 1
        frame = self._localise(f'{{"op": 0, "t": "{event}", "s": {session.sequence}, "d": {payload}}}')
        session.events.append((session.sequence, frame))
        if session.line is not None:
            session.line.outbox.put_nowait(frame)


def _send(session: Session, op: Op, data: Any) -> None:
    if session.line is not None:
        session.line.outbox.put_nowait(_frame(op, data))


def _frame(op: Op, d: Any) -> str:
    return json.dumps({"op": int(op), "d": d, "t": None, "s": None}, default=str)


async def _frames(socket: web.WebSocketResponse, hanging_up: asyncio.Future[int]) -> AsyncIterator[str | bytes]:
    """What the other side sends, to its end. Raises _Hangup once the connection is to be closed."""
    while True:
        receiving = asyncio.ensure_future(socket.receive())
        try:
            await asyncio.wait((receiving, hanging_up), return_when=asyncio.FIRST_COMPLETED)
        finally:
            receiving.cancel()
        if hanging_up.done():
            with suppress(asyncio.CancelledError):
                await receiving
            raise _Hangup(hanging_up.result())
        message = receiving.result()
        if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
            return
        yield message.data


async def _write(socket: web.WebSocketResponse, outbox: asyncio.Queue[str]) -> None:
    while True:
        await socket.send_str(await outbox.get())
