"""A made-up translation into wide letters, by which what was left in English is found."""

import re
from gettext import NullTranslations

_KEPT = re.compile(r"(`[^`]*`|<[^<>]*>|\{[^{}]*\}|https?://\S+)")
_WIDE = {code: code + 0xFEE0 for code in (*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1))}


def wide(text):
    """The text in wide letters; commands, mentions, links and names in braces stay."""
    return "".join(part if index % 2 else part.translate(_WIDE) for index, part in enumerate(_KEPT.split(text)))


def english_in(said, *names):
    """The words in narrow letters, besides `names` and what a translation keeps."""
    for kept in sorted(names, key=len, reverse=True):
        said = said.replace(kept, " ")
    return re.findall(r"[A-Za-z]{2,}", _KEPT.sub(" ", said))


class FullwidthTranslations(NullTranslations):
    """Every text in wide letters; with two plural forms, as English has."""

    def gettext(self, message):
        return wide(message)

    def ngettext(self, msgid1, msgid2, n):
        return wide(msgid1 if n == 1 else msgid2)

    def pgettext(self, context, message):
        return message if context in {"command", "option"} else wide(message)

    def npgettext(self, context, msgid1, msgid2, n):
        return wide(msgid1 if n == 1 else msgid2)
