"""What a text costs: its tokens, guessed before it is tokenised."""

from __future__ import annotations

import re
from functools import cache

from model.text.tables import words

_PIECE = re.compile(r"[^\W_]+|[^\w\s]|_")
_HANGUL = "\u1100"
"""From here on a letter may fall into three when the tokenizer takes it apart."""


class _Costs(dict[str, int]):
    """What known words cost; any other piece is worked out and not kept."""

    def __missing__(self, piece: str) -> int:
        length = len(piece)
        if length == 1:
            return 3 if piece >= _HANGUL else 1
        if piece.lower() in words("english"):
            return (length + 2) // 3
        return (length + 1) // 2 if piece.isascii() else 2 * length


def estimated_tokens(cleaned: str) -> int:
    """About how many tokens a cleaned text has, special ones included: never fewer than half, mostly half more.

    A known English word is cut into few pieces, any other word may be cut into its letters.
    """
    return 3 + sum(map(_costs().__getitem__, _PIECE.findall(cleaned)))


@cache
def _costs() -> _Costs:
    unasked = _Costs()
    return _Costs({word: unasked[word] for word in words("english")})
