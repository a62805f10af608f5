"""Commands are registered with Discord beside everything else, and looked after while the bot runs.

Being registered is no condition of being online: the commands that Discord holds already go on working meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import discord
from discord import app_commands

from bot.link.failures import REQUEST_FAILURES
from bot.link.limits import asked_for
from model.installation import installed_version

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

DAY = 24 * 3600.0
CHECK_SECONDS = DAY
"""How often what Discord holds is compared with what was registered."""

FIRST_WAIT, LONGEST_WAIT = 60.0, 6 * 3600.0
"""Seconds after a registration that failed until the next; each further failure doubles them."""

AGAIN_A_DAY = 3
"""How often a day the same commands are registered anew because Discord holds others."""

UNHEARD_SECONDS = 60.0
"""After so long without an answer the log says so; the library waits as long as Discord asks, hours if need be."""

LEFT_SECONDS = 600.0
"""How often it is looked whether a newer version, whose commands are left, still runs."""

SETTLED_SECONDS = 3600.0
"""How long after a newer version has registered its commands they are left although none runs: it may be starting."""

_NO_MORE_TODAY = 30034
_NO_ACCESS = {403, 404}
_NUMBERS = re.compile(r"\d+")


@dataclass(slots=True)
class _Known:
    """What was registered last: hashes of what was sent and of what Discord showed then, and when, of the last day.

    `version` is the bot's that registered it; with one process alone it does not matter.
    """

    sent: str = ""
    held: str = ""
    times: list[float] = field(default_factory=list)
    version: str = ""


class Shared(Protocol):
    """What several processes know together of what was registered. Its methods raise DatabaseUnavailable."""

    async def read(self) -> dict[str, Any]:
        """What was kept last, by scope."""

    async def keep(self, scope: str, known: dict[str, Any] | None) -> None:
        """In the place of what was kept before of that scope; None: nothing is any more."""

    async def versions(self) -> frozenset[str]:
        """Of the bot, that run."""


@dataclass(slots=True)
class _Due:
    """When a scope was looked at last, how long it then has time, and how often in a row that has failed."""

    looked: float = 0.0
    wait: float = 0.0
    failures: int = 0


class CommandRegistration:
    """The global commands of a tree, and those of `guild`, as Discord holds them. The client must have logged in.

    A guild that had commands of its own before and is no longer asked for loses them. Hashes of what was registered are
    kept in `folder`/commands.json by application; where that cannot be read the commands are simply registered again.
    Several processes keep them in what they have `shared`: an older version leaves what a newer one has registered for
    as long as that runs, so that two that are being exchanged do not register in turns.
    """

    def __init__(
        self,
        tree: app_commands.CommandTree[discord.Client],
        folder: Path,
        guild: discord.abc.Snowflake | None = None,
        shared: Shared | None = None,
    ) -> None:
        self._shared = shared
        self._version = installed_version()
        self._tree = tree
        self._file = folder / "commands.json"
        self._guild = guild
        self._known: dict[str, Any] | None = None
        self._due: dict[str, _Due] = {}
        self._under_way = False

    async def __call__(self, now: float) -> None:
        """Does what is due; each outcome is logged, and none ends it. `now` is in seconds since the Unix epoch."""
        application_id = self._tree.client.application_id
        if application_id is None or self._under_way:
            return
        self._under_way = True
        try:
            if self._shared is not None:
                known = await self._shared.read()
            else:
                known = self._known = _read(self._file) if self._known is None else self._known
            scopes = {str(application_id): None, **self._guilds(application_id, known)}
            due = {name: guild for name, guild in scopes.items() if self._is_due(name, now)}
            await asyncio.gather(*(self._look_after(name, guild, known, now) for name, guild in due.items()))
        finally:
            self._under_way = False

    def _guilds(self, application_id: int, known: dict[str, Any]) -> dict[str, discord.abc.Snowflake]:
        guilds: dict[str, discord.abc.Snowflake] = {}
        for name in known:
            application, _, number = name.partition("/")
            if application == str(application_id) and number.isdigit():
                guilds[name] = discord.Object(int(number))
        if self._guild is not None:
            guilds[f"{application_id}/{self._guild.id}"] = self._guild
        return guilds

    def _is_due(self, name: str, now: float) -> bool:
        due = self._due.setdefault(name, _Due())
        return not 0 <= now - due.looked < due.wait  # a clock that was put back puts nothing off

    async def _look_after(
        self, name: str, guild: discord.abc.Snowflake | None, known: dict[str, Any], now: float
    ) -> None:
        due = self._due[name]
        due.looked = now
        try:
            if await self._is_a_newer_one_s(_entry(known.get(name)), guild, now):
                due.wait = LEFT_SECONDS
                return
            fresh = await self._registered(name, guild, _entry(known.get(name)), now)
        except REQUEST_FAILURES as error:
            if guild is not None and self._is_left(guild) and getattr(error, "status", 0) in _NO_ACCESS:
                await self._keep(known, name, None)  # the bot is no longer there
                return
            due.failures += 1
            due.wait = max(asked_for(error), min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(due.failures - 1, 20)))
            _log.error("%s; tried again in %s", _outcome(error, _where(guild)), _in_words(due.wait))
            return
        due.wait, due.failures = CHECK_SECONDS, 0
        if fresh is not None:
            await self._keep(known, name, None if self._is_left(guild) else fresh)

    async def _is_a_newer_one_s(self, entry: _Known, guild: discord.abc.Snowflake | None, now: float) -> bool:
        """Whether a newer version that still runs, or may, has registered other commands than this one would."""
        if self._shared is None or not _is_newer(entry.version, self._version):
            return False
        if _hash(await self._payload(guild)) == entry.sent:
            return False
        lately = any(abs(now - at) < SETTLED_SECONDS for at in entry.times)
        if not lately and entry.version not in await self._shared.versions():
            return False
        _log.info("the commands%s are those of version %s, and are left", _where(guild), entry.version)
        return True

    def _is_left(self, guild: discord.abc.Snowflake | None) -> bool:
        """Whether that guild's commands are to go."""
        return guild is not None and (self._guild is None or guild.id != self._guild.id)

    async def _registered(
        self, name: str, guild: discord.abc.Snowflake | None, entry: _Known, now: float
    ) -> _Known | None:
        """Registers the scope's commands if Discord does not hold them; what is known then, None: nothing new."""
        payload = await self._payload(guild)
        sent = _hash(payload)
        replaced = entry.sent == sent
        times = [at for at in entry.times if 0 <= now - at < DAY]
        if replaced:
            if self._is_left(guild) or _shown(await self._tree.fetch_commands(guild=guild)) == entry.held:
                return None
            if len(times) >= AGAIN_A_DAY:
                _log.error(
                    "Discord holds other commands%s than were registered %d times in a day: does another program use "
                    "this token? They are left as they are until tomorrow",
                    _where(guild),
                    len(times),
                )
                return None
            _log.warning("Discord holds other commands%s than were registered; they are registered anew", _where(guild))
        held = await _said_when_slow(self._tree.sync(guild=guild), _where(guild))
        if replaced:  # as it is told when asked, so that nothing is registered again for how Discord puts it
            held = await self._tree.fetch_commands(guild=guild)
        _log.info("registered %d commands with Discord%s", len(payload), _where(guild))
        return _Known(sent, _shown(held), [*times, now][-2 * AGAIN_A_DAY :], self._version)

    async def _payload(self, guild: discord.abc.Snowflake | None) -> list[dict[str, Any]]:
        """What `sync` sends: the commands with what they are called in other languages."""
        commands, translator = self._tree.get_commands(guild=guild), self._tree.translator
        if translator is None:
            return [command.to_dict(self._tree) for command in commands]
        return [await command.get_translated_payload(self._tree, translator) for command in commands]

    async def _keep(self, known: dict[str, Any], name: str, fresh: _Known | None) -> None:
        before = known.pop(name, None)
        if fresh is not None:
            known[name] = {"sent": fresh.sent, "held": fresh.held, "times": [int(at) for at in fresh.times]}
        if self._shared is None:
            _write(self._file, known)
            return
        # Discord may have taken hours over it, and another process may have led meanwhile.
        there = (await self._shared.read()).get(name)
        if there != before and _is_newer(_entry(there).version, self._version):
            return
        await self._shared.keep(name, {**known[name], "version": fresh.version} if fresh is not None else None)


def _shown(commands: Sequence[app_commands.AppCommand]) -> str:
    """A hash of what people would see of these commands: without ids, order, and what only some answers tell."""
    shown = []
    for command in commands:
        parts: dict[str, Any] = dict(command.to_dict())
        for name in ("id", "application_id", "name_localizations", "description_localizations"):
            parts.pop(name, None)
        may = command.default_member_permissions
        shown.append({**parts, "may": may.value if may is not None else None, "nsfw": command.nsfw})
    return _hash(sorted(shown, key=lambda one: (one["type"], one["name"])))


def _hash(payload: object) -> str:
    return hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()


async def _said_when_slow(asking: Coroutine[Any, Any, _T], where: str) -> _T:
    task = asyncio.ensure_future(asking)
    try:
        done, _ = await asyncio.wait({task}, timeout=UNHEARD_SECONDS)
        if not done:
            _log.warning("Discord has not taken the commands%s yet; the bot is online and waits beside that", where)
        return await task
    finally:
        task.cancel()


def _outcome(error: Exception, where: str) -> str:
    if not isinstance(error, discord.HTTPException):
        return f"couldn't register the commands{where}: Discord can't be reached ({type(error).__name__})"
    if error.status == 401:
        return f"couldn't register the commands{where}: Discord refuses the token (401)"
    if error.code == _NO_MORE_TODAY:
        return f"Discord takes no more commands today{where} ({error.code}); those it has keep working"
    if error.status == 429:
        return f"Discord got too many command registrations{where} (429); those it has keep working"
    if error.status >= 500:
        return f"couldn't register the commands{where}: Discord has problems ({error.status})"
    if where and error.status in _NO_ACCESS:
        return (
            f"ADMIN_GUILD: couldn't register /model{where}: is the bot there, with the scope applications.commands? ("
            f"{error.status}, {error.code})"
        )
    return f"Discord refuses the commands of this version{where} ({error.status}, {error.code})"


def _in_words(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 2 * 3600 else f"{seconds / 60:.0f} min"


def _where(guild: discord.abc.Snowflake | None) -> str:
    return f" in server {guild.id}" if guild is not None else ""


def _entry(kept: object) -> _Known:
    """What was kept of a scope; nothing where a former version kept one hash only, or somebody else wrote."""
    if not isinstance(kept, dict):
        return _Known()
    sent, held, times = kept.get("sent"), kept.get("held"), kept.get("times")
    if not isinstance(sent, str) or not isinstance(held, str) or not isinstance(times, list):
        return _Known()
    return _Known(sent, held, [float(at) for at in times if isinstance(at, int | float)], str(kept.get("version", "")))


def _is_newer(version: str, other: str) -> bool:
    """Whether a version such as 0.3.1 comes after another; of what is no version nothing is newer."""
    numbers = [tuple(map(int, _NUMBERS.findall(one))) if _NUMBERS.match(one) else () for one in (version, other)]
    return bool(numbers[0]) and numbers[0] > numbers[1]


def _read(file: Path) -> dict[str, Any]:
    try:
        known = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(file: Path, known: dict[str, Any]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(known), "utf-8")
        fresh.replace(file)
    except OSError as error:
        _log.warning("%s cannot be written (%s); commands are registered at each start", file, error.strerror)
