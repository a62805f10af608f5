"""What is said instead of a rating when somebody may be in danger."""

from __future__ import annotations

NOT_RATED = (
    "I don't rate messages like this one. If you or someone you know might be in danger, you're not alone, "
    "and talking to someone can help."
)
WITHOUT_LINK = "Please reach out to someone you trust, or call your local emergency number or a crisis line."
BEFORE_LINK = "You can find people to talk to here:"


def kind_words(help_url: str) -> str:
    """The answer as Discord shows it, with the link that `HELP_URL` holds if it holds one."""
    return f"{NOT_RATED} {f'{BEFORE_LINK} <{help_url}>' if help_url else WITHOUT_LINK}"
