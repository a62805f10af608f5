"""The hours that are told as a CSV file, safe to open in a spreadsheet.

Every number is as it was published (`bot.domain.disclosure`): messages and what could not be read to multiples of five,
people down to one ("at least"), the mean and its standard error to two digits.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.domain.records import HourMood
from bot.domain.snowflake import SECONDS
from bot.i18n import gettext
from model.tables import as_text

COLUMNS = (
    "channel_id",
    "channel",
    "hour_utc",
    "hour_local",
    "messages",
    "negative",
    "neutral",
    "positive",
    "mean_score",
    "standard_error",
    "people",
    "unread",
)

LARGEST = 8 << 20
"""Bytes; Discord takes attachments of 10 MiB."""


class TooMuch(Exception):
    """The file would be larger than Discord takes; the message is one sentence for whoever asked."""


def to_csv(hours: Iterable[tuple[int, HourMood]], names: Mapping[int, str], zone: ZoneInfo) -> bytes:
    """One line for each channel (an id) and hour, UTF-8 with the mark that spreadsheets look for.

    Raises TooMuch.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for channel, hour in hours:
        at = datetime.fromtimestamp(hour.hour * SECONDS, UTC)
        writer.writerow(
            (
                channel,
                harmless(names.get(channel, "")),
                f"{at:%Y-%m-%d %H:%M}",
                f"{at.astimezone(zone):%Y-%m-%d %H:%M %z}",
                hour.messages,
                hour.negative,
                hour.neutral,
                hour.positive,
                f"{hour.mean:.2f}",
                f"{hour.standard_error:.2f}",
                hour.authors,
                hour.unread,
            )
        )
        if text.tell() > LARGEST:
            raise TooMuch(gettext("That's too much for one file. Pick a channel, or a shorter time."))
    return text.getvalue().encode("utf-8-sig")


def harmless(cell: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe goes before what could begin one."""
    return as_text(cell)
