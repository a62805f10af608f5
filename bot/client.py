"""The bot itself; the demo, the tests and `run` all make it here."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.app.open_model import open_classifier
from bot.background_jobs import BackgroundJobs
from bot.command_sync import sync_if_changed
from bot.commands.about import AboutCog
from bot.commands.model import ModelCog
from bot.commands.privacy import DeleteButton, PrivacyCog
from bot.commands.sentiment import SentimentCog
from bot.domain.recent_texts import RecentTexts
from bot.error_handler import ErrorHandlingTree
from bot.mod_channel import ModChannels
from bot.settings import Settings
from bot.storage.pending_writes import Remembered
from bot.ui.explain_button import WhyButton
from bot.ui.feedback_buttons import JUDGED, FeedbackButton
from model import Classifier

if TYPE_CHECKING:
    from bot.monitoring.events import EventsCog
    from bot.storage.open_storage import Storage

_log = logging.getLogger(__name__)


class Vibecheck(commands.AutoShardedBot):
    """Commands and the message menu, over one classifier."""

    classifier: Classifier

    def __init__(
        self,
        settings: Settings,
        classifier: Classifier | None = None,
        mood: Storage | None = None,
        *,
        message_content: bool = True,
    ) -> None:
        """A classifier that is handed in stays its owner's to close; otherwise one is opened at start.

        Without `mood`, which stays its owner's in any case, nothing is monitored and nothing is kept about anybody.
        Without `message_content`, which Discord may refuse, nothing can be read that nobody asks about.
        """
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=ErrorHandlingTree,
            intents=intents_for(monitoring=mood is not None, message_content=message_content),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
        )
        self.settings = settings
        self.mood = mood
        self.upkeep = BackgroundJobs()
        self.watching = _watching(self, mood)
        self.mod_channels = ModChannels(self)
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
        if self.mood is not None and self.watching is not None:
            self.add_dynamic_items(FeedbackButton, DeleteButton)
            await self.add_cog(PrivacyCog(self, self.mood))
            await self._add_monitoring(self.watching, self.mood)
        admin_guild = discord.Object(self.settings.admin_guild) if self.settings.admin_guild else None
        if admin_guild is not None:
            self._know_owner()
            await self.add_cog(ModelCog(self), guild=admin_guild)
        if self.application_id is not None:
            await sync_if_changed(self.tree, self.application_id, self.settings.data_dir, admin_guild)

    async def _add_monitoring(self, watching: EventsCog, mood: Storage) -> None:
        """What needs the store, whose libraries nothing else imports."""
        from bot.alerts.job import AlertJob
        from bot.alerts.post import AcknowledgeButton
        from bot.commands.monitor.command import MonitorCog
        from bot.commands.monitor.replay import replay_command
        from bot.commands.mood.command import MoodCog
        from bot.digests.job import DigestJob

        await self.add_cog(watching)
        monitor = MonitorCog(self, watching)
        assert monitor.app_command is not None
        monitor.app_command.add_command(replay_command())
        await self.add_cog(monitor)
        await self.add_cog(MoodCog(self, mood))
        self.add_dynamic_items(AcknowledgeButton)
        self.upkeep.add("alerts", AlertJob(self, mood).tick)
        self.upkeep.add("digests", DigestJob(self, mood).tick)

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
        """Nothing: there are no text commands. What is watched is read by `EventsCog`."""

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        """Logs the kind of an error in an event only: its message, or its traceback, may hold somebody's words."""
        error = sys.exception()
        _log.error("%s failed (%s)", event_method, type(error).__name__)


def create_bot(
    settings: Settings,
    *,
    classifier: Classifier | None = None,
    mood: Storage | None = None,
    message_content: bool = True,
) -> Vibecheck:
    """A bot that is ready to be started with the settings' token."""
    return Vibecheck(settings, classifier, mood, message_content=message_content)


def _watching(bot: Vibecheck, mood: Storage | None) -> EventsCog | None:
    if mood is None:
        return None
    # Imported here: without a store nobody needs the database's libraries, and `run` loads them beside the model.
    from bot.monitoring.events import EventsCog

    return EventsCog(bot, mood)


def intents_for(*, monitoring: bool, message_content: bool = True) -> discord.Intents:
    """What the bot wants to be told by Discord. Commands and message menus are interactions, which need no intent."""
    intents = discord.Intents.none()
    if monitoring:
        intents.guilds = True  # channels, threads and roles, to which rules apply; servers joined and left
        intents.guild_messages = True  # that a message was written, edited or deleted
        intents.message_content = message_content  # what it says; privileged: Discord's portal must have it on
    return intents
