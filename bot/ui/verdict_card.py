"""How a verdict looks: one card, read at a glance."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import discord

from bot.i18n import ngettext
from bot.i18n.formats import percent as written_percent
from bot.presentation import palette
from bot.presentation.language_words import read_as
from bot.presentation.quoting import excerpt
from bot.presentation.verdict_words import (
    bar,
    emoji,
    headline,
    interpret,
    is_mixed,
    name_of,
    percentages,
    sureness_sentence,
)
from bot.ui.components import parts
from bot.ui.explain_button import WhyButton
from model import SENTIMENTS, ModelInfo, Verdict

Card = discord.ui.LayoutView
_Buttons = Iterable[discord.ui.DynamicItem[discord.ui.Button[Any]]]


def verdict_card(
    verdict: Verdict,
    buttons: _Buttons = (),
    *,
    quote: str | None = None,
    jump_url: str | None = None,
    running: ModelInfo | None = None,
) -> Card:
    """The answer to somebody who asked about a text, with `buttons` in it.

    `quote` is the text when it is not in sight otherwise; `jump_url` leads to the message that was checked. `running`
    is what answers now.
    """
    colour = palette.MIXED if is_mixed(verdict) else palette.SENTIMENT[verdict.sentiment]
    return _card(colour, _words(verdict, quote, jump_url, running), buttons)


def without_questions(message: discord.Message) -> Card | discord.ui.View:
    """An answer that was posted, as it is but for the buttons that ask whether it is right.

    Made anew, and not by the library out of the message: it keeps a view in memory that has any other kind of button.
    """
    whys = [WhyButton(key["key"]) for key in map(_why, parts(message.components)) if key is not None]
    if not message.flags.components_v2:  # the answer of a former version
        view = discord.ui.View(timeout=None)
        for why in whys:
            view.add_item(why)
        return view
    cards = [part for part in message.components if isinstance(part, discord.Container)]
    texts = (part.content for part in parts(cards) if isinstance(part, discord.TextDisplay))
    return _card(cards[0].accent_colour if cards else None, texts, whys)


def _card(colour: discord.Colour | int | None, texts: Iterable[str], buttons: _Buttons) -> Card:
    inside: list[discord.ui.Item[Any]] = [discord.ui.TextDisplay(text) for text in texts]
    if asked := list(buttons):
        inside.append(discord.ui.ActionRow(*asked))
    card = discord.ui.LayoutView(timeout=None)
    card.add_item(discord.ui.Container(*inside, accent_colour=colour))
    return card


def _words(verdict: Verdict, quote: str | None, jump_url: str | None, running: ModelInfo | None) -> Iterator[str]:
    if quote is not None:
        yield f"> {excerpt(quote)}"
    named = f"[{headline(verdict)}]({jump_url})" if jump_url else headline(verdict)
    yield f"### {emoji(verdict)} {named}\n{interpret(verdict)}"
    yield "\n".join(_bars(verdict))
    said = (sureness_sentence(verdict), read_as(verdict, running), _how_read(verdict))
    yield f"-# {' '.join(filter(None, said))}"


def _bars(verdict: Verdict) -> Iterator[str]:
    """Lines of one width, as code, the best first."""
    names = [name_of(sentiment) for sentiment in SENTIMENTS]
    longest, hundred = max(map(_width, names)), len(written_percent(100))
    for name, percent in reversed(list(zip(names, percentages(verdict.probabilities), strict=True))):
        yield f"`{name}{' ' * (longest - _width(name))} {bar(percent)} {written_percent(percent):>{hundred}}`"


def _width(text: str) -> int:
    """How many places it takes where all letters are equally wide; one of Japanese takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _how_read(verdict: Verdict) -> str:
    """A sentence about a text that was too long to be read in one; "" for others."""
    if verdict.skipped:
        return ngettext(
            "It's too long to read whole: I read {read} of {count} part.",
            "It's too long to read whole: I read {read} of {count} parts.",
            verdict.parts,
            read=verdict.windows,
        )
    if verdict.parts > 1:
        return ngettext(
            "It's long: I read it in {count} part.", "It's long: I read it in {count} parts.", verdict.windows
        )
    return ""


def _why(part: Any) -> re.Match[str] | None:
    return re.fullmatch(WhyButton.__discord_ui_compiled_template__, getattr(part, "custom_id", None) or "")
