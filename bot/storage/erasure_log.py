"""The log of erasures: what a backup that is put back would bring back, in a file beside the database.

A line for each time that somebody had their data deleted, opted out or in, for each server and channel that was
removed, and for each place or role that an admin exempted or stopped watching: a number, the time, what it was, and
hashes or ids. Never a text. A line is on the disk before anybody is told that it is done. Nothing in it is older than
the longest time for which a backup may be kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from bot.domain.records import TargetKind
from bot.storage.pseudonyms import HASH_BYTES

FILE = "erasures.log"
KEPT_DAYS = 30
"""Days for which a line stays: as long as a backup may be kept at most."""

_HEADER = "vibecheck-erasures"
_NOTHING = "-"


class Kind(StrEnum):
    """What was done."""

    ERASED = "erased"
    ERASED_IN = "erased-in"
    OPTED_OUT = "opted-out"
    OPTED_IN = "opted-in"
    SERVER = "server"
    CHANNEL = "channel"
    EXEMPT = "exempt"
    NO_RULE = "no-rule"


class Entry(NamedTuple):
    """One line. `number` counts them, and `time` is in seconds since the Unix epoch.

    `target` is the id of a server or channel, for an erasure the id up to which messages were erased, for one in a
    server alone that server (up to the time of the entry), for an opt-out since when it holds, for an opt-in the first
    id of a time from which on they are in again, else 0. `authors` are the hashes of the person, and `key` the
    fingerprint of the key that was today's then; both are empty for a place.
    For `EXEMPT` and `NO_RULE` `target` is what the rule is about, of the kind `about`, in the server `guild_id`.
    """

    number: int
    time: int
    kind: Kind
    target: int
    authors: tuple[bytes, ...] = ()
    key: str = ""
    about: str = ""
    guild_id: int = 0

    def line(self) -> str:
        """It, as it stands in the file."""
        hashes = ",".join(author.hex() for author in self.authors)
        last = (self.about, self.guild_id) if self.kind in _OF_RULES else (self.key or _NOTHING, hashes or _NOTHING)
        return " ".join(map(str, (self.number, self.time, self.kind, self.target, *last))) + "\n"


def parsed(line: str) -> Entry:
    """The entry of a line without its end. Raises ValueError for a line that is damaged."""
    number, time, kind, target, key, hashes = line.split(" ")
    if kind in _OF_RULES:
        return Entry(int(number), int(time), Kind(kind), int(target), about=TargetKind(key), guild_id=int(hashes))
    authors = () if hashes == _NOTHING else tuple(bytes.fromhex(one) for one in hashes.split(","))
    if any(len(author) != HASH_BYTES for author in authors) or (kind in _OF_PEOPLE) != bool(authors):
        raise ValueError("a person has hashes of 16 bytes, and a place has none")
    return Entry(int(number), int(time), Kind(kind), int(target), authors, "" if key == _NOTHING else key)


_OF_PEOPLE = (Kind.ERASED, Kind.ERASED_IN, Kind.OPTED_OUT, Kind.OPTED_IN)
_OF_RULES = (Kind.EXEMPT, Kind.NO_RULE)


class ErasureLog:
    """The file, for one process at a time. Every method raises OSError when the disk does not do it.

    `entries` are those in the file, in order. `identity` tells it from the logs of other processes; empty: it has none,
    for it is, or was, one process's alone. `gone` is the highest number that has been left out because it was too
    old, and `damaged` how many lines cannot be read: a line that was being written when the machine went down, say.
    """

    def __init__(self, folder: Path) -> None:
        self.entries: list[Entry] = []
        self.identity = ""
        self.gone = 0
        self.damaged = 0
        self._file = folder / FILE
        self._whole = 0
        self._torn = False

    def read(self) -> None:
        """Reads the file, if there is one."""
        try:
            data = self._file.read_bytes()
        except FileNotFoundError:
            return
        self._whole = data.rfind(b"\n") + 1
        self._torn = self._whole < len(data)
        self.damaged = int(self._torn)
        for line in data[: self._whole].decode("utf-8", errors="replace").split("\n"):
            if line.startswith(_HEADER):
                _, *identity, gone = line.split(" ") if " " in line else (line, "")
                self.identity = identity[0] if identity else ""
                with suppress(ValueError):
                    self.gone = int(gone)
                continue
            try:
                self.entries.append(parsed(line))
            except ValueError:
                self.damaged += bool(line)

    def name(self, identity: str) -> None:
        """Gives it an identity, which is on the disk when it returns."""
        former, self.identity = self.identity, identity
        try:
            self._write(self.entries)
        except OSError:
            self.identity = former
            raise

    def append(self, entries: Sequence[Entry]) -> None:
        """Adds lines; they are on the disk when it returns."""
        if not self._file.exists():
            self._write([])
        if self._torn:  # what a write that failed left of a line goes first, so that no line of ours is added to it
            os.truncate(self._file, self._whole)
        data = "".join(entry.line() for entry in entries).encode("ascii")
        self._torn = True
        file = os.open(self._file, os.O_WRONLY | os.O_APPEND)
        try:
            with os.fdopen(file, "ab", closefd=False) as opened:
                opened.write(data)
            os.fsync(file)
        finally:
            os.close(file)
        self._torn = False
        self._whole += len(data)
        self.entries += entries

    def forget(self, before: int, up_to: int) -> bool:
        """Leaves out the entries of before that time (Unix) with numbers up to `up_to`; whether there were any.

        The file is written anew, whole or not at all.
        """
        kept = [entry for entry in self.entries if entry.time >= before or entry.number > up_to]
        if len(kept) == len(self.entries):
            return False
        gone = max(self.gone, *(entry.number for entry in self.entries if entry not in kept))
        former, self.gone = self.gone, gone
        try:
            self._write(kept)
        except OSError:
            self.gone = former
            raise
        self.entries, self.damaged = kept, 0
        return True

    def _write(self, entries: Iterable[Entry]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        header = " ".join(filter(None, (_HEADER, self.identity, str(self.gone))))
        data = "".join([f"{header}\n", *(entry.line() for entry in entries)]).encode("ascii")
        with os.fdopen(file, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        fresh.replace(self._file)
        sync_folder(self._file.parent)
        self._whole, self._torn = len(data), False


def sync_folder(folder: Path) -> None:
    """Has the names of new files in a folder on the disk, where the system can do that."""
    with suppress(OSError):  # Windows opens no folders, and needs no such thing
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
