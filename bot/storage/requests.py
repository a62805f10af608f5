"""What people have asked for that no score may go against, whichever process writes it: asked where it is written.

A process may not have heard yet that somebody has opted out, or had their data deleted, in another. So each write looks
here, under the lock of the writers: what was noted before it holds, and what comes after it finds what it wrote.
One process alone knows it from the log of erasures, and nothing is noted here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.chunks import chunks
from bot.storage.pending_writes import Scored
from bot.storage.pseudonyms import in_server
from bot.storage.schema import OptOutRow, RequestRow
from bot.storage.upsert import greatest


class Request(NamedTuple):
    """Of one person, up to which id their messages were deleted, and from which id on they are in again; 0: never."""

    erased_to: int = 0
    in_from: int = 0


async def note_request(
    connection: AsyncConnection, authors: Sequence[bytes], now: int, *, erased_to: int = 0, in_from: int = 0
) -> None:
    """Notes it for each hash of a person; the later of two counts. `now` is in seconds since the Unix epoch."""
    rows = [{"author": one, "erased_to": erased_to, "in_from": in_from, "noted": now} for one in authors]
    if rows:
        await connection.execute(greatest(connection.dialect.name, RequestRow, "erased_to", "in_from", "noted"), rows)


async def read_requests(connection: AsyncConnection, authors: Collection[bytes] | None = None) -> dict[bytes, Request]:
    """What is noted of these hashes; None: of all."""
    question = select(RequestRow.author, RequestRow.erased_to, RequestRow.in_from)
    if authors is not None:
        question = question.where(RequestRow.author.in_(authors))
    return {author: Request(*rest) for author, *rest in await connection.execute(question)}


async def is_out(connection: AsyncConnection, author: bytes, guild_id: int) -> bool:
    """Whether somebody has opted out, everywhere or in that server."""
    theirs = OptOutRow.author.in_((author, in_server(author, guild_id)))
    return await connection.scalar(select(OptOutRow.author).where(theirs).limit(1)) is not None


async def refused_scores(connection: AsyncConnection, scores: Sequence[Scored]) -> frozenset[int]:
    """Ids of the messages of which no score may be kept: of somebody who is out, or was, or had them deleted.

    In the transaction that writes them.
    """
    refused: set[int] = set()
    for some in chunks(list(scores)):
        hashes = {one.message_id: (one.author, in_server(one.author, one.guild_id)) for one in some}
        asked = {author for both in hashes.values() for author in both}
        out = set(await connection.scalars(select(OptOutRow.author).where(OptOutRow.author.in_(asked))))
        requests = await read_requests(connection, asked)
        for one in some:
            limits = [requests[author] for author in hashes[one.message_id] if author in requests]
            if not out.isdisjoint(hashes[one.message_id]) or any(_goes_against(one, limit) for limit in limits):
                refused.add(one.message_id)
    return frozenset(refused)


def _goes_against(one: Scored, request: Request) -> bool:
    return one.message_id <= request.erased_to or one.message_id < request.in_from
