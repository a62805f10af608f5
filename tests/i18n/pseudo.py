"""A made-up language: every text of the code in ⟦brackets⟧, so that what isn't translated is seen outside of them.

What is put into a text is outside as well, so it must have been translated by itself. Nothing but what
`python -m tests.catalogues` gathers is in its catalogue: a text that translators never see stays English here too.
"""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Iterable, Iterator
from gettext import GNUTranslations
from typing import Any
from zoneinfo import available_timezones

from babel import localedata
from babel.messages.catalog import Catalog

from tests.cards import parts
from tests.catalogues import as_mo

PSEUDO = "xx"
LOCALE = "sv-SE"
"""One of Discord's that the bot doesn't speak, for whoever speaks the made-up language."""

_PUT_IN = re.compile(r"(`[^`]*`|<t:\{\w+\}(?::\w)?>|\{\w+(?::,)?\})")
_WORDS = re.compile(r"[^\W\d_](?:.*[^\W\d_])?")
_NO_WORDS = re.compile(
    r"⟦[^⟦⟧]*⟧"  # translated
    r"|```.*?```|`[^`\n]*`"  # commands, ids and versions
    r"|<(?:[@#][!&]?|a?:\w+:|t:-?|/[^:>]+:)\d+(?::\w)?>"  # mentions, emoji and times
    r"|\]\([^)\s]*\)|https?://\S+",
    re.DOTALL,
)


def pseudo(message: str) -> str:
    """The message as it is in the made-up language: bit by bit, each from its first letter to its last.

    What is put in, and names of commands, are left as they are.
    """
    return "".join(part if _PUT_IN.fullmatch(part) else _WORDS.sub(r"⟦\g<0>⟧", part) for part in _PUT_IN.split(message))


def pseudo_catalogue(template: Catalog) -> GNUTranslations:
    """The catalogue of the made-up language, which counts as Polish does, in three forms."""
    catalogue = Catalog(locale="pl", charset="utf-8")
    for message in template:
        if isinstance(message.id, tuple):
            one, many = map(pseudo, message.id)
            catalogue.add(message.id, (one, many, many), context=message.context)
        elif message.id:
            catalogue.add(message.id, pseudo(str(message.id)), context=message.context)
    return GNUTranslations(io.BytesIO(as_mo(catalogue)))


def pseudo_formats() -> dict[str, Any]:
    """Babel's data for the made-up language: German numbers and dates, with each name in brackets."""
    known = copy.deepcopy(localedata.load("de"))
    for names in ("months", "days", "quarters", "day_periods", "eras", "languages", "list_patterns"):
        known[names] = _bracketed(known[names])
    places = {zone: zone.rpartition("/")[2].replace("_", " ") for zone in available_timezones()}
    known["time_zones"] = {zone: {"city": f"⟦{place}⟧"} for zone, place in places.items()}
    return known


def _bracketed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bracketed(inside) for key, inside in value.items()}
    if isinstance(value, tuple):  # what is taken from elsewhere, and what is otherwise here
        return tuple(_bracketed(inside) for inside in value)
    if isinstance(value, str):
        return re.sub(r"(\{\d\})|([^\W\d_]+)", lambda part: part[1] or f"⟦{part[2]}⟧", value)
    return value


def english_left(text: str, names: Iterable[str] = ()) -> list[str]:
    """The words of a text that are neither translated, nor one of `names`, nor of a kind that never is."""
    rest = _NO_WORDS.sub(" ", text)
    for name in sorted(names, key=len, reverse=True):
        rest = re.sub(rf"(?<![^\W\d_]){re.escape(name)}(?![^\W\d_])", " ", rest)
    return re.findall(r"[^\W\d_]+", rest)


_SHOWN = {"content", "title", "description", "label", "placeholder", "text", "name"}
"""What people see of a request's body; a field of an embed has its words in "value" as well."""

_UNSEEN = {"emoji", "author", "files", "allowed_mentions", "permission_overwrites"}


def shown(body: Any) -> Iterator[str]:
    """All words in the body of a request that people read."""
    if isinstance(body, list):
        for one in body:
            yield from shown(one)
    if not isinstance(body, dict):
        return
    for key, value in body.items():
        if key in _UNSEEN:
            continue
        if not isinstance(value, str):
            yield from shown(value)
        elif key in _SHOWN or (key == "value" and "inline" in body):
            yield value


_PATHS = re.compile(r"/(interactions/.*/callback|webhooks/.*|channels/\d+/(messages|threads).*)")


def said_by_the_bot(env: Any) -> list[str]:
    """All that the bot has answered and posted so far."""
    sent = [entry.json for entry in env.http_requests if entry.method != "PUT" and _PATHS.fullmatch(entry.path)]
    return [words for body in sent for words in shown(body)]


def in_english(env: Any, names: Iterable[str] = ()) -> list[str]:
    """Of all that the bot has said so far, what isn't wholly translated; `names` may be in any of it."""
    names = tuple(names)
    return [words for words in dict.fromkeys(said_by_the_bot(env)) if english_left(words, names)]


def all_translated(env: Any, names: Iterable[str] = ()) -> None:
    """Asserts that the bot has said something, and nothing of it in English."""
    assert said_by_the_bot(env)
    left = in_english(env, names)
    assert not left, "\n".join(left)


def id_of(env: Any, message: Any, kind: str) -> str:
    """The id of the button or the select of that kind under a message, whatever its label is."""
    channel = getattr(message, "channel_id", None) or message.channel.id
    there = parts(env.backend.get_message(channel, message.id).components)
    return next(part["custom_id"] for part in there if part.get("custom_id", "").startswith(kind))
