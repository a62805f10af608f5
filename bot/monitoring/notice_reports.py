"""What admins are told where no notice can be had, in the language that is spoken."""

from __future__ import annotations

from bot.i18n import gettext


def refused(places: str) -> str:
    """Discord did not take it."""
    return gettext(
        "I should watch {places}, but I can't post my notice there, so I'm not reading it. `/monitor doctor` says "
        "what to click.",
        places=places,
    )


def no_tag(forum: str) -> str:
    """A forum asks for a tag that the bot may not give."""
    return gettext(
        "I can't post my notice, so I'm not reading: every post in {forum} needs a tag, and only moderators can use "
        "the ones there are: add a tag everyone can use under **Edit Channel**, or allow me **Manage Threads** there.",
        forum=forum,
    )


def deleted_twice(places: str) -> str:
    """People don't want it."""
    return gettext(
        "My notice in {places} was deleted twice, so I've stopped reading there. `/monitor doctor` or `/monitor "
        "enable` posts it again; `/monitor disable` stops watching for good.",
        places=places,
    )
