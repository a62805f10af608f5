"""How a verdict looks and reads."""

from __future__ import annotations

import discord

from bot.presentation import palette
from bot.presentation.quoting import excerpt
from bot.presentation.verdict_words import (
    EMOJI,
    abstains,
    bar,
    confidence_in_words,
    counted_parts,
    interpret,
    percentages,
)
from model import SENTIMENTS, Verdict


def verdict_embed(verdict: Verdict, *, quote: str | None = None, jump_url: str | None = None) -> discord.Embed:
    """The answer to somebody who asked about a text.

    `quote` is the text when it is not in sight otherwise; `jump_url` leads to the message that was checked.
    """
    percents = percentages(verdict.probabilities)
    lines = []
    if quote is not None:
        lines.append(f"> {excerpt(quote)}\n")
    lines.append(interpret(verdict))
    embed = discord.Embed(
        title=f"{EMOJI[verdict.sentiment]} {verdict.sentiment.capitalize()}",
        description="\n".join(lines),
        colour=palette.SENTIMENT[verdict.sentiment],
        url=jump_url,
    )
    words = "unsure" if abstains(verdict) else confidence_in_words(verdict.confidence)
    embed.add_field(name="Confidence", value=f"`{bar(verdict.confidence)}` {max(percents)} % · {words}", inline=False)
    rows = zip(SENTIMENTS, verdict.probabilities, percents, strict=True)
    table = "\n".join(f"{label:<8} {bar(share)} {percent:>3} %" for label, share, percent in reversed(list(rows)))
    embed.add_field(name="Probabilities", value=f"```\n{table}\n```", inline=False)
    parts = f" · read in {counted_parts(verdict)} parts" if verdict.parts > 1 else ""
    embed.set_footer(text=f"model {verdict.model}{parts}")
    return embed
