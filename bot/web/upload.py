"""A file as the visitor's browser hands it over, inside the request: it never becomes a file on this machine."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from bot.web.table_parser import MAX_FILE_BYTES, look_into, read_csv
from model.tables import BadTable, Table

NOT_WHOLE = "The file didn't arrive whole. Choose it again."


@dataclass(frozen=True, slots=True)
class HandedFile:
    """`content` is the whole file, or its beginning when `size` says that there is more."""

    name: str
    size: int
    content: bytes

    def table(self, column: int | None) -> Table:
        """Its rows. Raises BadTable."""
        if self.size > MAX_FILE_BYTES:
            raise BadTable(f"{self.name} has more than {MAX_FILE_BYTES // 2**20} MB. Split it and try again.")
        if self.size != len(self.content):
            raise BadTable(NOT_WHOLE)
        return read_csv(self.content, self.name, column)

    def seen(self) -> Table:
        """Its columns, the likeliest of them, and its first rows, seen from its beginning. Raises BadTable."""
        return self.table(None) if self.size == len(self.content) else look_into(self.content, self.name)


def handed_file(payload: str) -> HandedFile | None:
    """What page.js makes of the chosen file; None when none is chosen. Raises BadTable for anything else."""
    if not payload:
        return None
    try:
        given = json.loads(payload)
        name = str(given["name"])[:100]
        return HandedFile(name, int(given["size"]), base64.b64decode(given["data"], validate=True))
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise BadTable(NOT_WHOLE) from None
