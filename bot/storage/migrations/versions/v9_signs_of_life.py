"""Each shard has a sign of life of its own, beside the one of all, which goes on being written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "9"
down_revision = "8"
works_with = "7"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Nothing is known of any shard yet: that of all holds for each."""
    op.create_table(
        "signs_of_life",
        sa.Column("shards", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("alive", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("shards", "shard", name=op.f("pk_signs_of_life")),
    )


def downgrade() -> None:
    """Drops them; the one of all is no later than any."""
    op.drop_table("signs_of_life")
