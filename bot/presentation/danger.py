"""What is said instead of a rating when somebody may be in danger."""

from __future__ import annotations

from bot.i18n import N_, gettext

NOT_RATED = N_(
    "I don't rate messages like this one. If you or someone you know might be in danger, you're not alone, "
    "and talking to someone can help."
)
WITHOUT_LINK = N_("Please reach out to someone you trust, or call your local emergency number or a crisis line.")
BEFORE_LINK = N_("You can find people to talk to here:")


def kind_words(help_url: str) -> str:
    """The answer as Discord shows it, with the link that `HELP_URL` holds if it holds one."""
    further = f"{gettext(BEFORE_LINK)} <{help_url}>" if help_url else gettext(WITHOUT_LINK)
    return f"{gettext(NOT_RATED)} {further}"
