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
    "watched channel or use /privacy. {0}"
)
_LOST = "Those who do neither before that day will be read again, unless they opt out anew."
_KEPT = "Without an end none of them is lost."


@dataclass(frozen=True, slots=True)
class Rotated:
    """What to tell the operator; `setting` is the new HASH_KEY where that is a setting, which only they can change."""

    words: str
    setting: str | None = None


def last_day(days: int, today: date) -> date:
    """The last day on which a former key is recognised for so many whole days; today does not count."""
    return today + timedelta(days=days + 1)


def rotate_key(settings: Settings, until: date | None, today: date) -> Rotated:
    """Puts a new random key before today's, which stays recognised until that day, None: always.

    Raises BadHashKey: there is no usable key, or the day comes before everything kept under the former key is gone.
    """
    earliest = last_day(settings.retention_days, today)
    if until is not None and until < earliest:
        raise BadHashKey(
            f"The former key must be recognised until {earliest} at least: what is kept under it stays for "
            f"RETENTION_DAYS, {settings.retention_days}, and nobody could see or delete theirs without it."
        )
    end = "for as long as it stands there" if until is None else f"until {until}"
    then = f"{_RESTART}\nThe former key is recognised {end}. {_OPT_OUTS.format(_KEPT if until is None else _LOST)}"
    if settings.hash_key is None:
        rotate_file(settings.data_dir, until)
        return Rotated(f"There is a new key in {settings.data_dir / KEY_FILE}.\n{then}")
    fresh = rotated(settings.hash_key.get_secret_value(), until)
    place = "Nothing is changed yet: put this line in the place of HASH_KEY, in .env or wherever you set it."
    return Rotated(f"{place} Keep it secret.\n{then}", fresh)
