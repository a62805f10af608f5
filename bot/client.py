"""The bot itself; the demo, the tests and `run` all make it here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.about import AboutCog
from bot.failures import FriendlyTree
from bot.feedback import JUDGED, FeedbackButton
from bot.model_admin import ModelCog
from bot.mood.pending import Remembered
from bot.privacy import DeleteButton, PrivacyCog
from bot.sentiment import SentimentCog
from bot.settings import Settings
from bot.sync import sync_if_changed
from bot.upkeep import Upkeep
from bot.why import RecentTexts, WhyButton
from model import Classifier

if TYPE_CHECKING:
    from bot.mood.opening import Opened


class Vibecheck(commands.AutoShardedBot):
    """Commands and the message menu, over one classifier."""

    classifier: Classifier

    def __init__(self, settings: Settings, classifier: Classifier | None = None, mood: Opened | None = None) -> None:
        """A classifier that is handed in stays its owner's to close; otherwise one is opened at start.

        Without `mood`, which stays its owner's in any case, nothing is monitored and nothing is kept about anybody.
        """
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=FriendlyTree,
            # Commands and message menus arrive as interactions, which need no intent at all.
            intents=discord.Intents.none(),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
        )
        self.settings = settings
        self.mood = mood
        self.upkeep = Upkeep()
        self.recent_texts = RecentTexts()
        self.judged = Remembered(JUDGED)
        self._owned: Classifier | None = None
        if classifier is not None:
            self.classifier = classifier

    async def setup_hook(self) -> None:
        """Loads the model and the commands; runs once, before the gateway connects."""
        if not hasattr(self, "classifier"):
            self._owned = self.classifier = await open_classifier(self.settings)
        self.add_dynamic_items(WhyButton)
        await self.add_cog(SentimentCog(self))
        await self.add_cog(AboutCog(self))
        if self.mood is not None:
            self.add_dynamic_items(FeedbackButton, DeleteButton)
            await self.add_cog(PrivacyCog(self, self.mood))
        admin_guild = discord.Object(self.settings.admin_guild) if self.settings.admin_guild else None
        if admin_guild is not None:
            self._know_owner()
            await self.add_cog(ModelCog(self), guild=admin_guild)
        if self.application_id is not None:
            await sync_if_changed(self.tree, self.application_id, self.settings.data_dir, admin_guild)

    def _know_owner(self) -> None:
        """Keeps who owns the bot, which the login has fetched: asking again could take longer than a command may."""
        application = self.application
        if application is None or self.owner_id or self.owner_ids:
            return
        if application.team is None:
            self.owner_id = application.owner.id
            return
        trusted = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
        members = {member.id for member in application.team.members if member.role in trusted}
        self.owner_ids = members | {application.team.owner_id or 0}

    async def close(self) -> None:
        """Disconnects and closes the model that this bot opened."""
        await super().close()
        if self._owned is not None:
            owned, self._owned = self._owned, None
            await owned.close()

    async def on_message(self, _message: discord.Message, /) -> None:
        """Nothing: there are no text commands, and nobody's messages are read."""


def create_bot(settings: Settings, *, classifier: Classifier | None = None, mood: Opened | None = None) -> Vibecheck:
    """A bot that is ready to be started with the settings' token."""
    return Vibecheck(settings, classifier, mood)


async def open_classifier(settings: Settings) -> Classifier:
    """The classifier these settings ask for. Raises a CheckpointError when it cannot be had."""
    return await Classifier.open(
        settings.model,
        device=settings.device,
        threads=settings.threads,
        queue_limit=settings.queue_limit,
        cache=settings.cache_size,
        budget=settings.batch_tokens,
    )
