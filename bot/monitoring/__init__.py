"""Monitoring: which messages are read, telling people so first, and when nothing could be seen."""

from __future__ import annotations

from functools import partial

from bot.background_jobs import Daily, Hourly, Job
from bot.monitoring.events import EventsCog
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.notice_events import NoticeEvents
from bot.monitoring.personal_data import IMPERSONAL, MESSAGES
from bot.monitoring.reconciliation import INTERVAL
from bot.monitoring.tag_data import tags_of_people
from bot.monitoring.tag_removal import TAGS_SECONDS
from bot.services import Feature
from bot.storage.maintenance import carry_over, purge_what_is_old

__all__ = ["Monitoring", "setup"]


def setup(monitoring: Monitoring) -> Feature:
    """Discord's events, and what is done so that nothing is kept for too long."""
    storage, days = monitoring.storage, monitoring.services.settings.retention_days
    return Feature(
        name="monitoring",
        cogs=(EventsCog(monitoring), NoticeEvents(monitoring.notices, monitoring.services.connection)),
        jobs=(
            Job("purging", Hourly(partial(purge_what_is_old, storage, days)), limit=3600),
            Job("carrying over opt-outs", Daily(partial(carry_over, storage))),
            Job("noting gaps", monitoring.downtime.note),
            Job("noting deleted notices", monitoring.notices.write_deletions),
            Job("taking tags back", monitoring.tag_removal.run, interval=TAGS_SECONDS),
            Job("finding what is gone", monitoring.reconciliation.work, interval=INTERVAL),
        ),
        drain=monitoring.ingest.drained,
        personal_data=(MESSAGES, tags_of_people(monitoring.reactions)),
        impersonal=IMPERSONAL,
    )
