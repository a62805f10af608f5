"""Alerts: a channel is far below its own usual mood, and later as usual again."""

from __future__ import annotations

from bot.alerts.job import AlertJob
from bot.alerts.post import AcknowledgeButton
from bot.background_jobs import Job
from bot.services import Feature, Services
from bot.storage.schema import AlertRow

__all__ = ["setup"]


def setup(services: Services) -> Feature:
    """The look at every watched channel once a minute, and the button under a post."""
    return Feature(
        name="alerts",
        buttons=(AcknowledgeButton,),
        jobs=(Job("alerts", AlertJob(services).tick),),
        impersonal={AlertRow: "when a channel's mood dropped, and that somebody looks after it; not who"},
    )
