"""How tests reach what is inside a bot."""

from bot.monitoring.events import EventsCog


def monitoring_of(bot):
    """The parts of its monitoring."""
    return next(cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog)).monitoring


def give(bot, **services):
    """Puts other services in the place of those that a bot has."""
    for name, service in services.items():
        object.__setattr__(bot.services, name, service)
