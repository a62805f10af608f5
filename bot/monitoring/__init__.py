"""Monitoring: which messages are read, telling people so first, and when nothing could be seen."""

from __future__ import annotations

from functools import partial

from bot.background_jobs import Daily, Hourly, Job, PutOff, Work
from bot.monitoring import blind_spots, catch_up, clock_watch, heartbeats, overload
from bot.monitoring.backfill import job as backfill
from bot.monitoring.clock_watch import ClockWatch
from bot.monitoring.events import EventsCog
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.notice_button import DetailsButton
from bot.monitoring.notice_events import NoticeEvents
from bot.monitoring.personal_data import IMPERSONAL, messages_of_people
from bot.monitoring.reconciliation import INTERVAL
from bot.monitoring.tag_data import tags_of_people
from bot.monitoring.tag_removal import TAGS_SECONDS
from bot.presentation.language_words import languages_of
from bot.services import Feature
from bot.storage import file_watch
from bot.storage.file_watch import FileWatch
from bot.storage.maintenance import (
    carry_over,
    clock_is_certain,
    forget_short_gaps,
    forget_what_is_over,
    purge_what_is_old,
    tell_what_is_over,
)
from model.text.languages import ENGLISH

__all__ = ["Monitoring", "setup"]


def setup(monitoring: Monitoring) -> Feature:
    """Discord's events, and what is done so that hours are told when they are over and nothing is kept for too long."""
    cog = EventsCog(monitoring)
    storage, days = monitoring.storage, monitoring.services.settings.retention_days
    hourly = Hourly(partial(purge_what_is_old, storage, days))

    async def purge(now: float) -> None:
        if not clock_is_certain(storage, now):
            raise PutOff
        await hourly(now)

    def for_all(work: Work) -> Work:
        """Of several processes one does it; the others have nothing to do."""

        async def by_one(now: float) -> None:
            if storage.leads:
                await work(now)

        return by_one

    async def tell(now: float) -> None:
        if not await tell_what_is_over(storage, now):
            raise PutOff

    def english_only(guild_id: int) -> bool:
        readable = languages_of(monitoring.services.classifier.info)
        return [code for code in readable if monitoring.rules.wants(guild_id, code)] == [ENGLISH]

    return Feature(
        name="monitoring",
        cogs=(cog, NoticeEvents(monitoring.notices, monitoring.services.connection)),
        buttons=(DetailsButton,),
        jobs=(
            Job("telling hours", tell),
            Job("purging", for_all(purge), limit=3600),
            Job("carrying over opt-outs", Daily(partial(carry_over, storage))),
            Job("noting gaps", monitoring.downtime.note),
            Job("noting deleted notices", monitoring.notices.write_deletions),
            Job("taking tags back", monitoring.tag_removal.run, interval=TAGS_SECONDS),
            Job("finding what is gone", monitoring.reconciliation.work, interval=INTERVAL),
            Job("listening to heartbeats", cog.heartbeats.look, interval=heartbeats.LOOK_SECONDS),
            Job("looking for blind spots", monitoring.blind_spots.look, interval=blind_spots.LOOK_SECONDS),
            Job("noticing overload", monitoring.overload.look, interval=overload.WINDOW_SECONDS),
            Job("minding the database's file", FileWatch(storage.database).look, file_watch.LOOK_SECONDS),
            Job("minding the clock", ClockWatch(monitoring.clock).look, clock_watch.LOOK_SECONDS),
            Job(
                "catching up",
                monitoring.catch_up.work,
                interval=catch_up.INTERVAL_SECONDS,
                limit=catch_up.LIMIT_SECONDS,
            ),
            Job(
                "reading history",
                monitoring.backfills.work,
                interval=backfill.INTERVAL_SECONDS,
                limit=backfill.LIMIT_SECONDS,
            ),
            Job("forgetting short gaps", for_all(Daily(partial(forget_short_gaps, storage)))),
            Job("forgetting what is over", for_all(Daily(partial(forget_what_is_over, storage)))),
        ),
        drain=monitoring.ingest.drained,
        counts=monitoring.ingest.totals,
        unreadable=monitoring.ingest.unread_languages.totals,
        wants=monitoring.rules.wants,
        personal_data=(messages_of_people(english_only), tags_of_people(monitoring.reactions)),
        impersonal=IMPERSONAL,
    )
