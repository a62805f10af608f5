"""The same as `bot.storage.hourly_rollup` by sets, in PostgreSQL: what is new is copied there, and corrected there.

Rows come by COPY into tables that only this connection sees, in memory as a rule, and that are emptied when the
transaction ends. However many scores there are, it is a handful of statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.disclosure import MOST_VERSIONS
from bot.domain.snowflake import hour_of
from bot.storage.chunks import CHUNK
from bot.storage.pending_writes import Scored
from bot.storage.pseudonyms import in_server

Difference = tuple[tuple[tuple[int, int, int], bytes], Sequence[int]]
"""Server, channel and hour, a person, and by how much their numbers there change, in the order of `_SUMS`."""

_SUMS = ("negative", "neutral", "positive", "unread", "score_sum", "score_square_sum")

_PREPARE = """
SET LOCAL jit = off;
CREATE TEMPORARY TABLE IF NOT EXISTS scores (
    message_id bigint, guild_id bigint, channel_id bigint, thread_id bigint, author bytea, edited bigint, score integer,
    sentiment integer, model varchar(64), hour integer, in_time boolean, author_there bytea
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS differences (
    guild_id bigint, channel_id bigint, hour integer, author bytea,
    negative integer, neutral integer, positive integer, unread integer, score_sum bigint, score_square_sum bigint
) ON COMMIT DELETE ROWS;
DELETE FROM pg_temp.scores;
DELETE FROM pg_temp.differences
"""
"""To compile a plan for the processor takes longer than to follow it, and how many rows come is not known before."""

_DIFFERENCES = ("guild_id", "channel_id", "hour", "author", *_SUMS)

_REFUSE = text("""
WITH asked AS NOT MATERIALIZED (
    SELECT author, 9223372036854775807 AS up_to FROM opt_outs
    UNION ALL SELECT author, greatest(erased_to, in_from - 1) FROM requests
), refused AS (
    SELECT message_id FROM pg_temp.scores JOIN asked USING (author) WHERE message_id <= up_to
    UNION SELECT message_id FROM pg_temp.scores JOIN asked ON asked.author = author_there WHERE message_id <= up_to
), gone AS (
    DELETE FROM pg_temp.scores USING refused WHERE scores.message_id = refused.message_id RETURNING 1
)
SELECT count(*) FROM gone
""")
"""What `bot.storage.requests.refused_scores` finds."""

_TAKE = text("""
WITH found AS MATERIALIZED (
    SELECT scores.*, known.edited AS known_edited, known.guild_id AS known_guild, known.channel_id AS known_channel,
        known.hour AS known_hour, known.author AS known_author, known.score AS known_score,
        known.sentiment AS known_sentiment
    FROM pg_temp.scores LEFT JOIN message_scores AS known USING (message_id)
), taken AS MATERIALIZED (
    SELECT * FROM found
    WHERE CASE WHEN known_edited IS NULL THEN hour >= :oldest AND in_time ELSE known_edited <= edited END
), written AS (
    INSERT INTO message_scores
        (message_id, guild_id, channel_id, thread_id, author, hour, edited, score, sentiment, model)
    SELECT message_id, guild_id, channel_id, thread_id, author, hour, edited, score, sentiment, model FROM taken
    ON CONFLICT (message_id) DO UPDATE
    SET edited = excluded.edited, score = excluded.score, sentiment = excluded.sentiment, model = excluded.model
), changed AS (
    SELECT coalesce(known_guild, guild_id) AS guild_id, coalesce(known_channel, channel_id) AS channel_id,
        coalesce(known_hour, hour) AS hour, coalesce(known_author, author) AS author, sentiment, score, 1 AS times
    FROM taken
    UNION ALL
    SELECT known_guild, known_channel, known_hour, known_author, known_sentiment, known_score, -1
    FROM taken WHERE known_edited IS NOT NULL
), noted AS (
    INSERT INTO pg_temp.differences
    SELECT guild_id, channel_id, hour, author, times * (sentiment = 0)::integer, times * (sentiment = 1)::integer,
        times * (sentiment = 2)::integer, times * (sentiment = 3)::integer, times * score, times * score * score
    FROM changed
)
SELECT count(*) FILTER (WHERE hour < :oldest) AS late,
    count(*) FILTER (WHERE hour >= :oldest AND NOT in_time) AS edits
FROM found WHERE known_edited IS NULL
""")

_APPLY = text("""
WITH changes AS (
    SELECT min(guild_id) AS guild_id, channel_id, hour, author, sum(negative) AS negative, sum(neutral) AS neutral,
        sum(positive) AS positive, sum(unread) AS unread, sum(score_sum) AS score_sum,
        sum(score_square_sum) AS score_square_sum
    FROM pg_temp.differences GROUP BY channel_id, hour, author
), people AS MATERIALIZED (
    SELECT changes.*, coalesce(known.messages, 0) AS known_messages, coalesce(known.unread, 0) AS known_unread,
        greatest(0, coalesce(known.messages, 0) + negative + neutral + positive) AS new_messages,
        greatest(0, coalesce(known.unread, 0) + changes.unread) AS new_unread
    FROM changes LEFT JOIN hour_authors AS known USING (channel_id, hour, author)
    WHERE (negative, neutral, positive, changes.unread, score_sum, score_square_sum) <> (0, 0, 0, 0, 0, 0)
), late AS (
    INSERT INTO late_changes (channel_id, hour, author, messages)
    SELECT channel_id, hour, author, greatest(new_messages, known_messages)
    FROM people JOIN told_hours AS told USING (channel_id, hour)
    WHERE told.authors > 0 AND told.version < :most_versions
        AND (people.negative, people.neutral, people.positive, people.score_sum, people.score_square_sum)
            <> (0, 0, 0, 0, 0)
    ON CONFLICT (channel_id, hour, author) DO UPDATE SET messages = greatest(late_changes.messages, excluded.messages)
), counted AS (
    INSERT INTO hour_authors (channel_id, hour, author, messages, unread)
    SELECT channel_id, hour, author, new_messages, new_unread FROM people
    WHERE (negative + neutral + positive, unread) <> (0, 0) AND new_messages + new_unread > 0
    ON CONFLICT (channel_id, hour, author) DO UPDATE SET messages = excluded.messages, unread = excluded.unread
), none_left AS (
    DELETE FROM hour_authors AS known USING people
    WHERE known.channel_id = people.channel_id AND known.hour = people.hour AND known.author = people.author
        AND (negative + neutral + positive, people.unread) <> (0, 0) AND new_messages + new_unread = 0
), cells AS (
    SELECT min(guild_id) AS guild_id, channel_id, hour, sum(negative) AS negative, sum(neutral) AS neutral,
        sum(positive) AS positive, sum(unread) AS unread, sum(score_sum) AS score_sum,
        sum(score_square_sum) AS score_square_sum,
        sum((new_messages > 0)::integer - (known_messages > 0)::integer) AS authors,
        sum((new_messages + new_unread > 0)::integer - (known_messages + known_unread > 0)::integer) AS writers
    FROM people GROUP BY channel_id, hour
), summed AS (
    INSERT INTO hours AS there (channel_id, hour, guild_id, negative, neutral, positive, unread, score_sum,
        score_square_sum, authors, writers)
    SELECT channel_id, hour, guild_id, negative, neutral, positive, unread, score_sum, score_square_sum, authors,
        writers
    FROM cells
    WHERE (negative, neutral, positive, unread, score_sum, score_square_sum, authors, writers)
        <> (0, 0, 0, 0, 0, 0, 0, 0)
    ON CONFLICT (channel_id, hour) DO UPDATE
    SET negative = there.negative + excluded.negative, neutral = there.neutral + excluded.neutral,
        positive = there.positive + excluded.positive, unread = there.unread + excluded.unread,
        score_sum = there.score_sum + excluded.score_sum,
        score_square_sum = there.score_square_sum + excluded.score_square_sum,
        authors = there.authors + excluded.authors, writers = there.writers + excluded.writers
    RETURNING negative + neutral + positive + unread = 0 AND NOT told AS is_over
)
SELECT count(*) FILTER (WHERE is_over) FROM summed
""")

_EMPTIED = text("""
DELETE FROM hours USING (SELECT DISTINCT channel_id, hour FROM pg_temp.differences) AS changed
WHERE hours.channel_id = changed.channel_id AND hours.hour = changed.hour
    AND hours.negative + hours.neutral + hours.positive + hours.unread = 0 AND NOT hours.told
""")
"""An hour that was told keeps that, and its noise, until it is purged."""


async def write_in_sets(
    connection: AsyncConnection,
    scores: Sequence[Scored],
    differences: Iterable[Difference],
    *,
    oldest_hour: int = 0,
    in_time: Container[int] = (),
    one_of_several: bool = False,
) -> tuple[int, int, int]:
    """Writes scores, and corrects the hours by them and by these differences.

    Returns how many were left out: of messages that are too old, late edits of what was never counted, and refused
    ones, as `hourly_rollup.LeftOut`. Within a transaction of a writer.
    """
    changes = list(differences)
    if not scores and not changes:
        return 0, 0, 0
    driver: Any = (await connection.get_raw_connection()).driver_connection
    with _as_of_the_database():
        await driver.execute(_PREPARE)
        if scores:
            rows = _in_portions(_score_row(one, in_time, one_of_several=one_of_several) for one in scores)
            await driver.copy_records_to_table("scores", schema_name="pg_temp", records=rows)
        if changes:
            rows = _in_portions((*cell, author, *numbers) for (cell, author), numbers in changes)
            await driver.copy_records_to_table("differences", schema_name="pg_temp", records=rows, columns=_DIFFERENCES)
    late = edits = refused = 0
    if scores:
        if one_of_several:
            refused = await connection.scalar(_REFUSE) or 0
        late, edits = (await connection.execute(_TAKE, {"oldest": oldest_hour})).one()
    if await connection.scalar(_APPLY, {"most_versions": MOST_VERSIONS}):
        await connection.execute(_EMPTIED)
    return late, edits, refused


@contextmanager
def _as_of_the_database() -> Iterator[None]:
    """The driver is asked directly: its errors are told as SQLAlchemy would tell them."""
    from asyncpg import InterfaceError, InternalClientError, PostgresError

    try:
        yield
    except (PostgresError, InterfaceError, InternalClientError) as error:
        raise DBAPIError("COPY", None, error, hide_parameters=True) from error


def _score_row(one: Scored, in_time: Container[int], *, one_of_several: bool) -> tuple[Any, ...]:
    there = in_server(one.author, one.guild_id) if one_of_several else None
    return (*one, hour_of(one.message_id), one.message_id in in_time, there)


async def _in_portions(rows: Iterable[tuple[Any, ...]]) -> AsyncIterator[tuple[Any, ...]]:
    """The rows, between which the event loop has its turns."""
    for number, row in enumerate(rows):
        if number % CHUNK == CHUNK - 1:
            await asyncio.sleep(0)
        yield row
