"""The "Why?" button: which words moved the verdict."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Self

import discord

from bot.error_handler import LONGEST_WAIT, SLOW, apologise, explain_failure
from bot.presentation.danger import kind_words
from bot.presentation.quoting import cover, escape, has_spoilers, shorten
from bot.ui.origin import origin_of
from bot.ui.verdict_embed import SURE_FROM, abstains
from model import Explanation, Influence, ModelError, Sentiment, Verdict

if TYPE_CHECKING:
    from bot.client import Vibecheck

REMEMBERED_SECONDS = 15 * 60.0
"""As long as an interaction's token lives."""

REMEMBERED_TEXTS = 500
SLIGHT = 0.05
"""Effects below this are not called a reason."""

LISTED = 60
"""Characters of a listed piece that are shown; five of them fit a field even when each needs escaping."""

ALL_OF_THEM = "No single word did it; many words point the same way."
NONE_PULLS = "No single word pulls it to either side."
AS_A_WHOLE = "No single word stands out: the text reads this way as a whole."

FORGOTTEN = "I no longer have that text: I keep nobody's words. Ask again with `/sentiment`."


class RecentTexts:
    """Texts that may still be asked about: in memory only, a bounded number, each for a quarter of an hour."""

    def __init__(self, limit: int = REMEMBERED_TEXTS, seconds: float = REMEMBERED_SECONDS) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._limit = limit
        self._seconds = seconds

    def __len__(self) -> int:
        return len(self._texts)

    def remember(self, text: str) -> str:
        """Keeps `text` for a while and returns its key. Must run inside an event loop."""
        key = secrets.token_hex(8)
        self._texts[key] = text
        while len(self._texts) > self._limit:
            self._texts.popitem(last=False)
        asyncio.get_running_loop().call_later(self._seconds, self._texts.pop, key, None)
        return key

    def recall(self, key: str) -> str | None:
        """The text, or None once it is forgotten."""
        return self._texts.get(key)


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

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Explains, to the one who pressed only."""
        try:
            await self._explain(interaction)
        except Exception as error:  # discord.py would log it with its traceback and message
            await apologise(interaction, "Why?", error)

    async def _explain(self, interaction: discord.Interaction[Any]) -> None:
        bot: Vibecheck = interaction.client
        text = bot.recent_texts.recall(self.key)
        if text is None:
            await interaction.response.send_message(FORGOTTEN, ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                explanation = await bot.classifier.explain(text, origin=origin_of(interaction))
        except ModelError as error:
            await interaction.edit_original_response(content=explain_failure(error))
            return
        except TimeoutError:
            await interaction.edit_original_response(content=SLOW)
            return
        if explanation.verdict.danger:  # another model may answer now than the one that was asked first
            await interaction.edit_original_response(content=kind_words(bot.settings.help_url))
            return
        embed = explanation_embed(explanation, covered=has_spoilers(text))
        await interaction.edit_original_response(embed=embed)


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
    ranked = strongest(explanation)
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


def without_reason(verdict: Verdict) -> str:
    """What is said where no single word moved the verdict: one that is sure of a side stands on many of them."""
    if abstains(verdict) or verdict.confidence < SURE_FROM:
        return AS_A_WHOLE
    return NONE_PULLS if verdict.sentiment is Sentiment.NEUTRAL else ALL_OF_THEM


def strongest(explanation: Explanation, most: int = 5) -> list[Influence]:
    """The pieces that had more than a slight effect, the strongest first."""
    strong = [influence for influence in explanation.influences if abs(influence.effect) >= SLIGHT]
    return sorted(strong, key=lambda influence: abs(influence.effect), reverse=True)[:most]


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
        mark = "**" if influence.effect > 0 else "__"
        shown += [escape(text[position : influence.start]), mark, escape(text[influence.start : influence.end]), mark]
        position = influence.end
    shown.append(escape(text[position:last]))
    if last < len(text):
        shown.append("…")
    return "".join(shown)


def signed(value: float) -> str:
    """A score or an effect with its sign, to two places."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _arrow(influence: Influence) -> str:
    positive = influence.effect > 0
    return f"▲ {Sentiment.POSITIVE}:" if positive else f"▼ {Sentiment.NEGATIVE}:"
