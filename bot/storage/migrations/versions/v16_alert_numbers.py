"""A number of an alert is given once: SQLite would give those of the last alerts anew when these are purged.

PostgreSQL numbers by a sequence, which never goes back.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "16"
down_revision = "15"
works_with = "14"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_NUMBERS = """
    INSERT INTO sqlite_sequence (name, seq)
    SELECT 'alerts', max(
        (SELECT coalesce(max(number), 0) FROM alerts), (SELECT coalesce(max(last_alert), 0) FROM webhooks)
    )
"""
"""The highest that is known to have been given: of alerts that are purged, the webhooks know some."""


def upgrade() -> None:
    """Copies the table into one that counts on."""
    if op.get_bind().dialect.name == "sqlite":
        _copy(autoincrement=True)
        op.execute("DELETE FROM sqlite_sequence WHERE name IN ('alerts', '_alembic_tmp_alerts')")
        op.execute(_NUMBERS)


def downgrade() -> None:
    """Copies it back."""
    if op.get_bind().dialect.name == "sqlite":
        _copy(autoincrement=False)


def _copy(*, autoincrement: bool) -> None:
    with op.batch_alter_table("alerts", recreate="always", copy_from=_alerts(autoincrement=autoincrement)):
        pass


def _alerts(*, autoincrement: bool) -> sa.Table:
    """The table in full, so that nothing is left out which SQLite does not tell of."""
    return sa.Table(
        "alerts",
        sa.MetaData(),
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        sa.Column("channel_id", _WIDE, nullable=False),
        sa.Column("post_id", _WIDE, nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("usual_level", sa.Integer(), nullable=False),
        sa.Column("started", _WIDE, nullable=False),
        sa.Column("acknowledged", _WIDE, nullable=True),
        sa.Column("recovered", _WIDE, nullable=True),
        sa.Column("false_alarm", _WIDE, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_alerts")),
        sa.Index(op.f("ix_alerts_guild_id_channel_id"), "guild_id", "channel_id"),
        sa.Index(op.f("ix_alerts_recovered"), "recovered"),
        sqlite_autoincrement=autoincrement,
    )
