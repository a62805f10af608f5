"""Only the servers that are this process's: the condition for a question about all of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, literal_column, true

from bot.domain.shards import Shards


def own(shards: Shards, guild_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a column's server is one of these shards'; always true where they are all."""
    if shards.numbers is None:
        return true()
    timestamp = guild_id.op(">>", return_type=BigInteger())(literal_column("22"))
    shard = timestamp.op("%", return_type=BigInteger())(literal_column(str(int(shards.count))))
    return shard.in_([literal_column(str(int(number))) for number in sorted(shards.numbers)])
