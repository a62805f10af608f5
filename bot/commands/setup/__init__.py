"""`/setup` and the greeting: from the invite to a watched channel in a minute."""

from __future__ import annotations

from bot.commands.setup.command import BeginButton, FormChoice, SetupCog, StartButton
from bot.commands.setup.greeting import GreetingCog
from bot.monitoring import Monitoring
from bot.services import Feature

__all__ = ["setup"]


def setup(monitoring: Monitoring) -> Feature:
    """The command, its form and the greeting. It keeps nothing of its own."""
    services = monitoring.services
    days = services.settings.retention_days
    return Feature(
        name="/setup",
        cogs=(SetupCog(monitoring), GreetingCog(services.connection, monitoring.clock, days)),
        buttons=(BeginButton, FormChoice, StartButton),
    )
