"""What `bot.storage.leases` asks of PostgreSQL. Times are in milliseconds, by its own clock."""

from __future__ import annotations

from bot.storage.database import NAME
from bot.storage.database_url import WRITERS_LOCK

SHARD_LOCKS, DUTY_LOCKS, IDENTIFY_LOCKS = (WRITERS_LOCK + number for number in (1, 2, 3))
"""Spaces of advisory locks: one for each shard, for each of the duties below, and for each of Discord's buckets."""

HOUSE, PLAN = 0, 1
"""Duties: what one process does for all, and agreeing on the number of shards."""

SILENT_SECONDS = 60
"""After so long without a heartbeat a process counts as gone, whatever connections it has."""

NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_SINCE = "(extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint"

_LATELY = SILENT_SECONDS * 1000
_LIVES = f"processes.heartbeat BETWEEN {NOW} - {_LATELY} AND {NOW} + {_LATELY}"
"""Nobody has said anything in the future: such a row is of a copy, or of a clock that was put back."""

REGISTER = f"""
INSERT INTO processes (process, cluster, clusters, shards, host, version, started, heartbeat)
VALUES ($1, $2, $3, $4, $5, $6, {NOW} / 1000, {NOW})
ON CONFLICT (process) DO UPDATE SET shards = excluded.shards, heartbeat = excluded.heartbeat
"""  # noqa: S608

OTHERS = f"""
SELECT shards FROM processes WHERE process <> $1 AND {_LIVES}
ORDER BY started, process LIMIT 1
"""  # noqa: S608

LIVE = f"""
SELECT cluster, clusters, host FROM processes WHERE {_LIVES}
ORDER BY heartbeat DESC LIMIT 1
"""  # noqa: S608

_QUIET_SECONDS = 10
"""Some heartbeats: whoever stands by for another says all the time that it lives."""

PEERS = f"""
SELECT process, cluster, clusters, host, {_LIVES} AND NOT (
    processes.heartbeat < {NOW} - {_QUIET_SECONDS * 1000} AND EXISTS (
        SELECT 1 FROM processes AS later JOIN leases ON leases.holder = later.process
        WHERE (later.cluster, later.clusters) = (processes.cluster, processes.clusters)
        AND later.started > processes.started
    )
) AS lives FROM processes ORDER BY started, process
"""  # noqa: S608
"""Every process that has registered and not ended in order, the oldest first.

One that has fallen quiet and in whose place another serves does not live: it need not be waited for any longer.
"""
VERSIONS = f"SELECT DISTINCT version FROM processes WHERE {_LIVES}"  # noqa: S608

BEAT = f"""
WITH alive AS (UPDATE processes SET heartbeat = {NOW} WHERE process = $1 RETURNING process)
SELECT leases.shard, leases.epoch FROM alive LEFT JOIN leases ON leases.holder = alive.process AND leases.shards = $2
"""  # noqa: S608
"""No row: this process is not registered."""

HOLDER = f"""
SELECT leases.holder, processes.heartbeat, processes.host, processes.cluster, processes.clusters,
    {NOW} - processes.heartbeat AS ago,
    {NOW} - greatest(processes.heartbeat, {_SINCE}) AS silent,
    {_SINCE} > processes.heartbeat AS restarted
FROM leases LEFT JOIN processes ON processes.process = leases.holder WHERE leases.shards = $1 AND leases.shard = $2
"""  # noqa: S608

TAKE = """
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock($4::bigint))
INSERT INTO leases (shards, shard, holder, epoch) SELECT $1::integer, $2::integer, $3::varchar, 1 FROM turn
ON CONFLICT (shards, shard) DO UPDATE SET holder = excluded.holder, epoch = leases.epoch + 1
RETURNING epoch
"""
"""In turn with whoever writes: no write of the former holder ends after it."""

UNHELD = f"""
SELECT $1 - count(*) AS shards FROM leases JOIN processes ON processes.process = leases.holder
WHERE leases.shards = $1 AND {_LIVES}
"""  # noqa: S608

_HOLDS = """
locktype = 'advisory' AND objsubid = 2 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

END_THE_SILENT = f"""
SELECT pg_terminate_backend(sessions.pid) FROM leases JOIN processes ON processes.process = leases.holder
JOIN pg_stat_activity AS sessions ON sessions.application_name = '{NAME} ' || leases.holder
WHERE leases.shards = $1 AND leases.shard = $2 AND sessions.usename = current_user
AND sessions.datname = current_database() AND {NOW} - greatest(processes.heartbeat, {_SINCE}) >= $3::bigint
"""  # noqa: S608
"""All of the holder's connections: one may be in the middle of a write, whose turn everybody waits for."""

END_ALL_SILENT = f"""
SELECT pg_terminate_backend(sessions.pid) FROM processes
JOIN pg_stat_activity AS sessions ON sessions.application_name = '{NAME} ' || processes.process
WHERE processes.process <> $1 AND sessions.usename = current_user AND sessions.datname = current_database()
AND {NOW} - greatest(processes.heartbeat, {_SINCE}) >= $2::bigint
"""  # noqa: S608
"""All connections of whoever has said nothing for so long, whatever number of shards it goes by."""

FORGET_OTHER_NUMBERS = """
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock($2::bigint))
DELETE FROM leases USING turn WHERE shards <> $1::integer
"""
"""In turn with whoever writes: who held a shard of another number finds by its next write, or heartbeat, that it does
not any more.
"""

END_SESSION = f"""
SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {_HOLDS} AND pid = $1::integer AND classid = $2::bigint::oid
LIMIT 1
"""  # noqa: S608

LEAVE = "DELETE FROM processes WHERE process = $1"
