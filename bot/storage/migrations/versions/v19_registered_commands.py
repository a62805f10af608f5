"""Processes that share a database know which commands one of them has registered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "19"
down_revision = "18"
works_with = "14"


def upgrade() -> None:
    """Makes the table, empty: what was registered before is registered once more."""
    op.create_table(
        "registrations",
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("sent", sa.String(64), nullable=False),
        sa.Column("held", sa.String(64), nullable=False),
        sa.Column("times", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_registrations")),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_table("registrations")
