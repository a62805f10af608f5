"""What a text costs: its tokens, guessed before it is tokenised."""

from __future__ import annotations

import re

from model.text.tables import words

_PIECE = re.compile(r"[^\W_]+|[^\w\s]|_")
_HANGUL = "\u1100"
"""From here on a letter may fall into three when the tokenizer takes it apart."""


def estimated_tokens(cleaned: str) -> int:
    """About how many tokens a cleaned text has, special ones included: never fewer than half, mostly half more.

    A known English word is cut into few pieces, any other word may be cut into its letters.
    """
    english = words("english")
    tokens = 3
    for piece in _PIECE.findall(cleaned):
        length = len(piece)
        if length == 1:
            tokens += 3 if piece >= _HANGUL else 1
        elif piece.lower() in english:
            tokens += (length + 2) // 3
        else:
            tokens += (length + 1) // 2 if piece.isascii() else 2 * length
    return tokens
