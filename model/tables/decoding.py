"""Bytes to text: UTF-8, or whatever a byte order mark says. All else is refused, never guessed."""

from __future__ import annotations

import codecs
import re

from model.tables.table import BadTable

LINE_END = re.compile(r"\r\n?|\n")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_SIGNATURES = (
    (b"PK\x03\x04", "an Excel workbook or another zip archive"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"%PDF-", "a PDF"),
)


def decoded(content: bytes, name: str, *, whole: bool = True) -> str:
    """The text without its mark. Unless it is `whole`, half a character at the end is left out. Raises BadTable."""
    for signature, what in _SIGNATURES:
        if content.startswith(signature):
            raise BadTable(f"{name} is {what}, not a text file. Save the table as CSV and try again.")
    mark, encoding, called = next((known for known in _MARKS if content.startswith(known[0])), (b"", "utf-8", "UTF-8"))
    body = content[len(mark) :]
    if encoding == "utf-8" and b"\0" in body:
        raise BadTable(_about_nul(body, name))
    try:
        text = body.decode(encoding) if whole else codecs.getincrementaldecoder(encoding)().decode(body)
    except UnicodeDecodeError as error:
        line = _line(body[: error.start].decode(encoding, "replace"))
        raise BadTable(
            f"{name} isn't {called} text (line {line:,}, byte {len(mark) + error.start:,}). Save it as CSV UTF-8 and "
            "try again."
        ) from None
    if "\0" in text:
        raise BadTable(_nul_in_line(_line(text[: text.index("\0")]), name))
    return text


def _about_nul(body: bytes, name: str) -> str:
    halves = (body[:4096:2], body[1:4096:2])
    if any(half.count(0) > 0.8 * len(half) for half in halves) and not all(half.count(0) for half in halves):
        return f"{name} looks like UTF-16 without its byte order mark. Save it as CSV UTF-8 and try again."
    try:
        before = body[: body.index(0)].decode()
    except UnicodeDecodeError:
        return f"{name} isn't a text file. Save the table as CSV and try again."
    return _nul_in_line(_line(before), name)


def _nul_in_line(line: int, name: str) -> str:
    return f"Line {line:,} of {name} has a NUL character, which no text has. Take it out and try again."


def _line(before: str) -> int:
    return len(LINE_END.findall(before)) + 1
