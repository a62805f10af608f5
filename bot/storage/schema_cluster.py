"""The tables of several processes that share the bot's shards, and what people ask for in one and all must heed."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.schema_base import Base, KeyAuthor, KeyNumber, KeyWord, Number, Snowflake, Total, Word


class ProcessRow(Base):
    """A process that runs: part `cluster` of so many `clusters`, of a bot with so many `shards`.

    `heartbeat` is when it said last that it lives, in milliseconds by the database's clock. It goes when it ends; one
    that was killed stays for a while.
    """

    __tablename__ = "processes"

    process: Mapped[KeyWord]
    cluster: Mapped[int]
    clusters: Mapped[int]
    shards: Mapped[int]
    host: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(32))
    started: Mapped[Total]
    heartbeat: Mapped[Total]


class LeaseRow(Base):
    """Which process has taken a shard last, one of so many, and for the how-manieth time one has (`epoch`).

    Whether it still holds it is said by PostgreSQL's advisory lock; the epoch is what a write is checked by.
    """

    __tablename__ = "leases"

    shards: Mapped[KeyNumber]
    shard: Mapped[KeyNumber]
    holder: Mapped[Word]
    epoch: Mapped[int]


class ChangeRow(Base):
    """Something that one process has changed, for the others to read; it stays a day. See `bot.storage.changes`."""

    __tablename__ = "changes"

    number: Mapped[Number]
    kind: Mapped[Word]
    target_id: Mapped[Snowflake]
    made: Mapped[Total]


class RequestRow(Base):
    """What somebody has asked for, as long as a line of the log of erasures stays: see `bot.storage.requests`.

    Their messages up to `erased_to` were deleted, and from `in_from` on they are in again; 0: they have not asked.
    """

    __tablename__ = "requests"

    author: Mapped[KeyAuthor]
    erased_to: Mapped[Snowflake]
    in_from: Mapped[Snowflake]
    noted: Mapped[Total]


class ErasureLogRow(Base):
    """Up to which line the log of erasures of one of several processes is done; `BookkeepingRow` has one's alone."""

    __tablename__ = "erasure_logs"

    log: Mapped[KeyWord]
    done: Mapped[Total]


class RegistrationRow(Base):
    """Commands that one of several processes has registered with Discord: hashes of what was sent, and shown then.

    `scope` is the bot's application, or that and a server; `times` are those of late.
    """

    __tablename__ = "registrations"

    scope: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(String(32))
    sent: Mapped[str] = mapped_column(String(64))
    held: Mapped[str] = mapped_column(String(64))
    times: Mapped[str] = mapped_column(String(64))


class ReleaseRow(Base):
    """A model that was to answer in all of several processes; see `bot.domain.model_release`.

    The last one that is active is what a process loads when it starts.
    """

    __tablename__ = "model_release"

    number: Mapped[Number]
    source: Mapped[str] = mapped_column(String(300))
    sha256: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(64))
    before_source: Mapped[str] = mapped_column(String(300))
    before_sha256: Mapped[str] = mapped_column(String(64))
    rollback: Mapped[bool]
    state: Mapped[Word]
    reason: Mapped[str] = mapped_column(String(500))
    asked: Mapped[Total]
    changed: Mapped[Total]


class ReportRow(Base):
    """How far a release is in one process; `who` names that one to people. It goes with the next release."""

    __tablename__ = "model_reports"

    release: Mapped[KeyNumber]
    process: Mapped[KeyWord]
    who: Mapped[str] = mapped_column(String(96))
    state: Mapped[Word]
    reason: Mapped[str] = mapped_column(String(400))
