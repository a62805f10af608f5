"""Decides what is told of hours that are over: once, and anew when the messages of many people have changed.

Each works on a portion of hours in the caller's transaction. What is read by anybody is only what stands here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, and_, bindparam, case, delete, exists, false, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement, FromClause

from bot.domain.disclosure import (
    BASE,
    MOST_VERSIONS,
    Noise,
    Randomness,
    Sums,
    draw_noise,
    needs_noise,
    perturbed,
    perturbed_part,
    typical_most,
)
from bot.domain.records import FEWEST_AUTHORS
from bot.domain.shards import ALL, Shards
from bot.storage.among import not_among
from bot.storage.chunks import CHUNK
from bot.storage.own_servers import own
from bot.storage.schema import HourAuthorRow, HourRow, LateChangeRow, ToldHourRow
from bot.storage.upsert import table_of, upsert

SUMS = ("negative", "neutral", "positive", "score_sum", "score_square_sum", "authors")
"""The columns of `bot.domain.disclosure.Sums`, in its order."""

_HOURS, _TOLD, _PEOPLE = (table_of(row).c for row in (HourRow, ToldHourRow, HourAuthorRow))
_PLACE = (_HOURS.channel_id, _HOURS.hour)
_NOTHING: dict[str, Any] = dict.fromkeys((*SUMS, "unread", "written", "writers"), 0)
_OF_PLACE: dict[str, Any] = {"channel_id": bindparam("of_channel"), "hour": bindparam("of_hour")}


async def tell_hours(
    connection: AsyncConnection,
    before: int,
    rng: Randomness,
    limit: int = CHUNK,
    *,
    but: Collection[int] = (),
    shards: Shards = ALL,
) -> int:
    """Decides of hours before `before` of which it was not, the oldest first; returns of how many, `limit` at most.

    Only servers of `shards` are looked at, and those in `but` are passed over.
    An hour of too few people is hidden for good: its row says that there was something, and no more.
    """
    question = select(*_HOURS).where(_HOURS.told == false(), _HOURS.hour < before, own(shards, _HOURS.guild_id))
    if but:
        question = question.where(not_among(connection.dialect.name, _HOURS.guild_id, but))
    return await _tell(connection, question.order_by(_HOURS.hour).limit(limit), rng)


async def tell_of(connection: AsyncConnection, channel_id: int, hours: Collection[int], rng: Randomness) -> None:
    """Decides at once of these hours of a channel, as far as it was not: no more is to come of them."""
    theirs = (_HOURS.told == false(), _HOURS.channel_id == channel_id, _HOURS.hour.in_(hours))
    await _tell(connection, select(*_HOURS).where(*theirs), rng)


async def _tell(connection: AsyncConnection, question: Select[Any], rng: Randomness) -> int:
    hours = (await connection.execute(question)).all()
    if not hours:
        return 0
    counted = [row for row in hours if row.writers >= FEWEST_AUTHORS]
    shares = await read_shares(connection, [(row.channel_id, row.hour) for row in counted])
    rows, decided = [], []
    for row in hours:
        told, noise = first_told(row, shares.get((row.channel_id, row.hour)), rng)
        rows.append(told)
        decided.append(_noted(row, noise))
    await connection.execute(upsert(connection.dialect.name, ToldHourRow), rows)
    await _note(connection, decided)
    return len(hours)


async def tell_anew(
    connection: AsyncConnection,
    rng: Randomness,
    limit: int = CHUNK,
    *,
    but: Collection[int] = (),
    shards: Shards = ALL,
) -> int:
    """Tells hours anew in which the messages of enough people have changed; returns how many, `limit` at most.

    Only servers of `shards` are looked at, and those in `but` are passed over.
    """
    late = table_of(LateChangeRow).c
    people, most = func.count().label("people"), func.max(late.messages).label("most")
    changed = select(late.channel_id, late.hour, people, most)
    if not shards.are_all:  # before the limit: the hours of a process that is away must not stand before ours
        of_late = and_(_TOLD.channel_id == late.channel_id, _TOLD.hour == late.hour)
        changed = changed.where(exists(select(_TOLD.hour).where(of_late, own(shards, _TOLD.guild_id))))
    grouped = (
        changed.group_by(late.channel_id, late.hour).having(func.count() >= FEWEST_AUTHORS).limit(limit).subquery()
    )
    here = and_(_TOLD.channel_id == grouped.c.channel_id, _TOLD.hour == grouped.c.hour)
    exact = and_(_HOURS.channel_id == grouped.c.channel_id, _HOURS.hour == grouped.c.hour)
    found = await connection.execute(
        select(grouped, _TOLD.guild_id, _TOLD.version, _TOLD.unread, _TOLD.written, _TOLD.writers)
        .join_from(grouped, table_of(ToldHourRow), here)
        .where(
            _TOLD.authors > 0, _TOLD.version < MOST_VERSIONS, not_among(connection.dialect.name, _TOLD.guild_id, but)
        )
    )
    places = found.all()
    if not places:
        return 0
    keys = [(row.channel_id, row.hour) for row in places]
    asked = select(*_HOURS).join_from(grouped, table_of(HourRow), exact)
    hours = {(row.channel_id, row.hour): row for row in await connection.execute(asked)}
    now = await read_shares(connection, keys)
    rows, decided = [], []
    for row in places:
        key = (row.channel_id, row.hour)
        there = hours.get(key)
        told = {"of_channel": row.channel_id, "of_hour": row.hour, "version": row.version + 1, **_NOTHING}
        if there is not None and there.authors >= FEWEST_AUTHORS:
            noise = Noise(there.noise_score, there.noise_negative, there.noise_positive, there.noise_variance)
            # Added to what was there: what has not changed is under the same noise as before, so that nobody learns
            # more of it, however often they have their own messages change.
            noise = noise.plus(draw_noise(max(row.most, now[key].most), rng))
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


class Shares(NamedTuple):
    """How many messages of an hour one person has at the most, that were read and in all.

    `leading` were read of those `FEWEST_AUTHORS` people who have most, and `leading_written` written by those who wrote
    most.
    """

    most: int
    leading: int
    most_written: int
    leading_written: int


def first_told(row: Row[Any], shares: Shares | None, rng: Randomness) -> tuple[dict[str, Any], Noise]:
    """A row of `told_hours` for one of `hours` that is over, and the noise in it; None: who wrote is not known now."""
    told = {"channel_id": row.channel_id, "hour": row.hour, "guild_id": row.guild_id, "version": 0, **_NOTHING}
    exact, noise = sums_of(row), Noise()
    written = exact.messages + row.unread
    if row.writers >= FEWEST_AUTHORS:
        most, leading = (typical_most(written, row.writers), 0) if shares is None else shares[2:]
        noisy = needs_noise(row.writers, written, most, leading)
        unread, all_told = perturbed_part(row.unread, written, most if noisy else 0, rng)
        told |= {"unread": unread, "written": all_told, "writers": row.writers // BASE * BASE}
    if exact.authors >= FEWEST_AUTHORS:
        most, leading = (typical_most(exact.messages, exact.authors), 0) if shares is None else shares[:2]
        if needs_noise(exact.authors, exact.messages, most, leading):
            noise = draw_noise(most, rng)
        told |= _as_row(perturbed(exact, noise, rng)) | {"version": 1}
    return told, noise


def sums_of(row: Row[Any]) -> Sums:
    """The exact sums of a row with the columns of `SUMS`."""
    return Sums(*(getattr(row, name) for name in SUMS))


def _as_row(told: Sums | None) -> dict[str, Any]:
    assert told is not None, "only asked of hours that may be shown"
    return {name: getattr(told, name) for name in SUMS}


async def read_shares(
    connection: AsyncConnection, places: Collection[tuple[int, int]]
) -> dict[tuple[int, int], Shares]:
    """By channel and hour, of those of which it is known who wrote; at most `CHUNK` of them at a time."""
    of = tuple_(_PEOPLE.channel_id, _PEOPLE.hour)
    return await _read_shares(connection, table_of(HourAuthorRow), of.in_(places))


async def read_shares_where(connection: AsyncConnection, which: ColumnElement[bool]) -> dict[tuple[int, int], Shares]:
    """Those of all of `hours` of which this is true, by one statement."""
    hours, people = table_of(HourRow), table_of(HourAuthorRow)
    theirs = and_(_PEOPLE.channel_id == _HOURS.channel_id, _PEOPLE.hour == _HOURS.hour)
    return await _read_shares(connection, hours.join(people, theirs), which)


async def _read_shares(
    connection: AsyncConnection, people: FromClause, which: ColumnElement[bool]
) -> dict[tuple[int, int], Shares]:
    of = (_PEOPLE.channel_id, _PEOPLE.hour)
    both = _PEOPLE.messages + _PEOPLE.unread
    ranks = {"read": _PEOPLE.messages, "wrote": both}
    places_by = [func.row_number().over(partition_by=of, order_by=by.desc()).label(name) for name, by in ranks.items()]
    columns = (*of, _PEOPLE.messages, both.label("written"), *places_by)
    ranked = select(*columns).select_from(people).where(which).subquery().c
    leading = case((ranked.read <= FEWEST_AUTHORS, ranked.messages), else_=0)
    leading_written = case((ranked.wrote <= FEWEST_AUTHORS, ranked.written), else_=0)
    sums = (func.max(ranked.messages), func.sum(leading), func.max(ranked.written), func.sum(leading_written))
    grouped = select(ranked.channel_id, ranked.hour, *sums).group_by(ranked.channel_id, ranked.hour)
    found: dict[tuple[int, int], Shares] = {}
    rows = await connection.stream(grouped)
    async for part in rows.partitions(CHUNK):
        found |= {(channel, hour): Shares(*share) for channel, hour, *share in part}
    return found


def _noted(row: Row[Any], noise: Noise) -> dict[str, Any]:
    numbers = {f"new_noise_{name}": getattr(noise, name) for name in Noise.__dataclass_fields__}
    return {"of_channel": row.channel_id, "of_hour": row.hour, **numbers}


async def _note(connection: AsyncConnection, decided: list[dict[str, Any]]) -> None:
    at = and_(*(_HOURS[name] == place for name, place in _OF_PLACE.items()))
    noise: dict[str, Any] = {f"noise_{name}": bindparam(f"new_noise_{name}") for name in Noise.__dataclass_fields__}
    await connection.execute(update(table_of(HourRow)).where(at).values(told=True, **noise), decided)
