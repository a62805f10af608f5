"""Who else works at the database, and whether this process may work beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.shards import Cluster
from bot.storage.database import Database
from bot.storage.database_url import keep_others_out
from bot.storage.errors import DatabaseInUse
from bot.storage.lease_statements import LIVE

_LIVE = text(LIVE)

_SHARED = (
    "Several processes share this database: CLUSTER={cluster}/{clusters} runs on {host}. Set CLUSTER for this one, "
    "too, or stop them all and wait a minute."
)


async def neighbour(connection: AsyncConnection) -> tuple[int, int, str] | None:
    """A process of several that has lately said that it lives: which of how many it is, and its machine."""
    if connection.dialect.name != "postgresql":
        return None
    found = (await connection.execute(_LIVE)).first()
    return None if found is None else (found.cluster, found.clusters, found.host)


async def require_company(database: Database, cluster: Cluster | None) -> None:
    """Raises DatabaseInUse for a process that would serve all servers where several share them."""
    if cluster is not None or database.dialect != "postgresql":
        return
    async with database.read() as connection:
        found = await neighbour(connection)
    if found is not None:
        raise DatabaseInUse(_SHARED.format(cluster=found[0], clusters=found[1], host=found[2]))


@contextmanager
def own_folder(folder: Path, cluster: Cluster | None) -> Iterator[None]:
    """Keeps a folder for one process of several: its log of erasures is its own. Raises DatabaseInUse."""
    lock = keep_others_out(folder) if cluster is not None else None
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)
