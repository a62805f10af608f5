"""What a person reads when something went wrong: one sentence, never a traceback, never the text."""

from __future__ import annotations

from bot.i18n import N_, gettext, ngettext
from bot.i18n.formats import language_name
from bot.presentation.language_words import languages_of, named_all
from model import InferenceFailed, ModelError, ModelInfo, Overloaded, TextTooLong, Unreadable
from model.text.languages import ENGLISH

SORRY = N_("Something went wrong on my side. Please try again in a moment.")
NOT_HERE = N_("That only works in servers I'm in. Ask an admin to add me to this one.")
GONE = N_("That one's too old, so I didn't do anything. Please run the command again.")


LONGEST_WAIT = 120.0
"""Seconds after which an answer is given up; the interaction itself lives 15 minutes."""


SLOW = N_("That took too long, so I gave up. Please try again in a moment.")


def explain_failure(error: ModelError, running: ModelInfo | None = None) -> str:
    """One friendly sentence for an error of the model; what answers now may read more than English."""
    match error:
        case InferenceFailed():
            return gettext(SORRY)
        case Unreadable():
            return _unreadable(error.language, languages_of(running) if running is not None else (ENGLISH,))
        case TextTooLong():
            return ngettext(
                "That text has {length:,} characters, but I can only read {count:,}.",
                "That text has {length:,} characters, but I can only read {count:,}.",
                error.limit,
                length=error.length,
            )
        case Overloaded():
            return ngettext(
                "I'm busy right now. Try again in {count} second.",
                "I'm busy right now. Try again in {count} seconds.",
                max(1, round(error.retry_after)),
            )
    return gettext(str(error))


def _unreadable(likely: str, readable: tuple[str, ...]) -> str:
    if readable != (ENGLISH,):
        languages = named_all(readable)
        if not likely:
            return gettext("I can't read this yet. I only read {languages}.", languages=languages)
        return gettext(
            "I can't read this yet; it looks like {language}. I only read {languages}.",
            language=language_name(likely),
            languages=languages,
        )
    if not likely:
        return gettext("I can't read this yet. I only read English.")
    return gettext(
        "I can't read this yet; it looks like {language}. I only read English.", language=language_name(likely)
    )


_SENTENCES = (
    N_("There's no text in there I can read (links, mentions and pictures don't count)."),
    N_("I'm too busy and didn't get to it. Try again in a moment."),
    N_("I'm restarting. Try again in a minute."),
)
"""What `model.errors` says; a test holds them against it."""
