"""The "Why?" button: which words moved the verdict."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Self

import discord

from bot.domain.recent_texts import RecentText
from bot.error_handler import apologising
from bot.presentation.danger import kind_words
from bot.presentation.error_words import LONGEST_WAIT, SLOW, explain_failure
from bot.presentation.quoting import cover, escape, has_spoilers, shorten
from bot.presentation.text import signed
from bot.presentation.verdict_words import strongest, without_reason
from bot.services import services_of
from bot.ui.replies import origin_of
from model import Explanation, Influence, ModelError, Sentiment

LISTED = 60
"""Characters of a listed piece that are shown; five of them fit a field even when each needs escaping."""


FORGOTTEN = "I no longer have that text: I keep nobody's words. Ask again with `/sentiment`."


class WhyButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"why:(?P<key>[0-9a-f]{16})"):
    """Answers whoever presses it, also after a restart."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(discord.ui.Button(label="Why?", style=discord.ButtonStyle.secondary, custom_id=f"why:{key}"))

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
            await interaction.response.send_message(FORGOTTEN, ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        if (refused := await _refused(recent)) is not None:
            await interaction.edit_original_response(content=refused)
            return
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                explanation = await services.classifier.explain(recent.text, origin=origin_of(interaction))
        except ModelError as error:
            await interaction.edit_original_response(content=explain_failure(error))
            return
        except TimeoutError:
            await interaction.edit_original_response(content=SLOW)
            return
        if (refused := await _refused(recent)) is not None:  # its author may have opted out meanwhile
            await interaction.edit_original_response(content=refused)
            return
        if explanation.verdict.danger:  # another model may answer now than the one that was asked first
            await interaction.edit_original_response(content=kind_words(services.settings.help_url))
            return
        embed = explanation_embed(explanation, covered=has_spoilers(recent.text))
        await interaction.edit_original_response(embed=embed)


async def _refused(recent: RecentText) -> str | None:
    """Why the text may not be read any more; None where it may."""
    return await recent.refusal() if recent.refusal is not None else None


def why_view(key: str) -> discord.ui.View:
    """A view that holds the button."""
    view = discord.ui.View(timeout=None)
    view.add_item(WhyButton(key))
    return view


def explanation_embed(explanation: Explanation, *, covered: bool = False) -> discord.Embed:
    """The text as it was read, with the words that moved the verdict marked, and the strongest of them as a list.

    A text with spoilers is `covered`: whoever presses the button need not be the one who wrote it.
    """
    verdict, text = explanation.verdict, explanation.text
    # A piece of which nothing can be shown would leave its marks alone, which are then marks of something else.
    ranked = [piece for piece in strongest(explanation) if escape(text[piece.start : piece.end])]
    embed = discord.Embed(title=f"Why {verdict.sentiment}?")
    if not ranked:
        embed.description = without_reason(verdict)
        return embed
    shown = cover if covered else str
    embed.description = shown(marked(text, ranked))
    lines = [f"{_arrow(i)} {shown(shorten(text[i.start : i.end], LISTED))} ({signed(i.effect)})" for i in ranked]
    embed.add_field(name="What moved it", value="\n".join(lines), inline=False)
    embed.set_footer(
        text="This is the text as I read it. Bold: towards positive. Underlined: towards negative. "
        "Measured by leaving each out."
    )
    return embed


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


def _arrow(influence: Influence) -> str:
    positive = influence.effect > 0
    return f"▲ {Sentiment.POSITIVE}:" if positive else f"▼ {Sentiment.NEGATIVE}:"
