"""The list of features. A new one is a folder, or a file of `bot/commands`, with a `setup`, and a line here."""

from __future__ import annotations

from bot import alerts, digests, monitoring
from bot.commands import about, help_screens, model, monitor, mood, privacy, sentiment, setup
from bot.services import Feature, Services


def features(services: Services) -> tuple[Feature, ...]:
    """All of them, in the order in which `/privacy` tells what they keep."""
    watch = monitoring.Monitoring(services)
    return (
        sentiment.setup(services, watch.gate),
        about.setup(services),
        privacy.setup(services),
        monitoring.setup(watch),
        monitor.setup(watch),
        setup.setup(watch),
        mood.setup(services),
        alerts.setup(services),
        digests.setup(services),
        model.setup(services),
        help_screens.setup(),
    )
