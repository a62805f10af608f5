"""The webhooks of servers that get their alerts as well, and which alerts they have not had yet."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import SecretStr
from sqlalchemy import and_, delete, func, select, update

from bot.domain.records import Alert
from bot.storage.database import Database
from bot.storage.own_servers import own
from bot.storage.schema import AlertRow, WebhookRow
from bot.storage.upsert import table_of, upsert


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook of Discord's. Whoever has the token can post by it, so it is in no log and no `repr`."""

    guild_id: int
    webhook_id: int
    token: SecretStr = field(repr=False)


class WebhookRepository:
    """One webhook a server at most. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set(self, webhook: Webhook) -> None:
        """Keeps a webhook, in the place of the one before; of the alerts so far it gets none."""
        async with self._database.write() as connection:
            latest = await connection.scalar(select(func.max(AlertRow.number))) or 0
            row = {"guild_id": webhook.guild_id, "webhook_id": webhook.webhook_id, "last_alert": latest}
            row |= {"token": webhook.token.get_secret_value()}
            statement = upsert(self._database.dialect, WebhookRow, "webhook_id", "token", "last_alert")
            await connection.execute(statement, [row])

    async def remove(self, guild_id: int, webhook_id: int | None = None) -> bool:
        """Forgets a server's webhook, or only if it is that one; False when there is none."""
        where = WebhookRow.guild_id == guild_id
        if webhook_id is not None:
            where = and_(where, WebhookRow.webhook_id == webhook_id)
        async with self._database.write() as connection:
            return (await connection.execute(delete(WebhookRow).where(where))).rowcount > 0

    async def has(self, guild_id: int) -> bool:
        """Whether a server has one."""
        async with self._database.read() as connection:
            there = select(WebhookRow.webhook_id).where(WebhookRow.guild_id == guild_id)
            return await connection.scalar(there) is not None

    async def waiting(self, since: int) -> tuple[tuple[Webhook, Alert], ...]:
        """Webhooks with the alerts posted in their servers that started since then and were not handed to them yet.

        Of the servers of this process.
        """
        alert, hook = table_of(AlertRow).c, table_of(WebhookRow).c
        due = and_(alert.guild_id == hook.guild_id, alert.number > hook.last_alert)
        ours = own(self._database.shards, alert.guild_id)
        wanted = and_(due, alert.started >= since, alert.post_id.is_not(None), ours)
        question = select(hook.webhook_id, hook.token, *alert).where(wanted).order_by(alert.number)
        async with self._database.read() as connection:
            rows = await connection.execute(question)
            found = [(webhook_id, SecretStr(token), Alert(*columns)) for webhook_id, token, *columns in rows]
        return tuple((Webhook(one.guild_id, number, token), one) for number, token, one in found)

    async def handed(self, guild_id: int, number: int) -> None:
        """Notes that an alert was handed to a server's webhook, or is not to be."""
        where = and_(WebhookRow.guild_id == guild_id, WebhookRow.last_alert < number)
        async with self._database.write() as connection:
            await connection.execute(update(WebhookRow).where(where).values(last_alert=number))
