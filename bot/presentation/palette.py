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

MIXED = ORANGE
"""The edge of an answer that is as good as bad."""

LINES = (SKY_BLUE, 0xF0E442)
"""Two channels in one chart: blue and yellow, of which the second is much the lighter."""

SHARES = {Sentiment.NEGATIVE: VERMILLION, Sentiment.NEUTRAL: 0x595D66, Sentiment.POSITIVE: 0x4CD3A6}
"""In charts, on a dark ground: told apart by their lightness alone as well, as on a grey print or by tired eyes."""

WORSE_TO_BETTER = (0x8F3A00, 0xB06C3E, 0xA9ADB5, 0xA3E6CE, 0xDCFFF4)
"""A scale from the worst to the best: the better, the lighter."""


def as_hex(colour: int) -> str:
    """As in "#d55e00"."""
    return f"#{colour:06x}"
