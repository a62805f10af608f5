"""Decides what is told of hours that are over: once, and anew when the messages of many people have changed.

Each works on a portion of hours in the caller's transaction. What is read by anybody is only what stands here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, false, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.disclosure import (
    BASE,
    FEWEST_WITHOUT_NOISE,
    MOST_VERSIONS,
    Noise,
    Randomness,
    Sums,
    draw_noise,
    perturbed,
    perturbed_part,
    typical_most,
)
from bot.domain.records import FEWEST_AUTHORS
from bot.storage.chunks import CHUNK
from bot.storage.schema import HourAuthorRow, HourRow, LateChangeRow, ToldHourRow
from bot.storage.upsert import table_of, upsert

SUMS = ("negative", "neutral", "positive", "score_sum", "score_square_sum", "authors")
"""The columns of `bot.domain.disclosure.Sums`, in its order."""

_HOURS, _TOLD = table_of(HourRow).c, table_of(ToldHourRow).c
_PLACE = (_HOURS.channel_id, _HOURS.hour)
_NOTHING: dict[str, Any] = dict.fromkeys((*SUMS, "unread", "written", "writers"), 0)
_OF_PLACE: dict[str, Any] = {"channel_id": bindparam("of_channel"), "hour": bindparam("of_hour")}


async def tell_hours(connection: AsyncConnection, before: int, rng: Randomness, limit: int = CHUNK) -> int:
    """Decides of hours before `before` of which it was not, the oldest first; returns of how many, `limit` at most.

    An hour of too few people is hidden for good: its row says that there was something, and no more.
    """
    question = select(*_HOURS).where(_HOURS.told == false(), _HOURS.hour < before).order_by(_HOURS.hour).limit(limit)
    hours = (await connection.execute(question)).all()
    if not hours:
        return 0
    counted = [row for row in hours if row.writers >= FEWEST_AUTHORS]
    most = await _most_of_one(connection, [(row.channel_id, row.hour) for row in counted])
    rows, decided = [], []
    for row in hours:
        read, written = most.get((row.channel_id, row.hour), (0, 0))
        told, noise = first_told(row, read, written, rng)
        rows.append(told)
        decided.append(_noted(row, noise))
    await connection.execute(upsert(connection.dialect.name, ToldHourRow), rows)
    await _note(connection, decided)
    return len(hours)


async def tell_anew(connection: AsyncConnection, rng: Randomness, limit: int = CHUNK) -> int:
    """Tells hours anew in which the messages of enough people have changed; returns how many, `limit` at most."""
    late = table_of(LateChangeRow).c
    people, most = func.count().label("people"), func.max(late.messages).label("most")
    grouped = (
        select(late.channel_id, late.hour, people, most)
        .group_by(late.channel_id, late.hour)
        .having(func.count() >= FEWEST_AUTHORS)
        .limit(limit)
        .subquery()
    )
    here = and_(_TOLD.channel_id == grouped.c.channel_id, _TOLD.hour == grouped.c.hour)
    exact = and_(_HOURS.channel_id == grouped.c.channel_id, _HOURS.hour == grouped.c.hour)
    found = await connection.execute(
        select(grouped, _TOLD.guild_id, _TOLD.version, _TOLD.unread, _TOLD.written, _TOLD.writers)
        .join_from(grouped, table_of(ToldHourRow), here)
        .where(_TOLD.authors > 0, _TOLD.version < MOST_VERSIONS)
    )
    places = found.all()
    if not places:
        return 0
    keys = [(row.channel_id, row.hour) for row in places]
    asked = select(*_HOURS).join_from(grouped, table_of(HourRow), exact)
    hours = {(row.channel_id, row.hour): row for row in await connection.execute(asked)}
    now = await _most_of_one(connection, keys)
    rows, decided = [], []
    for row in places:
        key = (row.channel_id, row.hour)
        there = hours.get(key)
        told = {"of_channel": row.channel_id, "of_hour": row.hour, "version": row.version + 1, **_NOTHING}
        if there is not None and there.authors >= FEWEST_AUTHORS:
            noise = Noise(there.noise_score, there.noise_negative, there.noise_positive, there.noise_variance)
            if min(row.people, there.authors) < FEWEST_WITHOUT_NOISE:
                # Added to what was there: what has not changed is under the same noise as before, so that nobody learns
                # more of it, however often they have their own messages change.
                noise = noise.plus(draw_noise(max(1, row.most, now.get(key, (0, 0))[0]), rng))
            told |= {"unread": row.unread, "written": row.written, "writers": row.writers}
            told |= _as_row(perturbed(sums_of(there), noise, rng))
            decided.append(_noted(there, noise))
        rows.append(told)
    at = and_(*(_TOLD[name] == place for name, place in _OF_PLACE.items()))
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("version", *_NOTHING)}
    renamed = [{name if name.startswith("of_") else f"new_{name}": one for name, one in row.items()} for row in rows]
    await connection.execute(update(table_of(ToldHourRow)).where(at).values(values), renamed)
    if decided:
        await _note(connection, decided)
    of_these = tuple_(late.channel_id, late.hour).in_(keys)
    await connection.execute(delete(LateChangeRow).where(of_these))
    return len(places)


def first_told(row: Row[Any], most_read: int, most_written: int, rng: Randomness) -> tuple[dict[str, Any], Noise]:
    """A row of `told_hours` for one of `hours` that is over, and the noise in it.

    `most_read` is how many messages that were read one person had at the most, and `most_written` how many in all, 0
    where that is not known any more.
    """
    told = {"channel_id": row.channel_id, "hour": row.hour, "guild_id": row.guild_id, "version": 0, **_NOTHING}
    exact, noise = sums_of(row), Noise()
    written = exact.messages + row.unread
    if row.writers >= FEWEST_AUTHORS:
        most = most_written or typical_most(written, row.writers)
        unread, all_told = perturbed_part(row.unread, written, row.writers, most, rng)
        told |= {"unread": unread, "written": all_told, "writers": row.writers // BASE * BASE}
    if exact.authors >= FEWEST_AUTHORS:
        if exact.authors < FEWEST_WITHOUT_NOISE:
            noise = draw_noise(most_read or typical_most(exact.messages, exact.authors), rng)
        told |= _as_row(perturbed(exact, noise, rng)) | {"version": 1}
    return told, noise


def sums_of(row: Row[Any]) -> Sums:
    """The exact sums of a row with the columns of `SUMS`."""
    return Sums(*(getattr(row, name) for name in SUMS))


def _as_row(told: Sums | None) -> dict[str, Any]:
    assert told is not None, "only asked of hours that may be told"
    return {name: getattr(told, name) for name in SUMS}


async def _most_of_one(
    connection: AsyncConnection, places: Collection[tuple[int, int]]
) -> dict[tuple[int, int], tuple[int, int]]:
    """By channel and hour, how many messages one person had at the most: that were read, and in all."""
    of = (HourAuthorRow.channel_id, HourAuthorRow.hour)
    counts = (func.max(HourAuthorRow.messages), func.max(HourAuthorRow.messages + HourAuthorRow.unread))
    found = await connection.execute(select(*of, *counts).where(tuple_(*of).in_(places)).group_by(*of))
    return {(channel, hour): (read, written) for channel, hour, read, written in found}


def _noted(row: Row[Any], noise: Noise) -> dict[str, Any]:
    numbers = {f"new_noise_{name}": getattr(noise, name) for name in Noise.__dataclass_fields__}
    return {"of_channel": row.channel_id, "of_hour": row.hour, **numbers}


async def _note(connection: AsyncConnection, decided: list[dict[str, Any]]) -> None:
    at = and_(*(_HOURS[name] == place for name, place in _OF_PLACE.items()))
    noise: dict[str, Any] = {f"noise_{name}": bindparam(f"new_noise_{name}") for name in Noise.__dataclass_fields__}
    await connection.execute(update(table_of(HourRow)).where(at).values(told=True, **noise), decided)
