"""What people are told where they are watched, in the language that is spoken: the notice, and all that it leaves out.

Every promise is a whole sentence, so that it is one in every language.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.backfill import MOST_DAYS
from bot.i18n import gettext, ngettext
from bot.presentation.language_words import named_all
from model.text.languages import ENGLISH


def notice(retention_days: int) -> str:
    """What people read where they are watched, in two lines; the button under it says the rest.

    That an admin may ask for older messages is what `bot.domain.notice.TELLS` counts on.
    """
    watched = (
        # Translators: The message that the bot posts in each channel that it watches, for everybody there. It's a
        # Translators: promise, so keep it exact. `/privacy opt-out` is a command that people type: leave it as it is.
        gettext("**Heads-up: I measure the mood here from now on.** An admin of this server turned that on."),
        ngettext(
            "I keep a score for each message for a day, **never its text**.",
            "I keep a score for each message for {count} days, **never its text**.",
            retention_days,
        ),
        ngettext(
            "An admin may ask me to read older messages too, up to a day back, a day from now at the earliest.",
            "An admin may ask me to read older messages too, up to {count} days back, a day from now at the earliest.",
            MOST_DAYS,
        ),
    )
    way_out = gettext("Don't want that? Use `/privacy opt-out`, and I won't read your messages in any server.")
    return f"{' '.join(watched)}\n{way_out}"


def details(
    retention_days: int, catch_up: int = 24, *, elsewhere: bool = False, languages: Sequence[str] = (ENGLISH,)
) -> str:
    """What is kept where people are watched, for how long, and how to get out of it.

    `catch_up` are the hours of which what was missed is read afterwards, `elsewhere` says that texts are scored on
    another machine, and `languages` are those that are read there, by their codes.
    """
    points = (
        _kept(elsewhere=elsewhere) if [*languages] == [ENGLISH] else _kept_of(languages, elsewhere=elsewhere),
        ngettext(
            "I don't read older messages, unless an admin asks me to: then up to a day back, only from people who are "
            "still here, and never before this notice has been up for a day. I don't read private threads.",
            "I don't read older messages, unless an admin asks me to: then up to {count} days back, only from people "
            "who are still here, and never before this notice has been up for a day. I don't read private threads.",
            MOST_DAYS,
        ),
        ngettext(
            "I delete single scores after a day. After that I only keep what I may show of an hour.",
            "I delete single scores after {count} days. After that I only keep what I may show of an hour.",
            retention_days,
        ),
        gettext(
            "Nobody can ask how someone else feels over time. I show an hour once it's over, rounded, and never one "
            "with fewer than 5 people. It only changes when the messages of 5 people have changed."
        ),
        _catching_up(catch_up) if catch_up else "",
        gettext(
            "Moderators of this channel can open links to the strongest messages while I still have their scores, "
            "unless an admin turned that off. Every look is logged."
        ),
        gettext("If someone deletes my notice, I stop reading here until it's back."),
        ngettext(
            "If admins let me react to strong messages, my reaction goes when you edit the message within a day.",
            "If admins let me react to strong messages, my reaction goes when you edit the message within {count} "
            "days.",
            retention_days,
        ),
        ngettext(
            "**Don't want that?** Use `/privacy opt-out`, and I won't read your messages in any server. I'll delete "
            "the scores I still have of them, and my reactions from the last day. `/privacy see` shows what I keep "
            "about you, and `/privacy delete` deletes it.",
            "**Don't want that?** Use `/privacy opt-out`, and I won't read your messages in any server. I'll delete "
            "the scores I still have of them, and my reactions from the last {count} days. `/privacy see` shows what "
            "I keep about you, and `/privacy delete` deletes it.",
            retention_days,
        ),
    )
    return "\n".join(f"- {point}" for point in points if point)


def _kept(*, elsewhere: bool) -> str:
    if elsewhere:
        return gettext(
            "I keep a score for each message, with its id, channel and hour, and a scrambled id of its author. "
            "**Never its text**, which another machine that my operator has chosen scores and doesn't keep. "
            "I only read English: anything else gets no score and is just counted."
        )
    # Translators: This and what follows is a list: what the bot keeps of people in a channel that it watches. Each
    # Translators: is a promise, so keep it exact.
    return gettext(
        "I keep a score for each message, with its id, channel and hour, and a scrambled id of its author. "
        "**Never its text**, which doesn't leave the machine I run on. "
        "I only read English: anything else gets no score and is just counted."
    )


def _kept_of(languages: Sequence[str], *, elsewhere: bool) -> str:
    if elsewhere:
        return gettext(
            "I keep a score for each message, with its id, channel and hour, and a scrambled id of its author. "
            "**Never its text**, which another machine that my operator has chosen scores and doesn't keep. "
            "I read {languages}: anything else gets no score and is just counted.",
            languages=named_all(languages),
        )
    return gettext(
        "I keep a score for each message, with its id, channel and hour, and a scrambled id of its author. "
        "**Never its text**, which doesn't leave the machine I run on. "
        "I read {languages}: anything else gets no score and is just counted.",
        languages=named_all(languages),
    )


def _catching_up(hours: int) -> str:
    return ngettext(
        "If I was offline, I later read what I missed here, up to an hour back.",
        "If I was offline, I later read what I missed here, up to {count} hours back.",
        hours,
    )
