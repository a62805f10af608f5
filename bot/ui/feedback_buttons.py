"""The buttons "Right" and "Wrong" under an answer. What is kept holds neither the text nor who said it."""

from __future__ import annotations

import re
from typing import Any, Self

import discord

from bot.domain.records import Answer
from bot.error_handler import apologising
from bot.presentation.verdict_words import EMOJI
from bot.services import services_of
from bot.storage.errors import DatabaseUnavailable
from bot.ui.explain_button import WhyButton
from model import SENTIMENTS, Sentiment

THANKS = "Thank you. I keep what you said it should be, my label, its score and my model's version: no text, no name."
NOT_YOURS = "Only the one who asked can say whether this is right."
ALREADY = "This answer has its feedback already, thank you."
NOT_KEPT = "That could not be kept just now, and nothing was. The buttons stay; please try again in a few minutes."

_ASK = "wrong"


class FeedbackButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"feedback:(?P<says>{_ASK}|[012]):(?P<label>[012]):(?P<score>-?\d{{1,4}}):(?P<model>[\w.-]{{1,64}})",
):
    """Says what an answer should have been, or with no such label asks for it. All it needs is in its id."""

    def __init__(self, answer: Answer, says: Sentiment | None, label: str, emoji: str | None = None) -> None:
        self.answer = answer
        self.says = says
        said = _ASK if says is None else SENTIMENTS.index(says)
        super().__init__(
            discord.ui.Button(
                label=label,
                emoji=emoji,
                custom_id=f"feedback:{said}:{SENTIMENTS.index(answer.sentiment)}:{answer.score}:{answer.model}",
            )
        )

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds the button from its id alone."""
        answer = Answer(SENTIMENTS[int(match["label"])], int(match["score"]), match["model"])
        return cls(answer, None if match["says"] == _ASK else SENTIMENTS[int(match["says"])], match["says"])

    @apologising("feedback")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Keeps what was said, once for each answer, and takes the buttons away."""
        feedback, message = services_of(interaction).storage.feedback, interaction.message
        if message is None or not _asked(interaction.user, message):
            await interaction.response.send_message(NOT_YOURS, ephemeral=True)
            return
        if self.says is None:
            await interaction.response.edit_message(view=_view(message, _which(self.answer)))
            return
        await interaction.response.defer()
        try:
            kept = await feedback.add_once(message.id, self.answer, self.says)
        except DatabaseUnavailable:
            await interaction.followup.send(NOT_KEPT, ephemeral=True)
            return
        if not kept:
            await interaction.followup.send(ALREADY, ephemeral=True)
            return
        await interaction.edit_original_response(view=_view(message, []))
        await interaction.followup.send(THANKS, ephemeral=True)


def feedback_buttons(answer: Answer) -> list[FeedbackButton]:
    """What goes under an answer."""
    return [FeedbackButton(answer, answer.sentiment, "Right"), FeedbackButton(answer, None, "Wrong")]


def _which(answer: Answer) -> list[FeedbackButton]:
    """All three: the answer's own label undoes a slip."""
    return [FeedbackButton(answer, says, _words(answer, says), EMOJI[says]) for says in SENTIMENTS]


def _words(answer: Answer, says: Sentiment) -> str:
    return f"{says.capitalize()} is right" if says is answer.sentiment else f"Should be {says}"


def _view(message: discord.Message, buttons: list[FeedbackButton]) -> discord.ui.View:
    """The message's "Why?" and these. Made anew: the library keeps a view in memory that has any other kind of item."""
    view = discord.ui.View(timeout=None)
    for row in message.components:
        for child in row.children if isinstance(row, discord.ActionRow) else ():
            key = re.fullmatch(WhyButton.__discord_ui_compiled_template__, getattr(child, "custom_id", None) or "")
            if key is not None:
                view.add_item(WhyButton(key["key"]))
    for button in buttons:
        view.add_item(button)
    return view


def _asked(user: discord.User | discord.Member, message: discord.Message) -> bool:
    """Whether the message answers something this person asked; Discord itself says so, and nothing of it is kept."""
    asking = message.interaction_metadata
    return asking is not None and asking.user.id == user.id
