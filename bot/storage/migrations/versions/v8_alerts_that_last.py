"""The alerts that last are found among those of all time by an index, for every minute asks for them."""

from __future__ import annotations

from alembic import op

revision = "8"
down_revision = "7"
works_with = "7"

_INDEX = "ix_alerts_recovered"


def upgrade() -> None:
    """Adds the index: a process of the version before goes on as it did."""
    op.create_index(op.f(_INDEX), "alerts", ["recovered"])


def downgrade() -> None:
    """Drops it."""
    op.drop_index(op.f(_INDEX), "alerts")
