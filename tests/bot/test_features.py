"""What features owe: every table has one that answers for it, and what is kept about people can be seen and deleted."""

import json
import re
import threading
from collections import Counter

import pytest
from sqlalchemy import LargeBinary, select
from sqlalchemy.orm import Mapped, mapped_column, registry

from bot.commands.privacy_report import as_json, in_words
from bot.storage.erasures import ERASERS
from bot.storage.personal_data import erasers
from bot.storage.schema import Base, OptOutRow, RequestRow
from bot.storage.schema_base import KeyAuthor
from bot.storage.upsert import table_of


def tables():
    return [mapper.class_ for mapper in Base.registry.mappers]


def claims(bot):
    """Every table that a feature answers for, as often as one does."""
    return Counter(
        table
        for feature in bot.features
        for table in (*feature.impersonal, *(one for kept in feature.personal_data for one in kept.tables))
    )


PEOPLE = re.compile(r"user|member|actor|author_id|person|owner|asker|name")


def columns_about_people(row):
    """Hashes of people, and whatever is called as if a person were in it."""
    return [
        column for column in table_of(row).columns if isinstance(column.type, LargeBinary) or PEOPLE.search(column.name)
    ]


def personal(bot):
    return {table for feature in bot.features for kept in feature.personal_data for table in kept.tables}


def test_every_table_belongs_to_one_feature(bot):
    assert claims(bot) == Counter(tables())


def test_a_table_with_people_in_it_says_how_they_see_and_delete_theirs(bot):
    assert {row for row in tables() if columns_about_people(row)} == personal(bot)


def test_a_table_of_which_it_is_said_that_nobody_is_in_it_has_nobody_in_it(bot):
    for feature in bot.features:
        for row, reason in feature.impersonal.items():
            assert columns_about_people(row) == [], row
            assert reason


def test_a_new_table_without_its_duty_is_found(bot):
    class Diary(registry().generate_base()):  # type: ignore[misc]
        """What nobody answers for."""

        __tablename__ = "diary"

        author: Mapped[KeyAuthor]

    class Ranking(registry().generate_base()):  # type: ignore[misc]
        """What would be kept under a Discord id."""

        __tablename__ = "ranking"

        user_id: Mapped[int] = mapped_column(primary_key=True)

    assert columns_about_people(Ranking)
    assert claims(bot) != Counter([*tables(), Diary])
    assert columns_about_people(Diary)
    assert Diary not in personal(bot)


@pytest.fixture
async def filled(storage):
    """A row about one person in every table that can have one."""
    author = storage.pseudonyms.author(42)
    async with storage.database.write() as connection:
        for row in tables():
            for column in columns_about_people(row):
                await connection.execute(table_of(row).insert().values(row_about(row, column, author)))
    return author


def row_about(row, about, author):
    """Any row that the table takes, with that person in it."""
    values = {
        column.name: 1 for column in table_of(row).columns if not column.nullable and column.server_default is None
    }
    for column in table_of(row).columns:
        if column.name in values and column.type.python_type is str:
            values[column.name] = "enable"  # type: ignore[assignment]
    return values | {about.name: author}


async def test_whatever_is_kept_about_somebody_is_told_and_deleted(bot, storage, filled):
    kinds = tuple(kept for feature in bot.features for kept in feature.personal_data)
    held = await storage.people.held((filled,), kinds)
    assert all(one.lines(7) for one in held)
    assert all(list(one.entries()) for one in held)
    await storage.write_buffer.forget((filled,), 0, erasers(kinds))
    stays = {table for kept in kinds if kept.erase is None for table in kept.tables}
    assert stays == {OptOutRow, RequestRow}
    async with storage.database.read() as connection:
        for row in tables():
            for column in columns_about_people(row):
                left = await connection.scalar(select(column).where(column == filled))
                assert (left is not None) is (row in stays), row


def test_what_is_done_again_after_a_backup_is_all_that_the_features_delete(bot):
    kinds = [kept for feature in bot.features for kept in feature.personal_data]
    assert {kept.erase_again or kept.erase for kept in kinds} - {None} == set(ERASERS)


async def test_the_report_has_everything_that_every_feature_says(bot, storage, filled):
    kinds = tuple(kept for feature in bot.features for kept in feature.personal_data)
    held = await storage.people.held((filled,), kinds)
    said, written = in_words(held, 7), json.loads(as_json(42, held, days=7, now=0.0))
    assert all(line in said for one in await storage.people.held((filled,), kinds) for line in one.lines(7))
    assert {name for one in await storage.people.held((filled,), kinds) for name in one.entries()} <= written.keys()
    assert [len(written[name]) for name in ("messages", "messages_per_hour", "admin_actions")] == [1, 1, 1]


async def test_whoever_nothing_is_held_about_is_told_so(bot, storage, filled):
    kinds = tuple(kept for feature in bot.features for kept in feature.personal_data)
    nobody = await storage.people.held((b"x" * 16,), kinds)
    assert not any(one.deletion for one in nobody)
    assert "Nothing else" in in_words(nobody, 7)


async def test_a_client_that_never_logged_in_ends_as_well(bot):
    await bot.close()
    with pytest.raises(RuntimeError, match="after shutdown"):
        await bot.services.charts.run(lambda: None)


async def test_all_features_draw_in_one_thread_and_learn_in_another_and_both_end_with_the_client(env, bot):
    services = bot.services
    for executor, name in ((services.charts, "charts_0"), (services.learning, "learning_0")):
        assert await executor.run(lambda: threading.current_thread().name) == name
    await bot.close()
    for executor in (services.charts, services.learning):
        with pytest.raises(RuntimeError, match="after shutdown"):
            await executor.run(lambda: None)
