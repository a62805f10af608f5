"""What should be counted, in a few dictionaries that know nothing of how the bot does it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.domain.snowflake import hour_of
from tests.discord.canary import CANARY, DANGER, HATE, LOVE, POLISH

TEXTS = (
    LOVE,
    HATE,
    POLISH,
    DANGER,
    f"what a lovely quiet evening with {CANARY}",
    f"the {CANARY} opens at nine on weekdays",
    f"this is the worst {CANARY} that I ever had, a complete waste",
    f"thank you so much, {CANARY} made my day",
    f"ok, I will bring {CANARY} on Monday",
)


class Counted(Enum):
    """Whether a message must be held in the end. `OPEN`: nobody can know, such as when an answer never came."""

    YES = "yes"
    NO = "no"
    OPEN = "open"


@dataclass(slots=True)
class Said:
    """One message as it is now. `text` is a place in TEXTS."""

    message_id: int
    channel_id: int
    person: int
    text: int
    counted: Counted
    edits: list[tuple[float, int]] = field(default_factory=list)
    """When it was edited, by `time.time`, and the text that it had before."""

    def texts(self, lost: Iterable[tuple[float, float]]) -> set[int]:
        """What may be counted: its text, or the one before an edit that a killed process took along."""
        times = list(lost)
        before = {text for when, text in self.edits if any(begun <= when <= end for begun, end in times)}
        return {self.text, *before}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the model makes of a text when nobody disturbs it: label id, or UNREAD, and thousandths."""

    sentiment: int
    score: int


@dataclass(frozen=True, slots=True)
class Hour:
    """The sums of one hour of one channel. Scores of the same text may differ by a thousandth for each message."""

    sentiments: tuple[int, int, int, int]
    score: int
    authors: int
    writers: int


@dataclass(slots=True)
class PlainModel:
    """Every message that was written where a notice stands, and who is out."""

    said: dict[int, Said] = field(default_factory=dict)
    out: set[int] = field(default_factory=set)
    in_doubt: set[int] = field(default_factory=set)
    """People who have asked for something and do not know yet whether it was done: they are silent."""

    def written(self, message_id: int, channel_id: int, person: int, text: int) -> None:
        """Somebody wrote; whoever is out is not read."""
        counted = Counted.NO if person in self.out else Counted.YES
        self.said[message_id] = Said(message_id, channel_id, person, text, counted)

    def edited(self, message_id: int, text: int) -> None:
        """The newer version counts, if any does."""
        one = self.said[message_id]
        one.edits.append((time.time(), one.text))
        one.text = text

    def deleted(self, message_id: int) -> None:
        """A deletion is final."""
        self.said[message_id].counted = Counted.NO

    def forgotten(self, person: int, up_to: int) -> None:
        """Somebody has had their messages up to that id deleted, and was told so."""
        for one in self._of(person, up_to):
            one.counted = Counted.NO

    def perhaps_forgotten(self, person: int, up_to: int) -> None:
        """The same, but nobody has said whether it was done."""
        for one in self._of(person, up_to):
            if one.counted is Counted.YES:
                one.counted = Counted.OPEN

    def must(self) -> dict[int, Said]:
        """What must be held."""
        return {number: one for number, one in self.said.items() if one.counted is Counted.YES}

    def must_not(self) -> set[int]:
        """What must not be."""
        return {number for number, one in self.said.items() if one.counted is Counted.NO}

    def hours(self, held: Mapping[int, Meaning]) -> dict[tuple[int, int], Hour]:
        """The sums by channel and hour of these messages, by what they mean."""
        by_hour: defaultdict[tuple[int, int], list[tuple[int, Meaning]]] = defaultdict(list)
        for number, meaning in held.items():
            one = self.said[number]
            by_hour[one.channel_id, hour_of(number)].append((one.person, meaning))
        return {key: _sums(some) for key, some in by_hour.items()}

    def _of(self, person: int, up_to: int) -> list[Said]:
        return [one for one in self.said.values() if one.person == person and one.message_id <= up_to]


def _sums(some: list[tuple[int, Meaning]]) -> Hour:
    counts = Counter(meaning.sentiment for _, meaning in some)
    read = {person for person, meaning in some if meaning.sentiment != 3}
    score = sum(meaning.score for _, meaning in some)
    kinds = (counts[0], counts[1], counts[2], counts[3])
    return Hour(kinds, score, len(read), len({person for person, _ in some}))
