"""`vibecheck rotate-key`: a new key for the hashes that people are kept under."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.errors import BadHashKey
from bot.storage.key_change import notice_new_key
from bot.storage.pseudonyms import KEY_FILE, open_pseudonyms, rotate_file, rotated

_RESTART = "Restart the bot now. It reads the key when it starts, and uses the old one until then."
_OPT_OUTS = (
    "Opt-outs are recognised by the old key. They move to the new one when the person next writes in a watched "
    "channel or uses /privacy. Some never do, so leave the old key where it is{0}: without it they would be read "
    "again."
)
_ALSO_AFTER = ", even after that day, when only opt-outs still need it"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What to tell the operator; `setting` is the new HASH_KEY where that is a setting, which only they can change."""

    words: str
    setting: str | None = None


_NOW_YOURS = (
    "The database belongs to the hash key of these settings now. Whoever opted out under the lost one is read again, "
    "and nobody can see or delete what was stored under it before it's purged: tell people, so that they can repeat it."
)
_ALREADY_YOURS = "The database knows the hash key of these settings already. Nothing has changed."


async def accept_key(settings: Settings) -> str:
    """Has the database take today's key although it was written under one that nobody has any more; what to tell.

    Raises StoreError.
    """
    key = settings.hash_key.get_secret_value() if settings.hash_key is not None else None
    database = await Database.open(settings.data_dir, settings.database_url)
    try:
        is_new = await notice_new_key(database, open_pseudonyms(settings.data_dir, key), is_lost=True)
    finally:
        await database.close()
    return _NOW_YOURS if is_new else _ALREADY_YOURS


def last_day(days: int, today: date) -> date:
    """The last day on which a former key is recognised for so many whole days; today does not count."""
    return today + timedelta(days=days + 1)


def rotate_key(settings: Settings, until: date | None, today: date) -> Rotated:
    """Puts a new random key before today's, under which until that day, None: always, more than opt-outs may be held.

    Raises BadHashKey: there is no usable key, or the day comes before everything kept under the former key is gone.
    """
    earliest = last_day(settings.retention_days, today)
    if until is not None and until < earliest:
        raise BadHashKey(
            f"Keep the old key until {earliest} at least. What was stored with it stays for RETENTION_DAYS, "
            f"{settings.retention_days}, and without it people couldn't see or delete their data."
        )
    end = "" if until is None else f" Its last day is {until}."
    opt_outs = _OPT_OUTS.format("" if until is None else _ALSO_AFTER)
    then = f"{_RESTART}\nThe old key works for as long as it's there.{end} {opt_outs}"
    if settings.hash_key is None:
        rotate_file(settings.data_dir, until)
        return Rotated(f"There's a new key in {settings.data_dir / KEY_FILE}.\n{then}")
    fresh = rotated(settings.hash_key.get_secret_value(), until)
    place = "Nothing has changed yet. Put this line in place of HASH_KEY, in .env or wherever you set it."
    if settings.hash_key_file is not None:
        place = f"Nothing has changed yet. Replace what's in {settings.hash_key_file} with what's behind the =."
    return Rotated(f"{place} Keep it secret.\n{then}", fresh)
