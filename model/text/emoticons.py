r"""Emoticons and kaomoji as words, before their signs are taken for markup: `:/` is no separator, `\o/` no escape."""

from __future__ import annotations

import re
from functools import cache

from model.text.tables import rows

_MAY_HOLD = re.compile(
    r"[:;=<>^_\\|]|[^\x00-\x7f]"
    r"|(?<!\w)(?:o7|TT|QQ|x[DP]+|XD+|ToT|[Qq]A[Qq]|TAT|qwq|[TQunoO]\.[TQunoO]|T-T|[-.]{3})(?!\w)"
)
"""A sign that nearly every emoticon has, or one of the others."""

_SIGNS_THAT_REPEAT = ")(]D/|3PpOo*<"


def name_emoticons(text: str) -> str:
    """`text` with each emoticon that stands by itself, or after a word, as the word it means."""
    if not _MAY_HOLD.search(text):
        return text
    senses = _senses()
    return _pattern().sub(lambda found: f" {senses[found['alone'] or found['attached']]} ", text)


@cache
def _senses() -> dict[str, str]:
    return {row["emoticon"]: row["sense"] for row in rows("emoticons")}


@cache
def _pattern() -> re.Pattern[str]:
    """The longest first; the last sign may be repeated, as in `:)))`.

    Those that begin with eyes may follow a word without a space, "thanks:)", but not a digit: "8:D" is no smile.
    """
    known = sorted(_senses(), key=len, reverse=True)
    eyes = [one for one in known if one[0] in ":;=" and one[-1] in ")(][D/|" and len(one) < 4]
    return re.compile(
        rf"(?:(?<![^\s\"'~*(])(?P<alone>{'|'.join(map(re.escape, known))})"
        rf"|(?<=[^\W\d_])(?P<attached>{'|'.join(map(re.escape, eyes))}))"
        rf"(?:(?<=[{re.escape(_SIGNS_THAT_REPEAT)}])[{re.escape(_SIGNS_THAT_REPEAT)}]*)?"
        r"(?=[\s,.!?\"'~)]|\Z|[^\x00-\x7f\w])"
    )
