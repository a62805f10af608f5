"""How a data set writes its labels, stated for each set: what fits becomes an id, and anything else refuses the set.

A value outside a set's own scheme says that the whole column means something else than was thought (five stars, say),
so no row of it trains.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from datasets import ClassLabel, Dataset

from training.errors import DataError

NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2
UNLABELLED = -1
"""The id of a row without a label, which neither trains nor is asked."""

_NAMES = {NEGATIVE: "negative", NEUTRAL: "neutral", POSITIVE: "positive"}
_WORDS = {
    "neg": NEGATIVE,
    "negative": NEGATIVE,
    "neu": NEUTRAL,
    "neutral": NEUTRAL,
    "pos": POSITIVE,
    "positive": POSITIVE,
}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)

_SHOWN = 8
"""How many of the values that do not fit are shown, the commonest first."""
_SHOWN_CHARACTERS = 30


class Scheme(Protocol):
    """What the values of a column mean."""

    @property
    def column(self) -> str:
        """The column that holds the labels."""
        ...

    @property
    def words(self) -> str:
        """What the column should hold, for a sentence."""
        ...

    def read(self, value: object) -> int | None:
        """A value's id (0 negative, 1 neutral, 2 positive, -1 unlabelled), or None when it is none of the scheme's."""
        ...


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes by number, as number or as text ("1", "1.0"), or by word ("neg", "Negative").

    `order` holds the id that each number from 0 stands for. Where `gaps` are part of the set, -1, null, NaN and an
    empty text say that a row has no label.
    """

    order: tuple[int, ...]
    column: str = "label"
    gaps: bool = False

    @property
    def words(self) -> str:
        """Such as "0 (negative), 1 (positive) or these words"."""
        numbers = ", ".join(f"{number} ({_NAMES[label]})" for number, label in enumerate(self.order))
        return f"{numbers}{', -1 or nothing (no label)' if self.gaps else ''} or these words"

    def read(self, value: object) -> int | None:
        """See `Scheme`."""
        if _is_nothing(value):
            return UNLABELLED if self.gaps else None
        number = _number(value)
        if number is None:
            label = _WORDS.get(value.strip().casefold()) if isinstance(value, str) else None
            return label if label in self.order else None
        if number == -1 and self.gaps:
            return UNLABELLED
        return self.order[int(number)] if number in range(len(self.order)) else None


@dataclass(frozen=True, slots=True)
class Valence:
    """A lexicon's mean valence from -`limit` to `limit`; one weaker than 1 says nothing clear and gives no label."""

    limit: float
    column: str = "valence"

    @property
    def words(self) -> str:
        """Such as "a number from -4 to 4"."""
        return f"a number from {-self.limit:g} to {self.limit:g}"

    def read(self, value: object) -> int | None:
        """See `Scheme`."""
        number = _number(value)
        if number is None or not abs(number) <= self.limit:
            return None
        return POSITIVE if number >= 1 else NEGATIVE if number <= -1 else UNLABELLED


TWO = Classes((NEGATIVE, POSITIVE))
THREE = Classes((NEGATIVE, NEUTRAL, POSITIVE))
LABEL3 = Classes((NEGATIVE, NEUTRAL, POSITIVE), column="label3")


def read_labels(rows: Dataset, scheme: Scheme, where: str) -> list[int]:
    """The id of each row's label, in order.

    `where` names the rows in messages. Raises DataError when the scheme's column is missing, or with the values met and
    their counts when some are none of the scheme's.
    """
    values = _named(rows, scheme.column, where)
    found = [scheme.read(value) for value in values]
    strange = Counter(_shown(value) for value, label in zip(values, found, strict=True) if label is None)
    if strange:
        raise DataError(
            f"The column {scheme.column!r} of {where} should hold {scheme.words}, but "
            f"{strange.total():,} of {len(values):,} rows hold something else: {_listed(strange)}."
        )
    return [label for label in found if label is not None]


def read_texts(rows: Dataset, column: str, where: str) -> list[str]:
    """Each row's text, in order, "" where there is none.

    Raises DataError when the column is missing or holds anything else.
    """
    values = _column(rows, column, where)
    strange = Counter(_shown(value) for value in values if value is not None and not isinstance(value, str))
    if strange:
        raise DataError(
            f"The column {column!r} of {where} should hold texts, but "
            f"{strange.total():,} of {len(values):,} rows hold something else: {_listed(strange)}."
        )
    return [value or "" for value in values]


def _named(rows: Dataset, column: str, where: str) -> Sequence[object]:
    """The column's values; those of a `ClassLabel` by its names, whose order may be another than the scheme's."""
    values = _column(rows, column, where)
    feature = rows.features[column]
    if not isinstance(feature, ClassLabel) or not feature.names:
        return values
    return [
        feature.names[value] if isinstance(value, int) and 0 <= value < len(feature.names) else value
        for value in values
    ]


def _column(rows: Dataset, column: str, where: str) -> list[Any]:
    if column not in rows.column_names:
        raise DataError(f"{where} lacks the column {column!r}; it has {', '.join(rows.column_names)}.")
    return list(rows[column][:])  # iterated over, the library would look up row by row


def _is_nothing(value: object) -> bool:
    if isinstance(value, (float, Decimal)):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and not value.strip())


def _number(value: object) -> float | None:
    """A number, or a text that writes one; neither true nor false is."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value := value.strip()) else None
    return float(value) if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else None


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    shown = repr(value) if isinstance(value, str) else str(value)
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


def _listed(values: Counter[str]) -> str:
    """Values with their counts, the commonest first."""
    first = [f"{value} ({_rows(count)})" for value, count in values.most_common(_SHOWN)]
    rest = len(values) - len(first)
    return ", ".join([*first, f"and {rest:,} more"] if rest else first)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
