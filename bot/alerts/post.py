"""What moderators read: an alert with its buttons, and the word that it is over. Nobody is quoted."""

from __future__ import annotations

from typing import Any

import discord

from bot.alerts.buttons import buttons
from bot.alerts.embed import Named, alert_embed, recovered_embed
from bot.domain.records import Alert, HourMood
from bot.storage.alert_holds import Hold


def alert_post(
    alert: Alert, role_id: int | None = None, *, picture: discord.File | None = None, links: bool = True
) -> dict[str, Any]:
    """What to send when a storm starts, without a number: the hour that was judged may be exact, and not over.

    With `role_id` it mentions that role, and nobody else. The picture shows the hours that were told before. It is
    beside the embed and not in it: an embed that is changed later would show it twice.
    """
    post = {"embed": alert_embed(alert, Hold(), Named()), "view": buttons(alert, links=links)}
    if picture is not None:
        post["file"] = picture
    if role_id:
        pinged = discord.AllowedMentions(everyone=False, users=False, roles=[discord.Object(role_id)])
        post |= {"content": f"<@&{role_id}>", "allowed_mentions": pinged}
    return post


def recovered_post(alert: Alert, now: float, hour: HourMood | None) -> dict[str, Any]:
    """What to send when a storm is over, without a number; None of an hour: hardly anybody writes any more."""
    return {"embed": recovered_embed(alert, now, hour)}
