"""How tests reach what is inside a bot."""

import time

from bot.monitoring.events import EventsCog


def monitoring_of(bot):
    """The parts of its monitoring."""
    return next(cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog)).monitoring


def give(bot, **services):
    """Puts other services in the place of those that a bot has."""
    for name, service in services.items():
        object.__setattr__(bot.services, name, service)


class MovedClock:
    """The clock that a storage goes by, moved by a test. It begins at a whole second."""

    def __init__(self, storage):
        self.now, self.ran = float(int(time.time())), 1000.0
        self.clock = storage.clock
        self.clock._local, self.clock._steady = lambda: self.now, lambda: self.ran

    def go_on(self, seconds):
        self.now += seconds
        self.ran += seconds
