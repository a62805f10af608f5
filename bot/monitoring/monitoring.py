"""What monitoring consists of, for Discord's events, which feed it, and for `/monitor`, which steers it."""

from __future__ import annotations

from bot.monitoring.admin_notifier import AdminNotifier
from bot.monitoring.blind_spots import BlindSpots
from bot.monitoring.catch_up import CatchUp
from bot.monitoring.downtime import Downtime
from bot.monitoring.ingest import Ingest
from bot.monitoring.notice import Notices
from bot.monitoring.overload import Overload
from bot.monitoring.reactions import Reactions
from bot.monitoring.rule_cache import RuleCache
from bot.refusal_backoff import RefusalBackoff
from bot.services import Services


class Monitoring:
    """One of each part, over the same services."""

    def __init__(self, services: Services) -> None:
        storage = services.storage
        self.services = services
        self.storage = storage
        self.content_seen = services.content_seen
        self.clock = storage.clock
        self.rules = RuleCache(storage.guilds, self.clock.now)
        self.backoff = RefusalBackoff()
        admins = AdminNotifier(services.mod_channels, self.rules)
        self.notices = Notices(self.rules, self.backoff, admins, services.settings.retention_days)
        self.reactions = Reactions(self.backoff, admins)
        self.ingest = Ingest(
            services.classifier, storage, self.rules, self.notices, self.reactions, content_seen=self.content_seen
        )
        self.downtime = Downtime(storage.gaps, self.clock)
        self.blind_spots = BlindSpots(self.rules, self.downtime, admins, services.connection, self.clock)
        self.rules.changed = self.blind_spots.look_soon
        self.ingest.overload = self.overload = Overload(self.downtime, self.clock)
        self.catch_up = CatchUp(storage, self.rules, self.ingest, services.connection, services.settings.catch_up)

    def channel_gone(self, guild_id: int, channel_id: int) -> None:
        """Forgets a channel, category or thread that was deleted, with everything that was in it."""
        self.storage.write_buffer.channel_gone(channel_id)
        self.rules.channel_gone(guild_id, channel_id)
        self.backoff.reopen(channel_id)
        self.downtime.forget(guild_id, channel_id)

    def guild_gone(self, guild_id: int) -> None:
        """Forgets a server that the bot has left."""
        self.storage.write_buffer.guild_gone(guild_id)
        self.rules.guild_gone(guild_id)
        self.ingest.counts.pop(guild_id, None)
        self.downtime.forget(guild_id)
        self.blind_spots.forget(guild_id)
        self.catch_up.forget(guild_id)
