"""Releases of models over several processes, as they stand in the database; `bot.domain.model_release` has the rule.

Every step is one transaction under the writers' lock. Whoever takes it may be killed in the middle, and two may take
it: what counts is the state that is there.
"""

from __future__ import annotations

import platform
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.model_release import (
    CANARY_MS,
    LIMIT_MS,
    Peer,
    Release,
    ReleaseState,
    Report,
    ReportState,
    judge,
    taking_part,
)
from bot.domain.shards import Cluster
from bot.storage.changes import Changed, note_change
from bot.storage.database import Database
from bot.storage.lease_statements import NOW, PEERS
from bot.storage.schema import ReleaseRow, ReportRow
from model import ReloadRefused

_OVER = [state.value for state in ReleaseState if state.is_over]
_NOW = text(f"SELECT {NOW}")
_PEERS = text(PEERS)

_OTHER_FILES = "{source} is another model there than in the process that had it ready first."

LONGEST_SOURCE = 300
_LONGEST_REASON, _LONGEST_REFUSAL = 400, 500


class Progress(NamedTuple):
    """How far a release is: in how many of the processes that live and take part the model is ready."""

    release: Release
    ready: int
    of: int


class _Step(NamedTuple):
    """What is to be done for a release at `now`: the next state and why, and rows of those to be noted as asked."""

    release: Release
    now: int
    moved: tuple[ReleaseState, str] | None
    asked: list[dict[str, object]]


class ModelReleases:
    """For one of several processes. Methods raise DatabaseUnavailable."""

    def __init__(self, database: Database, cluster: Cluster) -> None:
        self._database = database
        self._who = _in_words(cluster.number, cluster.of, platform.node())

    async def ask(self, source: str, running: str, running_sha256: str, wanted: str = "") -> int:
        """Asks for a model in all processes; the number of its release. `running` is the source of what there is now.

        Without a `source` it is what was released last, whatever answers in this process, and `wanted` where nothing
        was. Raises ReloadRefused while another is going on.
        """
        async with self._database.write() as connection:
            active = await _latest(connection, ReleaseState.ACTIVE)
            source = source or (active.source if active else wanted)
            if len(source) > LONGEST_SOURCE:
                raise ReloadRefused(f"The name of a model can't be longer than {LONGEST_SOURCE} characters.")
            await _require_none(connection)
            before = (active.source, active.sha256) if active else (running[:LONGEST_SOURCE], running_sha256)
            return await _begin(connection, source, "", before)

    async def ask_back(self) -> int:
        """Asks for the model that there was before the active one; the number of its release.

        Raises ReloadRefused while another is going on, and where none was released.
        """
        async with self._database.write() as connection:
            await _require_none(connection)
            active = await _latest(connection, ReleaseState.ACTIVE)
            if active is None:
                raise ReloadRefused("There's no earlier model to go back to: none has been released yet.")
            before = active.source, active.sha256
            return await _begin(connection, active.before_source, active.before_sha256, before, rollback=True)

    async def active(self) -> Release | None:
        """What is to answer; None: none was ever released, and each process has the one of its settings."""
        async with self._database.read() as connection:
            return await _latest(connection, ReleaseState.ACTIVE)

    async def since(self, number: int) -> list[Release]:
        """Releases from that number on, in order."""
        async with self._database.read() as connection:
            question = select(ReleaseRow.__table__).where(ReleaseRow.number >= number).order_by(ReleaseRow.number)
            return [_release(row) for row in await connection.execute(question)]

    async def progress(self, number: int = 0) -> Progress | None:
        """How far the release of that number is, 0: the last; None: there is none."""
        async with self._database.read() as connection:
            question = select(ReleaseRow.__table__).order_by(ReleaseRow.number.desc()).limit(1)
            row = (
                await connection.execute(question.where(ReleaseRow.number == number) if number else question)
            ).first()
            if row is None:
                return None
            release = _release(row)
            reports = await _reports(connection, release.number)
            peers = [peer for peer in await _peers(connection) if peer.lives]
        said = [state for _, state in taking_part(peers, reports)]
        return Progress(release, sum(state is not None and state.has_it for state in said), len(said))

    async def report(
        self, number: int, state: ReportState, reason: str = "", *, sha256: str = "", version: str = ""
    ) -> ReportState:
        """Says how far that release is in this process; what was noted. Nothing is said of one that is over.

        The first that has loaded it says which model it is, and whoever has another one refuses.
        """
        async with self._database.write() as connection:
            row = (await connection.execute(select(ReleaseRow.__table__).where(ReleaseRow.number == number))).first()
            if row is None or (release := _release(row)).state.is_over:
                return state
            if sha256 and release.sha256 and sha256 != release.sha256:
                state, reason = ReportState.REFUSED, _OTHER_FILES.format(source=release.source)
            elif sha256 and not release.version:
                said = {"sha256": sha256, "version": version}
                await connection.execute(update(ReleaseRow).where(ReleaseRow.number == number).values(said))
            where = {"release": number, "process": self._database.process, "who": self._who}
            said = {"state": state.value, "reason": reason[:_LONGEST_REASON]}
            writing = upsert(ReportRow).values(where | said)
            keys = [ReportRow.release, ReportRow.process]
            await connection.execute(writing.on_conflict_do_update(index_elements=keys, set_=said))
            await note_change(connection, Changed.MODEL)
            return state

    async def advance(self, *, canary_ms: int = CANARY_MS, limit_ms: int = LIMIT_MS) -> Release | None:
        """Moves what is going on one step further if it is time; the release as it is then, None: it did not move.

        Nobody who writes waits for it unless there is something to note.
        """
        async with self._database.read() as connection:
            if await _step(connection, canary_ms, limit_ms) is None:
                return None
        async with self._database.write() as connection:
            step = await _step(connection, canary_ms, limit_ms)
            if step is None:
                return None
            if step.asked:
                await connection.execute(insert(ReportRow), step.asked)
            if step.moved is None:
                return None
            state, reason = step.moved
            said = {"state": state.value, "reason": reason[:_LONGEST_REFUSAL], "changed": step.now}
            await connection.execute(update(ReleaseRow).where(ReleaseRow.number == step.release.number).values(said))
            await note_change(connection, Changed.MODEL)
            row = select(ReleaseRow.__table__).where(ReleaseRow.number == step.release.number)
            return _release((await connection.execute(row)).one())


async def _step(connection: AsyncConnection, canary_ms: int, limit_ms: int) -> _Step | None:
    """What there is to note of the release that is going on; None: nothing."""
    release = await _going_on(connection)
    if release is None:
        return None
    now = int(await connection.scalar(_NOW))
    peers, reports = await _peers(connection), await _reports(connection, release.number)
    moved = judge(release, peers, reports, now, canary_ms=canary_ms, limit_ms=limit_ms)
    asked: list[dict[str, object]] = [
        {"release": release.number, "process": peer.process, "who": peer.who, "state": "asked", "reason": ""}
        for peer in peers
        if peer.lives and peer.process not in reports
    ]
    return _Step(release, now, moved, asked) if moved is not None or asked else None


async def _begin(
    connection: AsyncConnection, source: str, sha256: str, before: tuple[str, str], *, rollback: bool = False
) -> int:
    """The number of a release that nobody has done anything for; reports of those before are not asked for any more."""
    now = int(await connection.scalar(_NOW))
    row: dict[str, object] = {"source": source, "sha256": sha256, "version": "", "rollback": rollback}
    row |= {"before_source": before[0], "before_sha256": before[1]}
    row |= {"state": ReleaseState.WANTED.value, "reason": "", "asked": now, "changed": now}
    await connection.execute(delete(ReportRow))
    number = await connection.scalar(insert(ReleaseRow).values(row).returning(ReleaseRow.number))
    await note_change(connection, Changed.MODEL)
    return int(number or 0)


async def _require_none(connection: AsyncConnection) -> None:
    release = await _going_on(connection)
    if release is not None:
        raise ReloadRefused(f"{release.source} is already being released. Try again when that's done.")


async def _going_on(connection: AsyncConnection) -> Release | None:
    row = (await connection.execute(select(ReleaseRow.__table__).where(ReleaseRow.state.not_in(_OVER)))).first()
    return None if row is None else _release(row)


async def _latest(connection: AsyncConnection, state: ReleaseState) -> Release | None:
    last = select(func.max(ReleaseRow.number)).where(ReleaseRow.state == state.value).scalar_subquery()
    row = (await connection.execute(select(ReleaseRow.__table__).where(ReleaseRow.number == last))).first()
    return None if row is None else _release(row)


async def _peers(connection: AsyncConnection) -> list[Peer]:
    rows = await connection.execute(_PEERS)
    return [Peer(row.process, _in_words(row.cluster, row.clusters, row.host), row.lives) for row in rows]


async def _reports(connection: AsyncConnection, number: int) -> dict[str, Report]:
    rows = await connection.execute(select(ReportRow.__table__).where(ReportRow.release == number))
    return {row.process: Report(row.process, row.who, ReportState(row.state), row.reason) for row in rows}


def _release(row: object) -> Release:
    found = dict(row._mapping)  # type: ignore[attr-defined]
    return Release(**found | {"state": ReleaseState(found["state"])})


def _in_words(number: int, of: int, host: str) -> str:
    return f"CLUSTER={number}/{of} on {host[:64] or '?'}"
