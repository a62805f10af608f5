"""Whatever is deleted, each table loses exactly what belongs to it: a table that is not in this list fails."""

import itertools

import pytest
from sqlalchemy import insert

from bot.commands.monitor.personal_data import ADMIN_ACTIONS
from bot.domain.snowflake import SECONDS, hour_of
from bot.monitoring.personal_data import MESSAGES
from bot.storage.personal_data import erasers
from bot.storage.retention import purge
from bot.storage.schema import Base
from bot.storage.tag_repository import release_tags
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import GENERAL, HOME, HOUR, NOW, RANDOM, THREAD, author, message_id, publish, rows_of, say

AWAY, ELSEWHERE = 200, 201
OLD, NEW = HOUR - 20 * 24, HOUR
DAYS = 7
PLACES = ((HOME, GENERAL), (HOME, RANDOM), (AWAY, ELSEWHERE))
ME, OTHER = author(1), author(2)

STAYS, GOES, BLANKED, CORRECTED, REPLACED = "stays", "goes", "is blanked", "is corrected", "is replaced"
"""What becomes of a row that belongs to what is deleted. Blanked: it stays, and no longer says what or who it was.

Replaced: another stands there, with a random number in the place of the person.
"""

WHAT_BECOMES = {
    # table: (somebody is forgotten, a channel is gone, a server is gone, its time is over)
    "alerts": (STAYS, GOES, GOES, STAYS),
    "audit": (BLANKED, STAYS, GOES, BLANKED),
    "backfills": (STAYS, STAYS, GOES, STAYS),
    "bookkeeping": (CORRECTED, CORRECTED, CORRECTED, CORRECTED),
    "changes": (STAYS, STAYS, STAYS, STAYS),
    "channel_rules": (STAYS, GOES, GOES, STAYS),
    "departures": (STAYS, STAYS, GOES, STAYS),
    "digests": (STAYS, STAYS, GOES, STAYS),
    "erasure_logs": (STAYS, STAYS, STAYS, STAYS),
    "registrations": (STAYS, STAYS, STAYS, STAYS),
    "feedback": (STAYS, STAYS, STAYS, STAYS),
    "filled_hours": (STAYS, GOES, GOES, STAYS),
    "gaps": (STAYS, GOES, GOES, STAYS),
    "guild_settings": (STAYS, BLANKED, GOES, STAYS),
    "hour_authors": (GOES, GOES, GOES, GOES),
    "hours": (CORRECTED, GOES, GOES, GOES),
    "late_changes": (REPLACED, GOES, GOES, GOES),
    "leases": (STAYS, STAYS, STAYS, STAYS),
    "marks": (STAYS, STAYS, GOES, STAYS),
    "message_scores": (GOES, GOES, GOES, GOES),
    "model_release": (STAYS, STAYS, STAYS, STAYS),
    "model_reports": (STAYS, STAYS, STAYS, STAYS),
    "notices": (STAYS, GOES, GOES, STAYS),
    "opt_outs": (STAYS, STAYS, STAYS, STAYS),
    "processes": (STAYS, STAYS, STAYS, STAYS),
    "requests": (STAYS, STAYS, STAYS, STAYS),
    "signs_of_life": (STAYS, STAYS, STAYS, STAYS),
    "snoozes": (STAYS, GOES, GOES, STAYS),
    "tags": (BLANKED, GOES, GOES, GOES),
    "told_days": (STAYS, GOES, GOES, STAYS),
    "told_hours": (STAYS, GOES, GOES, STAYS),
    "webhooks": (STAYS, STAYS, GOES, STAYS),
}
"""An opt-out goes when somebody opts in; feedback belongs to nobody; a blanked tag goes with its reaction."""

CAUSES = ("person", "channel", "server", "time")
ERASERS = (*erasers((MESSAGES, ADMIN_ACTIONS)), release_tags)

BLANKS = {"audit": "actor", "guild_settings": "mod_channel_id", "tags": "author"}


def other_rows():
    """Rows for the tables that messages do not fill: in every place, and of both people and times where they matter."""
    for guild, channel in PLACES:
        yield (
            "channel_rules",
            {
                "guild_id": guild,
                "target_kind": "channel",
                "target_id": channel,
                "mode": "watch",
                "tagging": True,
                "sensitivity": "normal",
            },
        )
        yield "snoozes", {"guild_id": guild, "channel_id": channel, "until": int(NOW) + 9999}
        yield "filled_hours", {"guild_id": guild, "channel_id": channel, "first_hour": NEW, "end_hour": NEW + 1}
        yield "notices", {"guild_id": guild, "channel_id": channel, "message_id": channel, "posted": OLD * SECONDS}
        for hour in (OLD, NEW):
            for number, (who, thread) in enumerate(((ME, None), (OTHER, THREAD)), start=channel * 10):
                tag = {"message_id": message_id(number, hour), "emoji": "+", "author": who}
                yield "tags", tag | {"guild_id": guild, "channel_id": channel, "thread_id": thread}
            instant = hour * SECONDS
            yield "gaps", {"guild_id": guild, "channel_id": channel, "started": instant, "ended": instant + 1}
            for who in (ME, OTHER):
                yield "late_changes", {"channel_id": channel, "hour": hour, "author": who, "messages": 1}
            alert = {"guild_id": guild, "channel_id": channel, "level": -1, "usual_level": 0, "started": instant}
            yield "alerts", alert | {"post_id": channel + hour, "acknowledged": instant, "recovered": instant}
            for actor in (ME, OTHER):
                entry = {"guild_id": guild, "done": instant, "actor": actor, "action": "enable"}
                yield "audit", entry | {"target_kind": "channel", "target_id": channel}
    for guild, channel in ((HOME, GENERAL), (AWAY, ELSEWHERE)):
        settings = {"guild_id": guild, "timezone": "UTC", "mod_channel_id": channel, "reaction_floor": 900}
        settings |= {"positive_reaction": "+", "negative_reaction": "-", "alert_messages": 20, "alert_authors": 5}
        yield "marks", {"guild_id": guild, "happened": NEW * SECONDS, "text": "patch 2.4"}
        yield "webhooks", {"guild_id": guild, "webhook_id": 7, "token": "t", "last_alert": 0}
        history = {"guild_id": guild, "state": "running", "days": 7, "first_hour": OLD, "end_hour": NEW, "hour": OLD}
        yield "backfills", history | {"channel_id": channel, "messages": 0, "left_out": 0, "changed": NEW * SECONDS}
        yield "departures", {"guild_id": guild, "since": NEW * SECONDS + 1}
        yield "guild_settings", settings | {"digest": "off", "digest_hour": 9, "digest_messages": 20}
        for hour in (OLD, NEW):
            yield "gaps", {"guild_id": guild, "started": hour * SECONDS, "ended": hour * SECONDS + 1}
            period = {"guild_id": guild, "kind": "daily", "period": str(hour)}
            yield "digests", period | {"claimed": hour * SECONDS, "sent": hour * SECONDS}
    yield "gaps", {"guild_id": None, "started": 1, "ended": 2}
    yield "signs_of_life", {"shards": 2, "shard": 1, "alive": int(NOW) + 9999}
    process = {"process": "one", "cluster": 0, "clusters": 1, "shards": 2, "host": "here", "version": "1"}
    yield "processes", process | {"started": int(NOW), "heartbeat": int(NOW) * 1000}
    yield "changes", {"kind": "server", "target_id": HOME, "made": int(NOW)}
    yield "erasure_logs", {"log": "one", "done": 1}
    model = {"source": "bundled", "sha256": "", "version": "", "before_source": "bundled", "before_sha256": ""}
    yield "model_release", model | {"rollback": False, "state": "active", "reason": "", "asked": 1, "changed": 1}
    yield (
        "model_reports",
        {"release": 1, "process": "one", "who": "CLUSTER=0/1 on here", "state": "ready", "reason": ""},
    )
    yield "registrations", {"scope": "1", "version": "1.0", "sent": "a", "held": "b", "times": "1"}
    yield "leases", {"shards": 2, "shard": 1, "holder": "one", "epoch": 1}
    for who in (ME, OTHER):
        yield "opt_outs", {"author": who, "since": OLD * SECONDS}
        yield "requests", {"author": who, "erased_to": 1, "in_from": 0, "noted": OLD * SECONDS}
    for hour in (OLD, NEW):
        yield "feedback", {"label": 0, "answered": 2, "score": 900, "model": "m", "hour": hour}


@pytest.fixture
async def filled(database):
    """A database with rows in every table; the buffer that wrote its messages."""
    buffer = WriteBuffer(database, retention_days=30, clock=lambda: NOW)
    numbers = itertools.count(1)
    for (guild, channel), who, hour in itertools.product(PLACES, (1, 2), (OLD, NEW)):
        say(buffer, next(numbers), who, guild=guild, channel=channel, hour=hour)
        say(buffer, next(numbers), who, None, guild=guild, channel=channel, hour=hour)
    await buffer.flush()
    await publish(database, NEW + 1)
    async with database.write() as connection:
        for table, row in other_rows():
            await connection.execute(insert(Base.metadata.tables[table]).values(row))
    return buffer


async def contents(database):
    """Every row of every table, by the table's name and the row's primary key."""
    found = {}
    for mapper in Base.registry.mappers:
        table = mapper.local_table
        keys = [column.name for column in table.primary_key.columns]  # type: ignore[attr-defined]
        for row in await rows_of(database, mapper.class_):
            found[table.name, tuple(row[key] for key in keys)] = row  # type: ignore[attr-defined]
    return found


async def delete(cause, database, buffer):
    if cause == "person":
        assert await buffer.forget([ME], message_id(9999), ERASERS) == 12
    elif cause == "time":
        await purge(database, DAYS, NOW)
    else:
        buffer.channel_gone(GENERAL) if cause == "channel" else buffer.guild_gone(HOME)
        await buffer.flush()


def belongs(cause, table, row):
    """Whether this row is about what is deleted."""
    channels = {"channel": {GENERAL}, "server": {GENERAL, RANDOM}}
    if cause == "person":
        return table in ("bookkeeping", "hours") or ME in (row.get("author"), row.get("actor"))
    if cause == "time":
        if table == "tags":
            return hour_of(row["message_id"]) == OLD
        old = row.get("hour", row.get("done", row.get("started", row.get("since", HOUR * SECONDS))))
        return table == "bookkeeping" or old in (OLD, OLD * SECONDS)
    if table == "bookkeeping":
        return True
    if cause == "channel" and table in ("audit", "channel_rules"):
        return row["target_id"] == GENERAL
    if row.get("channel_id") is not None:
        return row["channel_id"] in channels[cause]
    return row.get("mod_channel_id") == GENERAL if cause == "channel" else row.get("guild_id") == HOME


def test_every_table_is_in_the_list():
    assert WHAT_BECOMES.keys() == Base.metadata.tables.keys()


async def test_the_list_is_tried_on_rows_of_every_table(database, filled):
    assert {table for table, _ in await contents(database)} == WHAT_BECOMES.keys()


@pytest.mark.parametrize("cause", CAUSES)
async def test_what_is_deleted_takes_exactly_its_own_rows_along(database, filled, cause):
    before = await contents(database)
    await delete(cause, database, filled)
    after = await contents(database)
    # A change is a hint to other processes, and names nobody.
    new = [after[place] for place in after.keys() - before.keys() if place[0] != "changes"]
    replaced = 0
    for (table, key), row in before.items():
        now = after.get((table, key))
        fate = WHAT_BECOMES[table][CAUSES.index(cause)] if belongs(cause, table, row) else STAYS
        if table == "bookkeeping" and cause != "time":
            now = now | {"alive": row["alive"]}
        if fate in (GOES, REPLACED):
            assert now is None, (table, row)
            replaced += fate == REPLACED
        elif fate == BLANKED:
            assert now == row | {BLANKS[table]: None}, (table, row)
        elif fate == CORRECTED:
            assert now is not None and now != row, (table, row)
        else:
            assert now == row, (table, row)
    assert len(new) == replaced
    assert len({row["author"] for row in new} | {ME, OTHER}) == replaced + 2


async def test_somebody_who_opted_out_and_comes_back_leaves_no_row(database, opt_outs, pseudonyms):
    await opt_outs.add(42)
    assert pseudonyms.author(42) in [key[0] for table, key in await contents(database) if table == "opt_outs"]
    await opt_outs.remove(42)
    assert not [table for table, _ in await contents(database) if table == "opt_outs"]


async def test_whoever_is_forgotten_is_in_no_column_of_any_table(database, filled):
    """But for what keeps them from being read again: that they opted out, and what several processes must heed."""
    await filled.forget([ME], message_id(9999), ERASERS)
    holding = {table for (table, _), row in (await contents(database)).items() if ME in row.values()}
    assert holding == {"opt_outs", "requests"}
