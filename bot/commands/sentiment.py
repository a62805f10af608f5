"""`/sentiment` and the message menu "Check sentiment"."""

from __future__ import annotations

import asyncio
import logging

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain.recent_texts import RecentText
from bot.domain.records import Answer
from bot.i18n import N_, gettext
from bot.monitoring.asked_message import AskedMessage
from bot.monitoring.message_words import shown_message, what_it_is, words_shown
from bot.monitoring.reading_gate import ReadingGate
from bot.presentation.danger import kind_words
from bot.presentation.error_words import LONGEST_WAIT, SLOW, explain_failure
from bot.services import Feature, Services
from bot.storage.schema import FeedbackRow
from bot.ui.explain_button import WhyButton
from bot.ui.feedback_buttons import FeedbackButton, TakeBackButton, WhichSelect, feedback_buttons
from bot.ui.replies import Reply, origin_of, reply_to_all, reply_to_asker
from bot.ui.verdict_card import verdict_card
from model import ModelError, NothingToRead, Verdict

_log = logging.getLogger(__name__)

_EVERYWHERE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
MINE = N_("That's one of my own messages, and I don't rate those.")

_ANY_INSTALL = app_commands.AppInstallationType(guild=True, user=True)


def setup(services: Services, gate: ReadingGate) -> Feature:
    """The command, the menu, and the buttons under an answer. `gate` says whose messages may be read."""
    cog = SentimentCog(services, gate)
    return Feature(
        name="/sentiment",
        cogs=(cog,),
        menus=(cog.menu,),
        buttons=(WhyButton, FeedbackButton, WhichSelect, TakeBackButton),
        impersonal={FeedbackRow: "labels, score and model version of an answer; no text, no name"},
    )


class SentimentCog(commands.Cog):
    """Answers people who ask about one text."""

    def __init__(self, services: Services, gate: ReadingGate) -> None:
        self.services = services
        self._gate = gate
        self.menu = app_commands.ContextMenu(
            name="Check sentiment",
            callback=self.check_message,
            allowed_contexts=_EVERYWHERE,
            allowed_installs=_ANY_INSTALL,
        )

    @app_commands.command(description="Is a text positive, neutral or negative?")
    @app_commands.describe(text="The text to check", private="Only show the answer to you")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def sentiment(
        self, interaction: discord.Interaction, text: app_commands.Range[str, 1, 6000], private: bool = False
    ) -> None:
        """Answers in the channel, or to the asker alone when `private`."""
        reading = self._answer(interaction, text)
        await (reply_to_asker if private else reply_to_all)(interaction, reading)

    async def check_message(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Answers the asker alone: the author of the message did not ask to be judged in public."""
        await reply_to_asker(interaction, self._check(interaction, message))

    async def _answer(self, interaction: discord.Interaction, text: str) -> Reply:
        verdict = await self._verdict(interaction, text)
        if isinstance(verdict, Reply):
            return verdict
        return self._shown(verdict, RecentText(text, frozenset({interaction.user.id})), quote=text)

    async def _check(self, interaction: discord.Interaction, message: discord.Message) -> Reply:
        """Whether it may be read is asked before, and again when it was: its author may have opted out meanwhile."""
        me = interaction.client.user
        if me is not None and message.author.id == me.id:
            return _aside(gettext(MINE))
        asked = await AskedMessage.find(self._gate, interaction, message)
        if (refused := await asked.refusal()) is not None:
            return _aside(refused)
        text = words_shown(message)
        verdict = await self._verdict(interaction, text, nothing=what_it_is(message))
        if (refused := asked.refused()) is not None:
            return _aside(refused)
        if isinstance(verdict, Reply):
            return verdict
        recent = RecentText(text, asked.author_ids, shown_message(message).id, asked.refusal)
        return self._shown(verdict, recent, jump_url=message.jump_url)

    async def _verdict(
        self, interaction: discord.Interaction, text: str, *, nothing: str | None = None
    ) -> Verdict | Reply:
        """What the model says, or the words for why it says nothing; `nothing` is said of a text without words.

        The words are for the asker alone: nobody else has any use for them.
        """
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                verdict = await self.services.classifier.classify(
                    text, origin=origin_of(interaction), within=LONGEST_WAIT
                )
        except NothingToRead as error:
            return _aside(nothing or explain_failure(error))
        except ModelError as error:
            return _aside(explain_failure(error, self.services.classifier.info))
        except TimeoutError:
            _log.warning("an answer was given up after %.0f s", LONGEST_WAIT)
            return _aside(gettext(SLOW))
        if verdict.danger:
            return _aside(kind_words(self.services.settings.help_url))
        return verdict

    def _shown(
        self, verdict: Verdict, recent: RecentText, *, quote: str | None = None, jump_url: str | None = None
    ) -> Reply:
        why = WhyButton(self.services.recent_texts.remember(recent))
        buttons = (why, *feedback_buttons(Answer.of(verdict)))
        running = self.services.classifier.info
        return Reply(view=verdict_card(verdict, buttons, quote=quote, jump_url=jump_url, running=running))


def _aside(words: str) -> Reply:
    return Reply(words, aside=True)
