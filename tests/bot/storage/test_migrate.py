"""A database that an earlier schema wrote, opened by this version."""

import time
from contextlib import contextmanager

import pytest
from alembic import command
from sqlalchemy import text

from bot.domain.notice import Notice
from bot.domain.records import AdminAction
from bot.storage import migrate as migration
from bot.storage.alert_repository import AlertRepository
from bot.storage.database import Database
from bot.storage.guild_repository import GuildRepository
from bot.storage.mood_repository import MoodRepository
from bot.storage.notice_repository import NoticeRepository
from bot.storage.schema import BookkeepingRow, DepartureRow, HourAuthorRow, HourRow, MessageScoreRow, ToldHourRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import (
    GENERAL,
    HOME,
    HOUR,
    MODEL,
    NOW,
    RANDOM,
    THREAD,
    assert_sums_are_right,
    author,
    message_id,
    rows_of,
    say,
)

MESSAGES = [
    # number, channel, thread, author, edited, score, sentiment
    (1, GENERAL, None, 1, 0, 900, 2),
    (2, GENERAL, THREAD, 2, 5, -900, 0),
    (3, GENERAL, None, 2, 0, 10, 1),
    (4, RANDOM, None, 1, 0, 500, 2),
]


@contextmanager
def only(revision):
    """Databases are brought no further than this schema."""
    upgrade = command.upgrade
    command.upgrade = lambda config, _revision: upgrade(config, revision)  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        command.upgrade = upgrade


async def write_v1(database):
    """Messages and their sums as the first schema held them, and an hour of which the messages are purged."""
    hours = {GENERAL: (1, 1, 1, 10, 1_620_100, 2), RANDOM: (0, 0, 1, 500, 250_000, 1)}
    people = [(GENERAL, 1, 1), (GENERAL, 2, 2), (RANDOM, 1, 1)]
    async with database.write() as connection:
        for number, channel, thread, who, edited, score, sentiment in MESSAGES:
            await connection.execute(
                text("INSERT INTO message_scores VALUES (:m, :g, :c, :t, :a, :h, :e, :s, :l, :v)"),
                {"m": message_id(number), "g": HOME, "c": channel, "t": thread, "a": author(who), "h": HOUR}
                | {"e": edited, "s": score, "l": sentiment, "v": MODEL},
            )
        for channel, who, count in people:
            values = {"c": channel, "h": HOUR, "a": author(who), "n": count}
            await connection.execute(text("INSERT INTO hour_authors VALUES (:c, :h, :a, :n)"), values)
        rows = [(channel, HOUR, *sums) for channel, sums in hours.items()]
        for channel, hour, *sums in [*rows, (GENERAL, HOUR - 999, 3, 2, 1, -2000, 4_000_000, 6)]:
            numbers = dict(zip(("n0", "n1", "n2", "n3", "n4", "n5"), sums, strict=True))
            await connection.execute(
                text("INSERT INTO hours VALUES (:c, :h, :g, :n0, :n1, :n2, :n3, :n4, :n5)"),
                {"c": channel, "h": hour, "g": HOME} | numbers,
            )


@pytest.fixture
async def upgraded(folder, database_url):
    """A database of the first schema with rows in it, opened by this version."""
    with only("1"):
        old = await Database.open(folder, database_url)
    await write_v1(old)
    await old.close()
    database = await Database.open(folder, database_url)
    yield database
    await database.close()


async def test_what_was_there_was_all_read_and_stays_as_it_was(upgraded):
    kept = [
        tuple(row[name] for name in ("message_id", "channel_id", "thread_id", "author", "edited", "score", "sentiment"))
        for row in await rows_of(upgraded, MessageScoreRow)
    ]
    assert kept == [(message_id(number), *rest[:2], author(rest[2]), *rest[3:]) for number, *rest in MESSAGES]
    counts = [(row["messages"], row["unread"]) for row in await rows_of(upgraded, HourAuthorRow)]
    assert counts == [(1, 0), (2, 0), (1, 0)]
    (bookkeeping,) = await rows_of(upgraded, BookkeepingRow)
    assert bookkeeping["linked_from"] > max(row["message_id"] for row in await rows_of(upgraded, MessageScoreRow))
    hours = await rows_of(upgraded, HourRow)
    counts = [(row["positive"], row["authors"], row["unread"], row["writers"]) for row in hours]  # type: ignore[misc]
    assert counts == [(1, 2, 0, 2), (1, 1, 0, 1)]  # type: ignore[comparison-overlap]


async def test_what_is_over_is_told_and_of_purged_hours_only_that_stays(upgraded):
    """Six people had three negative, two neutral and one positive message in the purged hour; the others few."""
    told = {(row["channel_id"], row["hour"]): row for row in await rows_of(upgraded, ToldHourRow)}
    assert told.keys() == {(GENERAL, HOUR - 999), (GENERAL, HOUR), (RANDOM, HOUR)}
    purged = told.pop((GENERAL, HOUR - 999))
    assert (purged["authors"], purged["writers"], purged["version"], purged["guild_id"]) == (5, 5, 1, HOME)
    messages = purged["negative"] + purged["neutral"] + purged["positive"]
    assert messages in (5, 10)
    assert purged["score_sum"] % (10 * messages) == 0
    for (channel, hour), row in told.items():
        assert row == dict.fromkeys(row, 0) | {"channel_id": channel, "hour": hour, "guild_id": HOME}
    assert [(row["hour"], row["told"]) for row in await rows_of(upgraded, HourRow)] == [(HOUR, True), (HOUR, True)]


async def test_a_large_past_is_told_in_portions_and_the_running_hour_is_not(folder, database_url):
    with only("2"):
        old = await Database.open(folder, database_url)
    present = int(time.time() // 3600)
    numbers = {"negative": 3, "neutral": 9, "positive": 3, "score_sum": 1500, "score_square_sum": 10**6}
    numbers |= {"authors": 15, "unread": 15, "writers": 15, "guild_id": HOME}
    hours = [numbers | {"channel_id": channel, "hour": present - back} for channel in (2**62, 7) for back in range(600)]
    people = [
        {"channel_id": 7, "hour": present - back, "author": author(who), "messages": 1, "unread": 1}
        for back in range(0, 600, 100)
        for who in range(15)
    ]
    async with old.write() as connection:
        for table, rows in (("hours", hours), ("hour_authors", people)):
            columns = list(rows[0])
            values = ", ".join(f":{name}" for name in columns)
            await connection.execute(text(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"), rows)
    await old.close()
    database = await Database.open(folder, database_url)
    try:
        running = {present} | ({present - 1} if time.time() % 3600 < 130 else set())
        told = await rows_of(database, ToldHourRow)
        assert {row["hour"] for row in told} | running == {present - back for back in range(600)}
        assert {(row["authors"], row["unread"], row["written"], row["negative"]) for row in told} == {(15, 15, 30, 3)}
        left = {(row["channel_id"], row["hour"]) for row in await rows_of(database, HourRow)}
        assert left - {(channel, hour) for channel in (2**62, 7) for hour in running} == {
            (7, present - back) for back in range(100, 600, 100)
        }
    finally:
        await database.close()


async def test_a_database_of_before_belongs_to_nobody_yet_and_nothing_of_the_log_is_done_in_it(upgraded):
    (row,) = await rows_of(upgraded, BookkeepingRow)
    assert (row["application_id"], row["erasures"]) == (None, 0)
    assert await rows_of(upgraded, DepartureRow) == []


async def test_what_comes_now_corrects_what_was_there(upgraded):
    buffer = WriteBuffer(upgraded, clock=lambda: NOW)
    say(buffer, 1, 1, None, edited=9)
    say(buffer, 5, 3, None)
    buffer.deleted([message_id(4)])
    await buffer.flush()
    (hour,) = [row for row in await rows_of(upgraded, HourRow) if row["writers"]]
    assert (hour["positive"], hour["authors"], hour["unread"], hour["writers"]) == (0, 1, 2, 3)
    await assert_sums_are_right(upgraded)


async def test_a_migration_that_fails_half_way_leaves_the_old_schema_with_its_rows(folder, database_url, monkeypatch):
    with only("1"):
        old = await Database.open(folder, database_url)
        await write_v1(old)
        await old.close()
    migrate = migration.migrate

    def fail(connection):
        migrate(connection)
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("bot.storage.database.migrate", fail)
        with pytest.raises(Exception, match="database"):
            await Database.open(folder, database_url)
    with only("1"):
        old = await Database.open(folder, database_url)
        async with old.read() as connection:
            assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == "1"
            assert len((await connection.execute(text("SELECT * FROM message_scores"))).all()) == len(MESSAGES)
        await old.close()


async def test_back_to_the_first_schema_only_what_was_read_is_left(upgraded):
    buffer = WriteBuffer(upgraded, clock=lambda: NOW)
    say(buffer, 5, 3, None)
    say(buffer, 6, 3, None, channel=999)
    await buffer.flush()

    def downgrade(connection):
        config = migration.Config(attributes={"connection": connection})  # type: ignore[attr-defined]
        config.set_main_option("script_location", str(migration.FOLDER))
        command.downgrade(config, "1")

    async with upgraded.write() as connection:
        await connection.run_sync(downgrade)
        for table, rows in (("message_scores", len(MESSAGES)), ("hours", 3), ("hour_authors", 3)):
            assert await connection.scalar(text(f"SELECT count(*) FROM {table}")) == rows
        with pytest.raises(Exception, match=r"(?i)check"):
            await connection.execute(text("UPDATE message_scores SET sentiment = 3"))
        await connection.rollback()


AUDIT = [
    # when, action, target
    (10, "notice", 7),
    (20, "enable", 7),
    (30, "notice", 7),
    (40, "notice", 8),
    (50, "settings", None),
]


@pytest.fixture
async def with_notices(folder, database_url):
    """A database of the second schema, where the audit says where notices stand, opened by this version."""
    with only("2"):
        old = await Database.open(folder, database_url)
    async with old.write() as connection:
        for done, action, target in AUDIT:
            values = {"g": HOME, "d": done, "a": action, "k": target and "channel", "t": target}
            await connection.execute(
                text("INSERT INTO audit (guild_id, done, action, target_kind, target_id) VALUES (:g, :d, :a, :k, :t)"),
                values,
            )
    await old.close()
    database = await Database.open(folder, database_url)
    yield database
    await database.close()


async def test_notices_are_carried_over_and_the_audit_is_about_admins_alone(with_notices):
    assert await NoticeRepository(with_notices).all() == (Notice(HOME, 7, None, 30), Notice(HOME, 8, None, 40))
    done = await GuildRepository(with_notices).audit(HOME)
    assert [(entry.done, entry.action) for entry in done] == [(50, AdminAction.SETTINGS), (20, AdminAction.ENABLE)]


async def test_back_to_the_second_schema_standing_notices_are_in_the_audit(with_notices):
    notices = NoticeRepository(with_notices)
    await notices.found(8, 99)
    await notices.deleted(8, 99, 41)

    def downgrade(connection):
        config = migration.Config(attributes={"connection": connection})  # type: ignore[attr-defined]
        config.set_main_option("script_location", str(migration.FOLDER))
        command.downgrade(config, "2")

    async with with_notices.write() as connection:
        await connection.run_sync(downgrade)
        rows = await connection.execute(text("SELECT done, action, target_id FROM audit ORDER BY done"))
        assert [tuple(row) for row in rows] == [(20, "enable", 7), (30, "notice", 7), (50, "settings", None)]
        await connection.rollback()


async def test_the_seventh_schema_loses_nothing_and_a_process_of_that_version_goes_on(folder, database_url):
    """What came since is added beside what was there, which a version that knows no more goes on writing."""
    with only("7"):
        old = await Database.open(folder, database_url)
    alert = "INSERT INTO alerts (guild_id, channel_id, level, usual_level, started) VALUES (100, 101, -500, 100, {})"
    gap = "INSERT INTO gaps (shard, shards, cause, started, ended, looked) VALUES (1, 2, 'off', {0}, {0} + 9, 0)"
    living = "UPDATE bookkeeping SET alive = {}"
    for written in (alert, gap, living):
        async with old.write() as connection:
            await connection.execute(text(written.format(40)))
    tables = ("alerts", "gaps", "bookkeeping")
    before = [await rows(old, table) for table in tables]
    if database_url is None:  # one process has the file at a time
        await old.close()
    database = await Database.open(folder, database_url)
    for table, known in zip(tables, before, strict=True):  # with new columns behind those that there were
        assert [row[: len(old_row)] for row, old_row in zip(await rows(database, table), known, strict=True)] == known
    for written in (alert, gap, living):
        async with (old if database_url is not None else database).write() as connection:
            await connection.execute(text(written.format(50)))
    assert [alert.started for alert in await AlertRepository(database).storms()] == [40, 50]
    moods = MoodRepository(database)
    assert (await moods.last_alive(), await moods.shards_alive()) == (50, {})
    assert [(gap.started, gap.ended) for gap in (await moods.mood(3 << 22, 1, 0, 0)).gaps] == [(40, 49), (50, 59)]
    await database.close()
    if database_url is not None:
        await old.close()


async def test_alerts_of_before_stay_and_no_number_that_a_webhook_has_had_is_given_again(folder, database_url):
    with only("15"):
        old = await Database.open(folder, database_url)
    alert = "INSERT INTO alerts (guild_id, channel_id, level, usual_level, started) VALUES ({}, 101, -500, 100, 40)"
    async with old.write() as connection:
        for guild in (1, 2, 3):
            await connection.execute(text(alert.format(guild)))
        await connection.execute(text("DELETE FROM alerts WHERE number > 1"))
        await connection.execute(
            text("INSERT INTO webhooks (guild_id, webhook_id, token, last_alert) VALUES (2,3,4,3)")
        )
    before = await rows(old, "alerts")
    await old.close()
    database = await Database.open(folder, database_url)
    assert await rows(database, "alerts") == before
    started = await AlertRepository(database).start_alert(4, 102, -500, 100)
    assert started is not None and started.number == 4
    await database.close()


async def rows(database, table):
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(text(f"SELECT * FROM {table}"))]
