"""Alembic reads this file before it runs the steps; the connection comes from `bot.storage.migrate`."""

from __future__ import annotations

from alembic import context

from bot.storage.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
