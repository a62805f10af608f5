"""Every colour that a person sees, told apart with every common colour blindness (Okabe and Ito 2008).

As whole numbers, 0xRRGGBB, which Discord takes; `as_hex` is for HTML and pictures.
"""

from __future__ import annotations

from model import Sentiment

VERMILLION, BLUISH_GREEN, ORANGE, BLUE, SKY_BLUE = 0xD55E00, 0x009E73, 0xE69F00, 0x0072B2, 0x56B4E9

GOOD, BAD, CAUTION, PLAIN, CALM = BLUISH_GREEN, VERMILLION, ORANGE, BLUE, SKY_BLUE
"""What an embed is about: all well, something is wrong, something to know, a mere answer, a report."""

BRAND = 0x5865F2

SENTIMENT = {Sentiment.NEGATIVE: VERMILLION, Sentiment.NEUTRAL: 0x8A8F98, Sentiment.POSITIVE: BLUISH_GREEN}

NEUTRAL_IN_CHARTS = 0x80848E
"""A little darker than elsewhere, so that nobody takes a bar for the hatching of a time that is missing."""


def as_hex(colour: int) -> str:
    """As in "#d55e00"."""
    return f"#{colour:06x}"
