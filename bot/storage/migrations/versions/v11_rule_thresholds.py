"""A rule may say what an hour needs before it can raise an alert there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "11"
down_revision = "10"

_NEW = ("alert_messages", "alert_authors")


def upgrade() -> None:
    """Adds the columns; the rules that are there go by what their server has chosen."""
    for name in _NEW:
        op.add_column("channel_rules", sa.Column(name, sa.Integer(), nullable=True))


def downgrade() -> None:
    """Drops them."""
    for name in reversed(_NEW):
        op.drop_column("channel_rules", name)
