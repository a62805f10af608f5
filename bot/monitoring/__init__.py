"""Monitoring: which messages are read, telling people so first, and when nothing could be seen."""

from __future__ import annotations

from functools import partial

from bot.background_jobs import Daily, Hourly, Job
from bot.monitoring.events import EventsCog
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.personal_data import IMPERSONAL, MESSAGES
from bot.services import Feature
from bot.storage.maintenance import carry_over, purge_what_is_old, tell_what_is_over

__all__ = ["Monitoring", "setup"]


def setup(monitoring: Monitoring) -> Feature:
    """Discord's events, and what is done so that hours are told when they are over and nothing is kept for too long."""
    storage, days = monitoring.storage, monitoring.services.settings.retention_days
    return Feature(
        name="monitoring",
        cogs=(EventsCog(monitoring),),
        jobs=(
            Job("telling hours", partial(tell_what_is_over, storage)),
            Job("purging", Hourly(partial(purge_what_is_old, storage, days)), limit=3600),
            Job("carrying over opt-outs", Daily(partial(carry_over, storage))),
            Job("noting gaps", monitoring.downtime.note),
        ),
        drain=monitoring.ingest.drained,
        personal_data=(MESSAGES,),
        impersonal=IMPERSONAL,
    )
