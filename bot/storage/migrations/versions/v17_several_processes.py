"""Several processes share the bot's shards: who holds which, and what each must know of the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "17"
down_revision = "16"
works_with = "14"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the tables, empty: one process alone has no row in them."""
    op.create_table(
        "processes",
        sa.Column("process", sa.String(16), nullable=False),
        sa.Column("cluster", sa.Integer(), nullable=False),
        sa.Column("clusters", sa.Integer(), nullable=False),
        sa.Column("shards", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(64), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("started", _WIDE, nullable=False),
        sa.Column("heartbeat", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("process", name=op.f("pk_processes")),
    )
    op.create_table(
        "leases",
        sa.Column("shards", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(16), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("shards", "shard", name=op.f("pk_leases")),
    )
    op.create_table(
        "changes",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("target_id", _WIDE, nullable=False),
        sa.Column("made", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_changes")),
    )
    op.create_table(
        "requests",
        sa.Column("author", sa.LargeBinary(16), nullable=False),
        sa.Column("erased_to", _WIDE, nullable=False),
        sa.Column("in_from", _WIDE, nullable=False),
        sa.Column("noted", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("author", name=op.f("pk_requests")),
    )
    op.create_table(
        "erasure_logs",
        sa.Column("log", sa.String(16), nullable=False),
        sa.Column("done", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_erasure_logs")),
    )


def downgrade() -> None:
    """Drops them."""
    op.drop_table("erasure_logs")
    op.drop_table("requests")
    op.drop_table("changes")
    op.drop_table("leases")
    op.drop_table("processes")
