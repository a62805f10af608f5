"""What came between the bot and Discord: for good, with a sentence and an exit code, or for a while, with a wait."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
import discord

from bot.link.brake import KeptOut
from bot.link.limits import asked_for
from bot.permissions import PORTAL

EX_OK, EX_UNAVAILABLE, EX_CONFIG = 0, 69, 78
"""Exit codes of sysexits.h: all well, Discord or the database cannot be reached, a setting must be put right."""

WRONG_TOKEN = f"Discord refused the token. Copy a new one from {PORTAL} under Bot, and set DISCORD_TOKEN in .env."
NO_DISCORD = "I can't reach Discord. Check this machine's network and start again."
NOT_REACHED = "I can't reach Discord. Check this machine's network."
OUTDATED = (
    "Discord no longer serves what this version asks for (close code {code}): "
    "update Vibecheck and discord.py, then start again."
)
MORE_SHARDS = "Discord wants the servers spread over more connections (close code {code}); asking it how."
BANNED = (
    "Discord is blocking this machine's address for a while ({status}): it sent too many requests, perhaps from "
    "another program. Every new one would make it longer."
)
HELD = "Discord has refused too many requests from this machine's address, and is left alone for a while."
FAILING = "Discord has problems ({status}). This machine is fine."
BROKEN = "The connection to Discord was lost ({kind})."

NETWORK_WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries while nothing of Discord has been reached yet; after them the process ends."""

SHORTEST_WAIT, LONGEST_WAIT = 5.0, 300.0
"""Seconds until another try otherwise, doubled each time."""

SHORTEST_BAN, LONGEST_BAN = 900.0, 3600.0
"""Seconds until another try where an address is kept out and it is not said for how long; doubled each time."""


@dataclass(frozen=True, slots=True)
class Ended:
    """It makes no sense to go on: what to say, and the exit code."""

    sentence: str
    code: int


@dataclass(frozen=True, slots=True)
class Later:
    """Another try may pass: what to say, and in how many seconds."""

    sentence: str
    seconds: float


class Obstacles:
    """Judges what a client ended with; tries in a row without having been online make the waits longer."""

    def __init__(self) -> None:
        self._tries = 0
        self._has_been_online = False

    def online(self) -> None:
        """The last obstacle is overcome."""
        self._tries = 0
        self._has_been_online = True

    def judge(self, error: Exception) -> Ended | Later:
        """What to do about it. What is not known is taken for passing, with the kind of error alone."""
        self._tries += 1
        if isinstance(error, discord.GatewayNotFound) and isinstance(error.__cause__, Exception):
            error = error.__cause__
        if isinstance(error, discord.LoginFailure):
            return Ended(WRONG_TOKEN, EX_CONFIG)
        if isinstance(error, discord.ConnectionClosed):
            return self._closed(error.code)
        if isinstance(error, KeptOut):
            return Later(HELD, max(error.seconds, self._wait()))
        if isinstance(error, discord.HTTPException):
            return self._refused(error)
        if isinstance(error, aiohttp.ClientError | OSError):
            return self._unreached()
        return Later(BROKEN.format(kind=type(error).__name__), self._wait())

    def no_database(self, sentence: str) -> Later:
        """The store, which was there before, does not answer."""
        self._tries += 1
        return Later(sentence, self._wait())

    def _closed(self, code: int) -> Ended | Later:
        if code == 4004:
            return Ended(WRONG_TOKEN, EX_CONFIG)
        if code in {4012, 4013}:
            return Ended(OUTDATED.format(code=code), EX_CONFIG)
        if code in {4010, 4011}:
            return Later(MORE_SHARDS.format(code=code), self._wait())
        return Later(BROKEN.format(kind=f"close code {code}"), self._wait())

    def _refused(self, error: discord.HTTPException) -> Ended | Later:
        if error.status == 401:
            return Ended(WRONG_TOKEN, EX_CONFIG)
        if error.status in {403, 429}:
            least = min(LONGEST_BAN, SHORTEST_BAN * 2.0 ** min(self._tries - 1, 9))
            return Later(BANNED.format(status=error.status), asked_for(error) or least)
        return Later(FAILING.format(status=error.status), max(asked_for(error), self._wait()))

    def _unreached(self) -> Ended | Later:
        if self._has_been_online:
            return Later(NOT_REACHED, self._wait())
        if self._tries > len(NETWORK_WAITS):
            return Ended(NO_DISCORD, EX_UNAVAILABLE)
        return Later(NOT_REACHED, NETWORK_WAITS[self._tries - 1])

    def _wait(self) -> float:
        return min(LONGEST_WAIT, SHORTEST_WAIT * 2.0 ** min(self._tries - 1, 9))
