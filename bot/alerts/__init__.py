"""Alerts: a channel is far below its own usual mood, and later back to normal."""

from __future__ import annotations

from bot.alerts.buttons import ALL
from bot.alerts.job import AlertJob
from bot.alerts.webhooks import WebhookJob
from bot.background_jobs import TICK_SECONDS, Job
from bot.services import Feature, Services
from bot.storage.schema import AlertRow, SnoozeRow, WebhookRow

__all__ = ["setup"]

LOOK_SECONDS = TICK_SECONDS
"""How often every watched channel is looked at; the demo looks sooner."""


def setup(services: Services) -> Feature:
    """The look at every watched channel once a minute, and the buttons under a post."""
    return Feature(
        name="alerts",
        buttons=ALL,
        jobs=(
            Job("alerts", AlertJob(services).tick, interval=LOOK_SECONDS),
            Job("webhooks", WebhookJob(services).tick, interval=LOOK_SECONDS),
        ),
        impersonal={
            AlertRow: "when a channel's mood dropped, and that a moderator is on it or calls it a false alarm; not who",
            WebhookRow: "the webhook that a server's alerts go to as well",
            SnoozeRow: "until when a channel has no alerts",
        },
    )
