"""What people say of an answer: "Right", or "Wrong" and what it should have been, and "Take it back".

What is kept holds neither the text nor who said it. All that is asked after the first press is asked in private.
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord

from bot.domain.records import Answer
from bot.error_handler import apologising
from bot.i18n import N_, gettext, pgettext
from bot.presentation.verdict_words import EMOJI, title_of
from bot.services import services_of
from bot.storage.errors import DatabaseUnavailable
from bot.ui.verdict_card import without_questions
from model import SENTIMENTS, Sentiment

WHICH = N_("What should it have been?")
THANKS = N_("Thanks! Noted, without your name or the text.")
TAKEN_BACK = N_("Taken back, nothing is noted. What should it have been?")
NOT_YOURS = N_("Only the person who ran the command can rate this.")
ALREADY = N_("You've already rated this one, thanks!")
NOT_KEPT = N_("I couldn't note that, my database isn't responding. Please try again in a few minutes.")

_WRONG = "wrong"
_ANSWER = r"(?P<label>[012]):(?P<score>-?\d{1,4}):(?P<model>[\w.-]{1,64})"


class FeedbackButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=rf"feedback:(?P<says>{_WRONG}|[012]):{_ANSWER}"
):
    """Says that an answer is right, or that it is wrong and then asks what would be. All it needs is in its id."""

    def __init__(self, answer: Answer, says: Sentiment | None, label: str) -> None:
        self.answer = answer
        self.says = says
        said = _WRONG if says is None else SENTIMENTS.index(says)
        super().__init__(discord.ui.Button(label=label, custom_id=f"feedback:{said}:{_in_id(answer)}"))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds the button from its id alone."""
        return cls(_answer(match), None if match["says"] == _WRONG else SENTIMENTS[int(match["says"])], match["says"])

    @apologising("feedback")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Keeps that it is right, or asks in private what would be. Either way the answer asks no more."""
        feedback, message = services_of(interaction).storage.feedback, interaction.message
        if message is None or not _asked(interaction.user, message):
            await interaction.response.send_message(gettext(NOT_YOURS), ephemeral=True)
            return
        if self.says is None:
            await interaction.response.edit_message(view=without_questions(message))
            await interaction.followup.send(gettext(WHICH), view=_view(WhichSelect(self.answer)), ephemeral=True)
            return
        await interaction.response.defer()
        try:
            number = await feedback.add_once(message.id, self.answer, self.says)
        except DatabaseUnavailable:
            await interaction.followup.send(gettext(NOT_KEPT), ephemeral=True)
            return
        if number is None:
            await interaction.followup.send(gettext(ALREADY), ephemeral=True)
            return
        await interaction.edit_original_response(view=without_questions(message))
        undo = TakeBackButton(number, self.answer, self.says)
        await interaction.followup.send(gettext(THANKS), view=_view(undo), ephemeral=True)


class WhichSelect(discord.ui.DynamicItem[discord.ui.Select[Any]], template=rf"which:{_ANSWER}"):
    """Asks, in private, what a wrong answer should have been."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        options = [
            discord.SelectOption(
                label=title_of(says),
                value=str(SENTIMENTS.index(says)),
                emoji=EMOJI[says],
                description=gettext("It was right after all") if says is answer.sentiment else None,
            )
            for says in reversed(SENTIMENTS)
        ]
        super().__init__(
            discord.ui.Select(placeholder=gettext("Pick one"), options=options, custom_id=f"which:{_in_id(answer)}")
        )

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds the menu from its id alone."""
        return cls(_answer(match))

    @apologising("feedback")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Keeps what was picked, once."""
        feedback, message = services_of(interaction).storage.feedback, interaction.message
        chosen = self.item.values
        if message is None or chosen not in (["0"], ["1"], ["2"]):
            await interaction.response.send_message(gettext(NOT_YOURS), ephemeral=True)
            return
        says = SENTIMENTS[int(chosen[0])]
        await interaction.response.defer()
        try:
            number = await feedback.add_once(message.id, self.answer, says)
        except DatabaseUnavailable:
            await interaction.followup.send(gettext(NOT_KEPT), ephemeral=True)
            return
        if number is None:
            await interaction.followup.send(gettext(ALREADY), ephemeral=True)
            return
        await interaction.edit_original_response(
            content=gettext(THANKS), view=_view(TakeBackButton(number, self.answer, says))
        )


class TakeBackButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=rf"undo:(?P<number>\d{{1,18}}):(?P<says>[012]):{_ANSWER}"
):
    """Takes back what was noted. It is in a message that only the one who said it sees."""

    def __init__(self, number: int, answer: Answer, says: Sentiment) -> None:
        self.number = number
        self.answer = answer
        self.says = says
        custom_id = f"undo:{number}:{SENTIMENTS.index(says)}:{_in_id(answer)}"
        super().__init__(discord.ui.Button(label=gettext("Take it back"), custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds the button from its id alone."""
        return cls(int(match["number"]), _answer(match), SENTIMENTS[int(match["says"])])

    @apologising("feedback")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Removes it, and asks again."""
        feedback, message = services_of(interaction).storage.feedback, interaction.message
        if message is None or not message.flags.ephemeral:
            await interaction.response.send_message(gettext(NOT_YOURS), ephemeral=True)
            return
        await interaction.response.defer()
        try:
            await feedback.take_back(message.id, self.number, self.answer, self.says)
        except DatabaseUnavailable:
            await interaction.followup.send(gettext(NOT_KEPT), ephemeral=True)
            return
        await interaction.edit_original_response(content=gettext(TAKEN_BACK), view=_view(WhichSelect(self.answer)))


def feedback_buttons(answer: Answer) -> list[FeedbackButton]:
    """What goes under an answer."""
    right, wrong = pgettext("button: so is the answer", "Right"), pgettext("button: so is the answer", "Wrong")
    return [FeedbackButton(answer, answer.sentiment, right), FeedbackButton(answer, None, wrong)]


def _view(item: discord.ui.Item[Any]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(item)
    return view


def _in_id(answer: Answer) -> str:
    return f"{SENTIMENTS.index(answer.sentiment)}:{answer.score}:{answer.model}"


def _answer(match: re.Match[str]) -> Answer:
    return Answer(SENTIMENTS[int(match["label"])], int(match["score"]), match["model"])


def _asked(user: discord.User | discord.Member, message: discord.Message) -> bool:
    """Whether the message answers something this person asked; Discord itself says so, and nothing of it is kept."""
    asking = message.interaction_metadata
    return asking is not None and asking.user.id == user.id
