"""What monitoring consists of, for Discord's events, which feed it, and for `/monitor`, which steers it."""

from __future__ import annotations

from collections.abc import Mapping

from bot.monitoring.admin_notifier import AdminNotifier
from bot.monitoring.backfill.job import Backfills
from bot.monitoring.backfill.reading import HistoryReading
from bot.monitoring.blind_spots import BlindSpots
from bot.monitoring.catch_up import CatchUp
from bot.monitoring.downtime import Downtime
from bot.monitoring.ingest import Ingest
from bot.monitoring.notice import Notices
from bot.monitoring.overload import Overload
from bot.monitoring.reactions import Reactions
from bot.monitoring.reading_gate import ReadingGate
from bot.monitoring.reconciliation import Reconciliation
from bot.monitoring.rule_cache import RuleCache
from bot.monitoring.tag_removal import TagRemoval
from bot.refusal_backoff import RefusalBackoff
from bot.services import Services
from bot.storage.sign_of_life import Shard


class Monitoring:
    """One of each part, over the same services."""

    def __init__(self, services: Services) -> None:
        storage = services.storage
        self.services = services
        self.storage = storage
        self.content_seen = services.content_seen
        self.clock = storage.clock
        self.rules = RuleCache(storage.guilds, storage.notices, self.clock.now)
        storage.changes.server, storage.changes.everything = self.rules.reload, self.rules.reload_all
        self.backoff = RefusalBackoff()
        self.admins = AdminNotifier(services.mod_channels, self.rules, services.connection, self.clock.now)
        days, hours = services.settings.retention_days, services.settings.catch_up
        self.notices = Notices(
            self.rules, self.backoff, self.admins, services.connection, days, processes=storage.processes
        )
        self.tag_removal = TagRemoval(storage.tags, services.connection)
        self.reactions = Reactions(
            self.backoff, self.admins, storage.tags, self.tag_removal, opted_out=storage.opt_outs
        )
        self.gate = ReadingGate(self.rules, storage.opt_outs, content_seen=self.content_seen)
        self.ingest = Ingest(
            services.classifier, storage, self.rules, self.gate, notices=self.notices, reactions=self.reactions
        )
        self.downtime = Downtime(storage.gaps, self.clock)
        storage.write_buffer.unseen_since = self.downtime.unwritten_since
        storage.write_buffer.unseen_by_shard = self._unseen_by_shard
        self.blind_spots = BlindSpots(self.rules, self.downtime, self.admins, services.connection, self.clock)
        self.rules.changed = self.blind_spots.look_soon
        self.rules.language_changed = self.notices.language_changed
        self.ingest.overload = self.overload = Overload(self.downtime, self.clock)
        self.catch_up = CatchUp(
            storage, self.rules, self.ingest, self.notices, services.connection, downtime=self.downtime, hours=hours
        )
        reading = HistoryReading(services.classifier, storage, self.gate, self.notices, self.ingest.counts)
        self.backfills = Backfills(
            storage, self.rules, self.notices, reading, services.connection, catch_up=self.catch_up
        )
        self.notices.blind_from, self.notices.sees_again = self.blind_spots.blind_from, self.blind_spots.sees_again
        self.blind_spots.shown_again = self.notices.doubt
        self.reconciliation = Reconciliation(
            services.connection,
            storage,
            self.rules,
            guild_gone=self.guild_gone,
            channel_gone=self.channel_gone,
            clock=self.clock.now,
        )

    def _unseen_by_shard(self) -> Mapping[Shard, float]:
        """Nothing with one shard: the sign of life of all is its own."""
        shards = self.services.connection.shard_count or 1
        numbers = self.storage.database.shards.of(shards)
        return self.downtime.unwritten_by_shard(numbers, shards) if shards > 1 else {}

    def channel_gone(self, guild_id: int, channel_id: int) -> None:
        """Forgets a channel, category or thread that was deleted, with everything that was in it."""
        self.storage.write_buffer.channel_gone(channel_id)
        self.rules.channel_gone(guild_id, channel_id)
        self.backoff.reopen(channel_id)
        self.downtime.forget(guild_id, channel_id)

    def guild_gone(self, guild_id: int) -> None:
        """Forgets a server that the bot has left, and is not to be added to again."""
        self.storage.write_buffer.guild_gone(guild_id)
        self.rules.guild_gone(guild_id)
        self.ingest.forget(guild_id)
        self.downtime.forget(guild_id)
        self.blind_spots.forget(guild_id)
        self.admins.forget(guild_id)
        self.catch_up.forget(guild_id)
        self.backfills.forget(guild_id)
