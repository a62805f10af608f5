"""Statistical disclosure control: how exact sums become what is told, so that they single nobody out.

Who tries to is taken to have `FEWEST_AUTHORS - 1` accounts of their own, to see who writes how much, and to know how
all of this is made. Three means stand against it. The threshold rule: of fewer people nothing is told. Rounding:
messages to a multiple of `BASE`, at random, so that sums over many hours are right all the same; people down to one;
the mean and its error to two digits. Noise (perturbation): of fewer than `FEWEST_WITHOUT_NOISE` people, and where one
person dominates, two-sided geometric noise, the discrete Laplace, as large as the most messages of any one of them: it
hides a person also from somebody who knows the scores of all others. From `FEWEST_WITHOUT_NOISE` people on without such
a one there is none: their own accounts taken away, the scores of `FEWEST_AUTHORS` people remain, whom they are taken
not to know, and these hide each other behind their sum. Somebody who knew all of these but one would learn that one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log, sqrt
from typing import Protocol

from bot.domain.records import FEWEST_AUTHORS
from bot.domain.snowflake import SECONDS

BASE = 5
"""What counts of messages and of people are rounded to."""

FEWEST_WITHOUT_NOISE = 2 * FEWEST_AUTHORS - 1
"""People from which on what somebody with one account fewer than the threshold does not know is of the threshold."""

MOST_VERSIONS = 3
"""How often an hour is told at most: at first, and when those of many people have changed."""

GRACE_SECONDS = 120
"""After its end, until an hour is told: what was written in its last second waits for the model, and to be written."""

TYPICAL_VARIANCE = 0.3
"""Of the scores of messages in chat, in squared scores: most are plainly one thing, at about 0.7 to either side.

Where there is noise it stands for the hour's own variance, which would tell of its people once more.
"""


class Randomness(Protocol):
    """A source of numbers in [0, 1): `random.SystemRandom`, or one with a seed."""

    def random(self) -> float:
        """The next number."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Messages by sentiment, sums of their scores in thousandths and of the squares, and how many people wrote them."""

    negative: int
    neutral: int
    positive: int
    score_sum: int
    score_square_sum: int
    authors: int

    @property
    def messages(self) -> int:
        """How many there are."""
        return self.negative + self.neutral + self.positive


@dataclass(frozen=True, slots=True)
class Noise:
    """What is added to the sum of scores (in thousandths) and to two counts; `variance` is that of the sum, in scores.

    All are whole numbers.
    """

    score: int = 0
    negative: int = 0
    positive: int = 0
    variance: int = 0

    def plus(self, other: Noise) -> Noise:
        """Both."""
        return Noise(
            self.score + other.score,
            self.negative + other.negative,
            self.positive + other.positive,
            self.variance + other.variance,
        )


def told_before(now: float) -> int:
    """The first hour that may not be told yet."""
    return int((now - GRACE_SECONDS) // SECONDS)


def told_from(hour: int) -> int:
    """The instant, in seconds since the Unix epoch, from which on an hour may be told."""
    return (hour + 1) * SECONDS + GRACE_SECONDS


def needs_noise(authors: int, messages: int, most: int, leading: int) -> bool:
    """Whether rounding is not enough, nor may an alert judge the exact hour: there are few people, or one dominates.

    `most` is how many of the messages one person has at the most, and `leading` how many those `FEWEST_AUTHORS` have
    who have most. If whoever is none of these wrote less than that one person (the p % rule, with the adversary's other
    accounts in the coalition and p = 100), then what the others may have said hides nobody.
    """
    return authors < FEWEST_WITHOUT_NOISE or messages - leading < most


def draw_noise(most: int, rng: Randomness) -> Noise:
    """Noise that hides whoever wrote most: `most` messages, at least 1."""
    return Noise(
        two_sided_geometric(1000 * most, rng),
        two_sided_geometric(most, rng),
        two_sided_geometric(most, rng),
        2 * most * most,
    )


def two_sided_geometric(scale: int, rng: Randomness) -> int:
    """A whole number k with a probability proportional to exp(-|k| / scale)."""
    return _geometric(scale, rng) - _geometric(scale, rng)


def typical_most(messages: int, authors: int) -> int:
    """How many messages one of these people had, at the most, where that is no longer known: twice the mean."""
    return max(1, ceil(2 * messages / authors))


def perturbed(exact: Sums, noise: Noise, rng: Randomness) -> Sums | None:
    """What is told of these sums; None: nothing, for they are of too few people.

    The counts add up to the messages told, and the sums of scores are such that mean and standard error are those told.
    """
    if exact.authors < FEWEST_AUTHORS:
        return None
    messages = exact.messages
    told = random_rounding(messages, rng)
    mean = round(_within(100 * (exact.score_sum + noise.score) / messages / 1000, -100, 100))
    error = ceil(100 * _standard_error(exact, noise) - 1e-9)
    negative, neutral = _shares(exact, noise, told, rng)
    return Sums(
        negative,
        neutral,
        told - negative - neutral,
        10 * mean * told,
        (10 * mean) ** 2 * told + (10 * error) ** 2 * told * (told - 1),
        exact.authors // BASE * BASE,
    )


def perturbed_part(part: int, whole: int, most: int, rng: Randomness) -> tuple[int, int]:
    """What is told of `part` of `whole` messages, both in steps of `BASE`.

    Nobody wrote more than `most` of them; 0: no noise is needed.
    """
    noise = two_sided_geometric(most, rng) if most else 0
    told = random_rounding(whole, rng)
    return random_rounding(_within(part + noise, 0, whole) * told / whole, rng), told


def random_rounding(count: float, rng: Randomness) -> int:
    """The multiple of `BASE` below or above, the more likely the nearer: what is expected is the count itself."""
    return floor(count / BASE + rng.random()) * BASE


def _geometric(scale: int, rng: Randomness) -> int:
    return floor(-scale * log(1 - rng.random()))


def _standard_error(exact: Sums, noise: Noise) -> float:
    """Of the mean, in scores; where there is noise, from a typical variance and widened by the noise's own."""
    n = exact.messages
    if noise.variance:
        return min(1.0, sqrt(TYPICAL_VARIANCE / n + noise.variance / n**2))
    return sqrt(max(0.0, (exact.score_square_sum - exact.score_sum**2 / n) / (n - 1) / n)) / 1000


def _shares(exact: Sums, noise: Noise, told: int, rng: Randomness) -> tuple[int, int]:
    """Negative and neutral messages among those told: systematic sampling, so that all three add up and none is off."""
    negative = _within(exact.negative + noise.negative, 0, exact.messages)
    positive = _within(exact.positive + noise.positive, 0, exact.messages)
    scale = told / max(exact.messages, negative + positive)
    offset = rng.random()
    below = floor(negative * scale + offset)
    return below, max(0, floor(told - positive * scale + offset) - below)


def _within(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
