"""`/monitor`: admins choose what is watched, and see what that does."""

from __future__ import annotations

from bot.commands.monitor.command import MonitorCog
from bot.commands.monitor.personal_data import ADMIN_ACTIONS, IMPERSONAL
from bot.monitoring import Monitoring
from bot.services import Feature

__all__ = ["setup"]


def setup(monitoring: Monitoring) -> Feature:
    """The group of commands."""
    return Feature(
        name="/monitor",
        cogs=(MonitorCog(monitoring),),
        personal_data=(ADMIN_ACTIONS,),
        impersonal=IMPERSONAL,
    )
