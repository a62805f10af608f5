"""The "Why?" button: which words moved the verdict."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Self

import discord

from bot.domain.recent_texts import RecentText
from bot.error_handler import apologising
from bot.i18n import N_, gettext
from bot.presentation.danger import kind_words
from bot.presentation.error_words import LONGEST_WAIT, SLOW, explain_failure
from bot.presentation.language_words import read_as
from bot.presentation.quoting import cover, escape, has_spoilers, shorten
from bot.presentation.verdict_words import is_mixed, strongest, without_reason
from bot.services import services_of
from bot.ui.replies import origin_of
from model import Explanation, Influence, ModelError, ModelInfo, Sentiment, Verdict

LISTED = 60
"""Characters of a listed piece that are shown; five of them fit a field even when each needs escaping."""


FORGOTTEN = N_("I've already forgotten that text (I never keep messages). Run `/sentiment` again.")

_TITLES = {
    Sentiment.NEGATIVE: N_("Why negative?"),
    Sentiment.NEUTRAL: N_("Why neutral?"),
    Sentiment.POSITIVE: N_("Why positive?"),
}


class WhyButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"why:(?P<key>[0-9a-f]{16})"):
    """Answers whoever presses it, also after a restart."""

    def __init__(self, key: str) -> None:
        self.key = key
        label = gettext("Why?")
        super().__init__(discord.ui.Button(label=label, style=discord.ButtonStyle.secondary, custom_id=f"why:{key}"))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds the button from its id alone."""
        return cls(match["key"])

    @apologising("Why?")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Explains, to the one who pressed only."""
        services = services_of(interaction)
        recent = services.recent_texts.recall(self.key)
        if recent is None:
            await interaction.response.send_message(gettext(FORGOTTEN), ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        if (refused := await _refused(recent)) is not None:
            await interaction.edit_original_response(content=refused)
            return
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                explanation = await services.classifier.explain(recent.text, origin=origin_of(interaction))
        except ModelError as error:
            await interaction.edit_original_response(content=explain_failure(error, services.classifier.info))
            return
        except TimeoutError:
            await interaction.edit_original_response(content=gettext(SLOW))
            return
        if (refused := await _refused(recent)) is not None:  # its author may have opted out meanwhile
            await interaction.edit_original_response(content=refused)
            return
        if explanation.verdict.danger:  # another model may answer now than the one that was asked first
            await interaction.edit_original_response(content=kind_words(services.settings.help_url))
            return
        covered, running = has_spoilers(recent.text), services.classifier.info
        embed = explanation_embed(explanation, covered=covered, running=running)
        await interaction.edit_original_response(embed=embed)


async def _refused(recent: RecentText) -> str | None:
    """Why the text may not be read any more; None where it may."""
    return await recent.refusal() if recent.refusal is not None else None


def explanation_embed(
    explanation: Explanation, *, covered: bool = False, running: ModelInfo | None = None
) -> discord.Embed:
    """The text as it was read, with the words that moved the verdict marked, and the strongest of them as a list.

    A text with spoilers is `covered`: whoever presses the button need not be the one who wrote it. `running` is what
    answers now.
    """
    verdict, text = explanation.verdict, explanation.text
    # A piece of which nothing can be shown would leave its marks alone, which are then marks of something else.
    ranked = [piece for piece in strongest(explanation) if escape(text[piece.start : piece.end])]
    embed = discord.Embed(title=_title(verdict))
    how = read_as(verdict, running)
    if how:
        embed.set_footer(text=how)
    if not ranked:
        embed.description = without_reason(verdict)
        return embed
    shown = cover if covered else str
    embed.description = shown(marked(text, ranked))
    lines = [_line(influence, shown(shorten(text[influence.start : influence.end], LISTED))) for influence in ranked]
    embed.add_field(name=gettext("Words that mattered"), value="\n".join(lines), inline=False)
    tried = gettext("Bold pushed it up, underlined pulled it down. I tried the text without each of them.")
    embed.set_footer(text=f"{tried} {how}".strip())
    return embed


def _title(verdict: Verdict) -> str:
    return gettext("Why “Mixed”?") if is_mixed(verdict) else gettext(_TITLES[verdict.sentiment])


def marked(text: str, influences: list[Influence], limit: int = 1500) -> str:
    """`text` escaped, with towards-positive pieces bold and towards-negative ones underlined.

    A longer text is shown around its strongest piece.
    """
    strongest = influences[0]
    first = max(0, min(strongest.start - limit // 2, len(text) - limit))
    last = min(len(text), first + limit)
    shown: list[str] = ["…"] if first else []
    position = first
    for influence in sorted(influences, key=lambda piece: piece.start):
        if influence.start < position or influence.end > last:
            continue
        piece = escape(text[influence.start : influence.end])
        mark = (
            ("**" if influence.effect > 0 else "__") if piece else ""
        )  # of nothing that can be shown, no mark is left
        shown += [escape(text[position : influence.start]), mark, piece, mark]
        position = influence.end
    shown.append(escape(text[position:last]))
    if last < len(text):
        shown.append("…")
    return "".join(shown)


def _line(influence: Influence, word: str) -> str:
    """The strongest come first, so that no number has to say how strong."""
    if influence.effect > 0:
        return gettext("▲ {word} pushed it up", word=word)
    return gettext("▼ {word} pulled it down", word=word)
