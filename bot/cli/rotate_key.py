"""`vibecheck rotate-key`: a new key for the hashes that people are kept under."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from bot.settings import Settings
from bot.storage.errors import BadHashKey
from bot.storage.pseudonyms import KEY_FILE, rotate_file, rotated

_RESTART = "Restart the bot now: it reads the key when it starts, and until then goes on with the former one."
_OPT_OUTS = (
    "Whoever opted out is recognised by the former key, and carried over to the new one when they next write in a "
    "watched channel or use /privacy. Some never do, so leave the former key where it is{0}: without it they would be "
    "read again."
)
_ALSO_AFTER = ", also after that day, when nothing but opt-outs is held under it"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What to tell the operator; `setting` is the new HASH_KEY where that is a setting, which only they can change."""

    words: str
    setting: str | None = None


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
            f"The former key must be recognised until {earliest} at least: what is kept under it stays for "
            f"RETENTION_DAYS, {settings.retention_days}, and nobody could see or delete theirs without it."
        )
    end = "" if until is None else f" Its last day is {until}."
    opt_outs = _OPT_OUTS.format("" if until is None else _ALSO_AFTER)
    then = f"{_RESTART}\nThe former key is recognised for as long as it stands there.{end} {opt_outs}"
    if settings.hash_key is None:
        rotate_file(settings.data_dir, until)
        return Rotated(f"There is a new key in {settings.data_dir / KEY_FILE}.\n{then}")
    fresh = rotated(settings.hash_key.get_secret_value(), until)
    place = "Nothing is changed yet: put this line in the place of HASH_KEY, in .env or wherever you set it."
    if settings.hash_key_file is not None:
        place = (
            f"Nothing is changed yet: put what is behind the = into {settings.hash_key_file} instead of what is there."
        )
    return Rotated(f"{place} Keep it secret.\n{then}", fresh)
