"""The bot's own languages: what it says, in the language of whoever reads it.

`gettext` and its kin look a text up in the catalogue of the language that is spoken; without one the English of the
code is said. What is spoken belongs to the task: `speaking` changes it, and `bot.link.spoken` sets it for all that
somebody's click or command leads to. Texts carry names in braces that are filled in after the translation.
"""

from bot.i18n.catalogue import N_, gettext, ngettext, npgettext, pgettext, unmarked
from bot.i18n.languages import LANGUAGES, in_every_language, language_of, speak, speaking, spoken

__all__ = [
    "LANGUAGES",
    "N_",
    "gettext",
    "in_every_language",
    "language_of",
    "ngettext",
    "npgettext",
    "pgettext",
    "speak",
    "speaking",
    "spoken",
    "unmarked",
]
