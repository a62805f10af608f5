"""A backup that only whoever has the key can read, in the format of age (age-encryption.org/v1): extra `age`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bot.storage.errors import DatabaseUnavailable
from model.installation import needs_extra

_HEADER = b"age-encryption.org/v1"
_LONGEST_PASSPHRASE, _SHORTEST_PASSPHRASE = 1024, 12


class BadKey(DatabaseUnavailable):
    """A recipient, an identity or a passphrase that cannot be used, or does not open the file."""


@dataclass(frozen=True, slots=True)
class Lock:
    """With what a backup is encrypted: public keys (age1...), or the file that a passphrase is in. Neither: not at all.

    A passphrase has the whole copy in memory, twice; recipients a portion at a time.
    """

    recipients: tuple[str, ...] = ()
    passphrase_file: Path | None = None

    def __bool__(self) -> bool:
        return bool(self.recipients or self.passphrase_file)


def new_identity(file: Path) -> str:
    """Writes a new private key to a new file, for this account only, and returns its public key. Raises BadKey."""
    identity = _age().x25519.Identity.generate()
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="ascii") as opened:
            opened.write(f"# public key: {identity.to_public()}\n{identity}\n")
    except OSError as error:
        raise BadKey(f"I couldn't write {file} ({error.strerror}). Choose the name of a new file.") from None
    return str(identity.to_public())


def is_encrypted(file: Path) -> bool:
    """Whether it is there and begins as such a file does. Raises OSError."""
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(len(_HEADER)) == _HEADER


def check(lock: Lock) -> None:
    """Raises BadKey for one that cannot be used, before anything is written."""
    if lock.passphrase_file is not None:
        _passphrase(lock.passphrase_file)
    elif lock.recipients:
        _recipients(lock.recipients)


def encrypt(plain: Path, file: Path, lock: Lock) -> None:
    """Writes `plain` to `file` encrypted, and then reads that again and compares. Raises BadKey or OSError.

    To do so a key that is made for it and thrown away may read it too; with a passphrase, that does.
    """
    age = _age()
    if lock.passphrase_file is not None:
        passphrase = _passphrase(lock.passphrase_file)
        file.write_bytes(age.passphrase.encrypt(plain.read_bytes(), passphrase))
        whole = sha256(age.passphrase.decrypt(file.read_bytes(), passphrase)).digest() == _sum(plain)
    else:
        ours = age.x25519.Identity.generate()
        age.encrypt_file(str(plain), str(file), [*_recipients(lock.recipients), ours.to_public()])
        with file.open("rb") as encrypted:
            hashed = _Hashed()
            age.decrypt_io(encrypted, hashed, [ours])
        whole = hashed.digest() == _sum(plain)
    if not whole:
        raise BadKey(f"{file} isn't what I wrote to it. Check that disk, and try again.")


def decrypt(file: Path, plain: Path, *, identity_file: Path | None, passphrase_file: Path | None) -> None:
    """Writes what is in `file` to `plain`. Raises BadKey, or OSError."""
    age = _age()
    if identity_file is None and passphrase_file is None:
        raise BadKey(f"{file} is encrypted: name the file with its key by --identity-file, or --passphrase-file.")
    try:
        if passphrase_file is not None:
            plain.write_bytes(age.passphrase.decrypt(file.read_bytes(), _passphrase(passphrase_file)))
        elif identity_file is not None:
            age.decrypt_file(str(file), str(plain), _identities(identity_file))
    except age.DecryptError:
        raise BadKey(f"{file} doesn't open with that key, or is damaged. The database is unchanged.") from None


class _Hashed:
    """A file that keeps only the sum of what is written to it."""

    def __init__(self) -> None:
        self._sum = sha256()

    def write(self, data: bytes) -> int:
        self._sum.update(data)
        return len(data)

    def flush(self) -> None:
        pass

    def digest(self) -> bytes:
        return self._sum.digest()


def _sum(file: Path) -> bytes:
    total = sha256()
    with file.open("rb") as opened:
        while portion := opened.read(1 << 20):
            total.update(portion)
    return total.digest()


def _age() -> Any:
    try:
        return importlib.import_module("pyrage")
    except ModuleNotFoundError:
        raise BadKey(needs_extra("An encrypted backup", "age")) from None


def _recipients(keys: Sequence[str]) -> list[Any]:
    age = _age()
    try:
        return [age.x25519.Recipient.from_str(key) for key in keys]
    except age.RecipientError:
        raise BadKey(
            "A recipient is a public key and begins with age1; `vibecheck backup-key FILE` makes one."
        ) from None


def _identities(file: Path) -> list[Any]:
    age = _age()
    lines = [line.strip() for line in _text(file, "identity").splitlines()]
    try:
        return [age.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except age.IdentityError:
        raise BadKey(f"{file} holds no private key (AGE-SECRET-KEY-1...), as `vibecheck backup-key` makes.") from None


def _passphrase(file: Path) -> str:
    passphrase = _text(file, "passphrase").strip()
    if not _SHORTEST_PASSPHRASE <= len(passphrase) <= _LONGEST_PASSPHRASE:
        raise BadKey(f"A passphrase has {_SHORTEST_PASSPHRASE} to {_LONGEST_PASSPHRASE:,} characters.")
    return passphrase


def _text(file: Path, what: str) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise BadKey(f"I can't read the file with the {what}, {file} ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise BadKey(f"The file with the {what}, {file}, isn't UTF-8 text.") from None
