"""Round faces for the demo, drawn here so that the repository needs no images."""

from __future__ import annotations

import io

from PIL import Image, ImageColor, ImageDraw, ImageFont

SIZE = 96
_DRAWN = SIZE * 4
"""Drawn larger and scaled down, which smooths the edges."""


def member_avatar(letter: str, start: str, end: str) -> bytes:
    """A PNG with a letter on a diagonal gradient."""
    image = _gradient(start, end)
    font = ImageFont.load_default(size=_DRAWN * 0.5)
    middle = _DRAWN / 2
    ImageDraw.Draw(image).text((middle, middle), letter, font=font, fill="white", anchor="mm")
    return _png(image)


def bot_avatar() -> bytes:
    """A PNG of Vibecheck's sign: a speech bubble that smiles."""
    image = _gradient("#7983f5", "#3c45c9")
    draw = ImageDraw.Draw(image)
    unit = _DRAWN / 24
    draw.rounded_rectangle((4.5 * unit, 5 * unit, 19.5 * unit, 16.5 * unit), radius=4.5 * unit, fill="white")
    draw.polygon([(8 * unit, 16 * unit), (12.5 * unit, 16 * unit), (8 * unit, 20 * unit)], fill="white")
    ink = "#4752c4"
    for centre in (9.4, 14.6):
        draw.ellipse(((centre - 1) * unit, 8 * unit, (centre + 1) * unit, 10 * unit), fill=ink)
    draw.arc((8.2 * unit, 7.6 * unit, 15.8 * unit, 14.4 * unit), 25, 155, fill=ink, width=round(1.3 * unit))
    return _png(image)


def _gradient(start: str, end: str) -> Image.Image:
    mask = Image.linear_gradient("L").rotate(45, expand=True).crop((106, 106, 256, 256)).resize((_DRAWN, _DRAWN))
    plain = [Image.new("RGB", (_DRAWN, _DRAWN), ImageColor.getrgb(colour)[:3]) for colour in (end, start)]
    return Image.composite(plain[0], plain[1], mask)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
