"""A model is released over several processes at once: which one, how far it is, and what each process says of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "18"
down_revision = "17"
works_with = "14"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the tables, empty: one process alone has no row in them."""
    op.create_table(
        "model_release",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(300), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("before_source", sa.String(300), nullable=False),
        sa.Column("before_sha256", sa.String(64), nullable=False),
        sa.Column("rollback", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("asked", _WIDE, nullable=False),
        sa.Column("changed", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_model_release")),
    )
    op.create_table(
        "model_reports",
        sa.Column("release", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("process", sa.String(16), nullable=False),
        sa.Column("who", sa.String(96), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.PrimaryKeyConstraint("release", "process", name=op.f("pk_model_reports")),
    )


def downgrade() -> None:
    """Drops them."""
    op.drop_table("model_reports")
    op.drop_table("model_release")
