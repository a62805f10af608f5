"""People's words, shown so that nothing in them works: no markup, no mention; and what they covered stays covered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

EXCERPT = 300

_CUSTOM_EMOJI = r"<a?:[A-Za-z0-9_]{1,64}:[0-9]{1,24}>"
_TIMESTAMP = r"<t:-?[0-9]{1,20}(?::[A-Za-z])?>"
_LINK = r"https?://[A-Za-z0-9][A-Za-z0-9_.:/?&=%#+()!$',;-]*[A-Za-z0-9_/=]"
_WHOLE = rf"{_CUSTOM_EMOJI}|{_TIMESTAMP}|<{_LINK}>|{_LINK}"
"""What Discord takes as one thing, whatever signs are in its name; a backslash would take it apart."""

_UNIT = re.compile(rf"{_WHOLE}|\s+|\S")
_SIGNS = re.compile(
    rf"(?P<whole>{_WHOLE})|(?P<at>@)|(?P<sign>[\\*_~`|\[\]<>])"
    r"|^(?P<lead>[^\S\n]*)(?:(?P<block>#{1,3}(?=\s|$)|-#?(?=\s|$)|\+(?=\s|$))|(?P<number>\d+)(?=\.(?:\s|$)))",
    re.MULTILINE,
)
_BARS = re.compile(r"\|{2,}")
_MAY_SWALLOW_BARS = re.compile(r"[\\`*_~\[\n]")


def escape(text: str) -> str:
    """Markup and mentions of `text` shown as they were typed; at most twice as long.

    Custom emoji, times and links stay whole. No two escaped texts make markup together when they are put side by side.
    """
    return _SIGNS.sub(_disarmed, _sendable(text))


def excerpt(text: str, limit: int = EXCERPT) -> str:
    """One line of `text`, at most `limit` characters before escaping, that shows nothing which is a spoiler in it."""
    sendable = _sendable(text)
    units = [(unit, covered) for part, covered in _parts(sendable) for unit in _units(part)]
    shown = ""
    for covered, group in groupby(_cut(units, limit), key=lambda unit: unit[1]):
        words = "".join(unit for unit, _ in group)
        if covered:
            shown += f"{' ' if _ends_in_link(shown) else ''}{cover(escape(words))}"
        else:
            shown += escape(words)
    return shown


def shorten(text: str, limit: int) -> str:
    """`text` on one line and escaped, at most `limit` characters before that."""
    return escape("".join(unit for unit, _ in _cut([(unit, False) for unit in _units(_sendable(text))], limit)))


def cover(escaped: str) -> str:
    """Escaped words as a spoiler."""
    return f"||{escaped}{' ' if escaped.endswith('|') else ''}||"


def has_spoilers(text: str) -> bool:
    """Whether anything in `text` is covered."""
    return bool(_spoilers(text))


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """`text` without the bars of its spoilers, in order, and whether each part is covered."""
    after = 0
    for opening, closing in _spoilers(text):
        yield text[after : opening[0]], False
        yield text[opening[1] : closing[0]], True
        after = closing[1]
    yield text[after:], False


def _spoilers(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The bars that open and those that close each spoiler.

    Which bars belong together is plain only in plain text: an escape, code, a link or emphasis that crosses them may
    take some of them away. Where that may be, all is covered from the first bars to the last.
    """
    bars = [match.span() for match in _BARS.finditer(text)]
    if len(bars) < 2:
        return []
    pairs = list(zip(bars[::2], bars[1::2], strict=False))
    open_parts = zip([0, *(closing[1] for _, closing in pairs)], (opening[0] for opening, _ in pairs), strict=False)
    if (
        len(bars) % 2
        or any(end - start > 2 for start, end in bars)
        or _MAY_SWALLOW_BARS.search(re.sub(_WHOLE, "", text))
        or any(_ends_in_link(text[start:end]) for start, end in open_parts)
    ):
        pairs = [(bars[0], bars[-1])]
    return [(opening, closing) for opening, closing in pairs if not text[opening[1] : closing[0]].isspace()]


def _ends_in_link(text: str) -> bool:
    """Whether what follows `text` belongs to a link in it: one goes on to the next space, bars and all."""
    return text[-1:].strip() != "" and "://" in text.rsplit(maxsplit=1)[-1]


def _units(text: str) -> list[str]:
    return [" " if unit.isspace() else unit for unit in _UNIT.findall(text)]


def _cut(units: list[tuple[str, bool]], limit: int) -> list[tuple[str, bool]]:
    """At most `limit` characters of them, with "…" where more were."""
    units = _stripped(units)
    if sum(len(unit) for unit, _ in units) <= limit:
        return units
    kept, length = 0, 1
    while length + len(units[kept][0]) <= limit:
        length += len(units[kept][0])
        kept += 1
    shown = _stripped(units[:kept])
    return [*shown, ("…", shown[-1][1] if shown else units[0][1])]


def _stripped(units: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    first, last = 0, len(units)
    while first < last and units[first][0] == " ":
        first += 1
    while first < last and units[last - 1][0] == " ":
        last -= 1
    return units[first:last]


def _disarmed(match: re.Match[str]) -> str:
    if match["whole"]:
        return match["whole"]
    if match["at"]:
        return "@\N{ZERO WIDTH SPACE}"
    if match["sign"]:
        return f"\\{match['sign']}"
    return f"{match['lead']}{match['number']}\\" if match["number"] else f"{match['lead']}\\{match['block']}"


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
