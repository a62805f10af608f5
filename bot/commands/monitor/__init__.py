"""`/monitor`: admins choose what is watched, and see what that does."""

from __future__ import annotations

from bot.background_jobs import Job
from bot.commands.monitor.backfill_progress import EDIT_SECONDS
from bot.commands.monitor.command import MonitorCog
from bot.commands.monitor.personal_data import ADMIN_ACTIONS, IMPERSONAL
from bot.monitoring import Monitoring
from bot.services import Feature

__all__ = ["setup"]


def setup(monitoring: Monitoring) -> Feature:
    """The group of commands, and answers of theirs that go on."""
    cog = MonitorCog(monitoring)
    return Feature(
        name="/monitor",
        cogs=(cog,),
        jobs=(Job("saying how far a history is read", cog.backfill_progress.work, interval=EDIT_SECONDS),),
        personal_data=(ADMIN_ACTIONS,),
        impersonal=IMPERSONAL,
    )
