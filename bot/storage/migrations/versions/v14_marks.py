"""Events that charts show, and webhooks that get a server's alerts as well."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "14"
down_revision = "13"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the tables, empty."""
    op.create_table(
        "marks",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        sa.Column("happened", _WIDE, nullable=False),
        sa.Column("text", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_marks")),
    )
    op.create_index(op.f("ix_marks_guild_id_happened"), "marks", ["guild_id", "happened"])
    op.create_table(
        "webhooks",
        sa.Column("guild_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("webhook_id", _WIDE, nullable=False),
        sa.Column("token", sa.String(100), nullable=False),
        sa.Column("last_alert", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_webhooks")),
    )


def downgrade() -> None:
    """Drops them."""
    op.drop_table("webhooks")
    op.drop_table("marks")
