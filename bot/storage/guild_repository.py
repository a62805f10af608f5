"""What servers have chosen, and what their admins have done: read and changed by commands, a few times a minute."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, and_, delete, insert, or_, select

from bot.domain.records import Audited, DigestKind, GuildSettings, Mode, Rule, Sensitivity, TargetKind
from bot.storage.among import among
from bot.storage.changes import Changed, note_change
from bot.storage.chunks import CHUNK
from bot.storage.database import Database
from bot.storage.departures import is_here
from bot.storage.erasure_log import Kind
from bot.storage.erasures import Erasures
from bot.storage.errors import UnknownTimezone
from bot.storage.known_places import guilds_known
from bot.storage.own_servers import own
from bot.storage.people_repository import audited
from bot.storage.schema import AuditRow, ChannelRuleRow, GuildSettingsRow
from bot.storage.upsert import table_of, upsert

_KEYS = ("guild_id", "target_kind", "target_id")
_RULE_SAYS = ("mode", "tagging", "sensitivity", "alert_messages", "alert_authors")


class GuildRepository:
    """Settings, rules and the audit. Every method raises DatabaseUnavailable when the database does not do it."""

    def __init__(self, database: Database, erasures: Erasures | None = None) -> None:
        self._database = database
        self._erasures = erasures or Erasures(database)

    async def settings(self, guild_id: int) -> GuildSettings:
        """What a server has chosen, or the defaults."""
        columns = table_of(GuildSettingsRow).c
        async with self._database.read() as connection:
            row = (await connection.execute(select(*columns).where(columns.guild_id == guild_id))).one_or_none()
        if row is None:
            return GuildSettings(guild_id)
        return _settings(row)

    async def settings_of(self, guilds: Collection[int]) -> dict[int, GuildSettings]:
        """What each of these servers has chosen, or the defaults, by one statement."""
        columns = table_of(GuildSettingsRow).c
        question = select(*columns).where(among(self._database.dialect, columns.guild_id, guilds))
        found = {guild_id: GuildSettings(guild_id) for guild_id in guilds}
        async with self._database.read() as connection:
            rows = await connection.stream(question)
            async for part in rows.partitions(CHUNK):
                found |= {row.guild_id: _settings(row) for row in part}
        return found

    async def guild_ids(self) -> set[int]:
        """The servers of this process of which anything is held."""
        async with self._database.read() as connection:
            known = await guilds_known(connection)
        return set(filter(self._database.shards.have, known))

    async def digest_settings(self) -> tuple[GuildSettings, ...]:
        """The settings of the servers that want digests, have a channel for them, and have not been left."""
        columns = table_of(GuildSettingsRow).c
        wanted = and_(
            columns.digest != DigestKind.OFF.value,
            columns.mod_channel_id.is_not(None),
            is_here(columns.guild_id),
            own(self._database.shards, columns.guild_id),
        )
        async with self._database.read() as connection:
            rows = await connection.stream(select(*columns).where(wanted).order_by(columns.guild_id))
            return tuple([_settings(row) async for part in rows.partitions(CHUNK) for row in part])

    async def with_languages(self) -> tuple[GuildSettings, ...]:
        """The settings of the servers of this process that have chosen in which languages messages are read."""
        columns = table_of(GuildSettingsRow).c
        chosen = and_(columns.languages != "", own(self._database.shards, columns.guild_id))
        async with self._database.read() as connection:
            rows = await connection.stream(select(*columns).where(chosen))
            return tuple([_settings(row) async for part in rows.partitions(CHUNK) for row in part])

    async def set_settings(self, settings: GuildSettings) -> None:
        """Keeps what a server has chosen. Raises UnknownTimezone."""
        if settings.lost_zone:
            raise UnknownTimezone(_no_such_zone(settings.timezone))
        values = asdict(settings)
        changing = [name for name in values if name != "guild_id"]
        async with self._database.write() as connection:
            await connection.execute(upsert(self._database.dialect, GuildSettingsRow, *changing), [values])
            await note_change(connection, Changed.SERVER, settings.guild_id)

    async def rules(self, guild_id: int | None = None) -> tuple[Rule, ...]:
        """The rules of a server; None: of all servers of this process, which it reads when it starts."""
        columns = table_of(ChannelRuleRow).c
        which = own(self._database.shards, columns.guild_id) if guild_id is None else columns.guild_id == guild_id
        question = select(*columns).where(which).order_by(*(columns[name] for name in _KEYS))
        async with self._database.read() as connection:
            return tuple(map(_rule, await connection.execute(question)))

    async def rules_of(self, guilds: Collection[int]) -> dict[int, tuple[Rule, ...]]:
        """The rules of each of these servers, by one statement."""
        columns = table_of(ChannelRuleRow).c
        question = select(*columns).where(among(self._database.dialect, columns.guild_id, guilds))
        found: dict[int, list[Rule]] = {guild_id: [] for guild_id in guilds}
        async with self._database.read() as connection:
            rows = await connection.stream(question.order_by(*(columns[name] for name in _KEYS)))
            async for part in rows.partitions(CHUNK):
                for row in part:
                    found[row.guild_id].append(_rule(row))
        return {guild_id: tuple(rules) for guild_id, rules in found.items()}

    async def with_thresholds_of_rules(self) -> set[int]:
        """The servers in which a rule says what an hour needs before it can raise an alert."""
        columns = table_of(ChannelRuleRow).c
        says = or_(columns.alert_messages.is_not(None), columns.alert_authors.is_not(None))
        async with self._database.read() as connection:
            return set((await connection.execute(select(columns.guild_id).where(says).distinct())).scalars())

    async def set_rule(self, rule: Rule) -> None:
        """Keeps a rule, in the place of the one its target had.

        One that exempts is noted, so that a backup that is put back does not have people read again.
        """
        statement = upsert(self._database.dialect, ChannelRuleRow, *_RULE_SAYS)
        async with self._erasures.transaction() as connection:
            await self._erasures.apply(connection)  # what was noted before this must not be done after it
            await connection.execute(statement, [asdict(rule)])
            await note_change(connection, Changed.SERVER, rule.guild_id)
            if rule.mode is Mode.EXEMPT:
                await self._erasures.note_rule(Kind.EXEMPT, rule.guild_id, rule.target_kind, rule.target_id)
                await self._erasures.apply(connection)

    async def remove_rule(self, guild_id: int, target_kind: TargetKind, target_id: int) -> bool:
        """Removes what was said of a target, and notes that; False when nothing was."""
        columns = table_of(ChannelRuleRow).c
        values = dict(zip(_KEYS, (guild_id, target_kind, target_id), strict=True))
        where = and_(*(columns[name] == value for name, value in values.items()))
        async with self._erasures.transaction() as connection:
            await self._erasures.apply(connection)
            there = (await connection.execute(delete(ChannelRuleRow).where(where))).rowcount > 0
            if there:
                await note_change(connection, Changed.SERVER, guild_id)
                await self._erasures.note_rule(Kind.NO_RULE, guild_id, target_kind, target_id)
                await self._erasures.apply(connection)
            return there

    async def add_audit(self, entry: Audited) -> None:
        """Notes what an admin has done."""
        async with self._database.write() as connection:
            await connection.execute(insert(AuditRow).values(asdict(entry)))

    async def audit(self, guild_id: int, limit: int = 50) -> tuple[Audited, ...]:
        """What a server's admins have done, the latest first."""
        columns = [table_of(AuditRow).c[name] for name in Audited.__dataclass_fields__]
        question = select(*columns).where(AuditRow.guild_id == guild_id).order_by(AuditRow.number.desc()).limit(limit)
        async with self._database.read() as connection:
            return tuple(audited(row) for row in await connection.execute(question))


def _settings(row: Row[Any]) -> GuildSettings:
    return GuildSettings(**{**row._mapping, "digest": DigestKind(row.digest)})


def _rule(row: Row[Any]) -> Rule:
    kind, mode, sensitivity = TargetKind(row.target_kind), Mode(row.mode), Sensitivity(row.sensitivity)
    needed = (row.alert_messages, row.alert_authors)
    return Rule(row.guild_id, kind, row.target_id, mode, row.tagging, sensitivity, *needed)


def _no_such_zone(name: str) -> str:
    return f"There's no time zone {name[:64]!r}. They look like Europe/Berlin or America/New_York."
