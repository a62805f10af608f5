"""What is kept, word for word: whoever adds a column must say here what it holds, and why it names nobody."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import LargeBinary, String
from sqlalchemy.exc import IntegrityError

from bot.mood.schema import Base, MessageScoreRow
from bot.mood.upsert import table_of
from tests.mood.scenes import author

KEPT = {
    "alerts": "number guild_id channel_id post_id level usual_level started acknowledged recovered",
    "audit": "number guild_id done actor action target_kind target_id",
    "bookkeeping": "number purged_before alive",
    "channel_rules": "guild_id target_kind target_id mode tagging sensitivity",
    "digests": "guild_id kind period claimed sent",
    "feedback": "number label answered score model hour",
    "gaps": "number guild_id started ended",
    "guild_settings": "guild_id timezone mod_channel_id positive_reaction negative_reaction reaction_floor"
    " alert_messages alert_authors digest digest_hour digest_messages",
    "hour_authors": "channel_id hour author messages",
    "hours": "channel_id hour guild_id negative neutral positive score_sum score_square_sum authors",
    "message_scores": "message_id guild_id channel_id thread_id author hour edited score sentiment model",
    "opt_outs": "author since",
}

ABOUT_A_PERSON = {"message_scores": "author", "hour_authors": "author", "opt_outs": "author", "audit": "actor"}
"""Where a person's hash is. `Store.held_about`, `Buffer.forget` and `purge` see to each of them."""

WORDS = {
    "audit": {"action", "target_kind"},
    "channel_rules": {"target_kind", "mode", "sensitivity"},
    "digests": {"kind", "period"},
    "feedback": {"model"},
    "guild_settings": {"timezone", "positive_reaction", "negative_reaction", "digest"},
    "message_scores": {"model"},
}
"""Where text is: words of ours, the model's version, and an admin's time zone and emoji."""


def tables():
    return Base.metadata.tables


def test_every_column_is_one_that_was_thought_about():
    assert {name: list(table.columns.keys()) for name, table in tables().items()} == {
        name: columns.split() for name, columns in KEPT.items()
    }


def test_people_are_hashes_and_nowhere_else():
    binary = {
        (table.name, column.name)
        for table in tables().values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert binary == set(ABOUT_A_PERSON.items())


def test_no_column_has_room_for_a_message():
    for table in tables().values():
        texts = {column.name: column.type.length for column in table.columns if isinstance(column.type, String)}
        assert texts.keys() == WORDS.get(table.name, set())
        assert all(length is not None and length <= 64 for length in texts.values())


async def test_the_migrations_make_exactly_these_tables(database):
    def compare(connection):
        return compare_metadata(MigrationContext.configure(connection), Base.metadata)

    async with database.read() as connection:
        assert await connection.run_sync(compare) == []


@pytest.mark.parametrize("wrong", [{"score": 1001}, {"score": -1001}, {"sentiment": 3}, {"author": b"short"}])
async def test_the_database_itself_refuses_what_no_score_can_be(sqlite, wrong):
    row = {"message_id": 1, "guild_id": 1, "channel_id": 1, "author": author(1), "hour": 0, "edited": 0}
    row |= {"score": 0, "sentiment": 1, "model": "m"}
    with pytest.raises(Exception) as caught:
        async with sqlite.write() as connection:
            await connection.execute(table_of(MessageScoreRow).insert().values(row | wrong))
    assert isinstance(caught.value.__cause__, IntegrityError)
