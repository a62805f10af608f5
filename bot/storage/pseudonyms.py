"""Who wrote a message, as a keyed hash: the same person is recognised, and nobody can be named without the key."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from pathlib import Path

from bot.storage.errors import BadHashKey
from bot.storage.file_lock import lock_file

HASH_BYTES = 16
KEY_FILE = "hash.key"
LOCK = "hash.lock"
SHORTEST_KEY = 16
"""Characters; the key is what keeps the few million ids of a server's people from being tried one by one."""

FEWEST_CHARACTERS = 8
"""Different ones in today's key. Of 16 random hexadecimal digits hardly ever fewer are different."""


@dataclass(frozen=True, slots=True)
class HashKey:
    """A key, and the last day on which anything but opt-outs may be held under it; None: none was chosen."""

    secret: str
    until: date | None = None

    def __repr__(self) -> str:
        return f"HashKey(until={self.until})"


class Pseudonyms:
    """Turns Discord's user ids into hashes (BLAKE2b, 16 bytes).

    The hash depends on the key and the id only, not on the server: somebody who opts out or asks what is held about
    them does so once, in any server or in a direct message, for all of them.

    A hash cannot be made anew without the id it came from, and no id is kept. So a new key does not touch the rows that
    are there: the former key stays beside it, and everything held under either key is recognised. After the day that
    was chosen for its end nothing is held under it any more but opt-outs: that day does not lie before the retention
    time is over. Opt-outs are carried over to the new key when the person writes, which is when their id is known
    (`OptOuts`); for whoever never does, the former key goes on being asked, for as long as it stands there. Nobody
    is counted as two people in what is told: see `bot.storage.key_change`.
    """

    def __init__(self, keys: Sequence[HashKey]) -> None:
        if not keys:
            raise BadHashKey("HASH_KEY is empty.")
        self._keys = tuple(blake2b(key.secret.encode(), digest_size=32).digest() for key in keys)

    @property
    def fingerprint(self) -> str:
        """What tells today's key from others and leads to none: 8 hexadecimal digits."""
        return _fingerprint(self._keys[0])

    @property
    def fingerprints(self) -> frozenset[str]:
        """Those of today's key and of the former ones."""
        return frozenset(map(_fingerprint, self._keys))

    def author(self, user_id: int) -> bytes:
        """The hash under which somebody's messages are kept from now on."""
        return self._hash(self._keys[0], user_id)

    def authors(self, user_id: int) -> tuple[bytes, ...]:
        """Every hash under which something of theirs may be held: today's key first, then the former ones."""
        return tuple(self._hash(key, user_id) for key in self._keys)

    @staticmethod
    def _hash(key: bytes, user_id: int) -> bytes:
        return blake2b(user_id.to_bytes(8, "big"), key=key, digest_size=HASH_BYTES).digest()


def in_server(author: bytes, guild_id: int) -> bytes:
    """What stands for a person in one server, out of a hash of theirs: it says neither who nor which server."""
    return blake2b(guild_id.to_bytes(8, "big"), key=author, digest_size=HASH_BYTES, person=b"in a server").digest()


def _fingerprint(key: bytes) -> str:
    return blake2b(b"fingerprint", key=key, digest_size=4).hexdigest()


def read_keys(text: str) -> list[HashKey]:
    """The keys in `CURRENT,FORMER@2027-01-31,...`; without a day a former key has no end. Raises BadHashKey."""
    keys = []
    for place, part in enumerate(text.strip().split(",")):
        secret, at, day = part.strip().partition("@")
        if len(secret) < SHORTEST_KEY:
            raise BadHashKey(f"HASH_KEY has a key of fewer than {SHORTEST_KEY} characters. Use 32 random ones.")
        if not place and _repeats(secret):
            raise BadHashKey("Today's key in HASH_KEY repeats itself. Put 32 random characters and a comma before it.")
        if at and not place:
            raise BadHashKey("The first key in HASH_KEY is today's, so it can't have an end.")
        try:
            keys.append(HashKey(secret, date.fromisoformat(day) if at else None))
        except ValueError:
            raise BadHashKey("A former key in HASH_KEY ends with a day such as @2027-01-31.") from None
    return keys


def _repeats(secret: str) -> bool:
    """Whether it is one part again and again, or of few different characters."""
    return (secret + secret).find(secret, 1) < len(secret) or len(set(secret)) < FEWEST_CHARACTERS


def rotated(text: str, until: date | None) -> str:
    """`text` with a new random key in front; the one that was there is followed by its end, None: it has none."""
    current, *former = (part.strip() for part in text.strip().split(","))
    end = f"@{until.isoformat()}" if until is not None else ""
    fresh = ",".join([secrets.token_hex(32), current + end, *former])
    read_keys(fresh)
    return fresh


def open_pseudonyms(folder: Path, setting: str | None) -> Pseudonyms:
    """The identity for HASH_KEY, or for the key in `folder`/hash.key, which is made at the first start with mode 0600.

    Raises BadHashKey.
    """
    return Pseudonyms(read_keys(setting if setting else _kept(folder / KEY_FILE)))


def rotate_file(folder: Path, until: date | None) -> None:
    """Puts a new key in front of those in `folder`/hash.key, whole or not at all.

    Raises BadHashKey, also when there is no key yet, and when another process is at it: of two new keys one would be
    lost, and with it who is who in what was kept under it meanwhile.
    """
    file = folder / KEY_FILE
    if not file.exists():
        raise BadHashKey(f"There's no key in {folder} yet. The bot makes one when it first starts.")
    try:
        lock = lock_file(folder / LOCK)
        try:
            _write(file.with_suffix(".new"), rotated(_kept(file), until)).replace(file)
        finally:
            os.close(lock)
    except BlockingIOError:
        raise BadHashKey(f"Another process is changing {file}. Look at it before you try again.") from None
    except OSError as error:
        raise BadHashKey(f"I can't write {file} ({error.strerror}).") from None


def _kept(file: Path) -> str:
    try:
        try:
            return file.read_text("ascii")
        except FileNotFoundError:
            file.parent.mkdir(parents=True, exist_ok=True)
            fresh = file.with_suffix(".new")
            _write(fresh, secrets.token_hex(32)).replace(file)
            return file.read_text("ascii")
    except OSError as error:
        raise BadHashKey(f"I can't read or make {file} ({error.strerror}). Set HASH_KEY instead.") from None
    except UnicodeDecodeError:
        raise BadHashKey(f"{file} is damaged. Put it back from a copy, or set HASH_KEY.") from None


def _write(file: Path, text: str) -> Path:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    return file
