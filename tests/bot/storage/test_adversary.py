"""Nobody is singled out, also not by subtraction: tried by an adversary.

They have four accounts beside the victim, see everything that is told, as often as they like, know how it is made, and
of fewer than nine people know everything but the victim's scores. An alert tells, too: it comes or not. They must guess
which of two victims it was, who differ in nothing else. One draw of noise says nothing, so each attack is tried in some
hundreds of channels, and the guess may choose its threshold in hindsight.
"""

import random

import pytest

from bot.domain.disclosure import MOST_VERSIONS
from bot.domain.records import HourMood
from bot.storage.mood_repository import MoodRepository
from bot.storage.schema import ToldDayRow, ToldHourRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import HOME, HOUR, author, exact_hours, message_id, publish, rows_of, say

CHANNELS = range(1000, 1400)
"""As many tries; in the even ones the victim is one, in the odd ones the other."""

VICTIM, PUPPETS = 1, (2, 3, 4, 5)


class Attack:
    """The same history in every channel, with one victim or the other."""

    def __init__(self, database, scores, seed=1):
        self.database, self.scores, self.rng = database, scores, random.Random(seed)
        self.now = HOUR * 3600.0
        self.buffer = WriteBuffer(database, clock=lambda: self.now)
        self.number = 0

    def victims_score(self, channel):
        return self.scores[channel % 2]

    async def write(self, who, score=None, hour=HOUR, count=1):
        """Somebody writes in every channel; without a score it is the victim. Returns the messages' numbers."""
        first = self.number
        for channel in CHANNELS:
            for _ in range(count):
                self.number += 1
                own = self.victims_score(channel) if score is None else score
                say(self.buffer, self.number, who, own, hour=hour, channel=channel)
        await self.buffer.flush()
        return range(first + 1, self.number + 1)

    async def write_strangers(self, people):
        """Others, of whom nobody knows how they feel: in no two channels alike."""
        for who in people:
            for channel in CHANNELS:
                self.number += 1
                say(self.buffer, self.number, who, self.rng.uniform(-1, 1), channel=channel)
        await self.buffer.flush()

    async def edit(self, numbers, who, score):
        self.now += 60
        for place, number in enumerate(numbers):
            channel = CHANNELS[place * len(CHANNELS) // len(numbers)]
            say(
                self.buffer,
                number,
                who,
                score,
                channel=channel,
                edited=round((HOUR + 2) * 3_600_000 + self.now % 10**6),
            )
        await self.buffer.flush()

    async def tell(self, before=HOUR + 1):
        """What is told of each channel: the mean, and shares of negative and positive messages."""
        await publish(self.database, before, self.rng)
        rows = await rows_of(self.database, ToldHourRow)
        return {row["channel_id"]: shares(row) for row in rows if row["hour"] == HOUR and row["authors"]}

    async def alerts(self):
        """The channels of which there would be an alert, if it were one from a mean of 0 downwards."""
        moods = MoodRepository(self.database)
        live, told = await exact_hours(self.database, HOUR, HOUR, [HOME]), await moods.told_hours(HOUR, HOUR, [HOME])
        judged = {channel: hour.mean for _, channel, hour in (*live, *told)}
        return {channel for channel, mean in judged.items() if mean <= 0}


def shares(row):
    messages = row["negative"] + row["neutral"] + row["positive"]
    return row["score_sum"] / messages / 1000, row["negative"] / messages, row["positive"] / messages


def error_of_the_best_guess(likelihoods):
    """`likelihoods` is, by channel, by how much the first victim is the more likely; 0.5: a coin does as well."""
    ordered = sorted((likelihood, channel % 2) for channel, likelihood in likelihoods.items())
    firsts = sum(not second for _, second in ordered)
    wrong = best = firsts  # everybody is taken for the second
    # From the likeliest first victim on downwards, one more is taken for the first.
    for _, second in reversed(ordered):
        wrong += 1 if second else -1
        best = min(best, wrong)
    return best / len(ordered)


def leaning(told, expected, scale):
    """How much likelier the first of two expectations (sums of scores, of negative and of positive messages) is."""
    first, second = expected
    return sum(abs(one - b) - abs(one - a) for one, a, b in zip(told, first, second, strict=True)) / scale


def guess(told, messages, victims, known=(0, 0, 0), scale=None):
    """The error of the best guess about `victims` (their sums), where everything else is `known`."""
    expected = [tuple(map(sum, zip(victim, known, strict=True))) for victim in victims]
    return error_of_the_best_guess(
        {channel: leaning([messages * part for part in parts], expected, scale or 1) for channel, parts in told.items()}
    )


BAD, GOOD = (-1.0, 1.0, 0.0), (1.0, 0.0, 1.0)
"""Sums of a victim's one message: score, negative and positive messages. Nothing differs by more."""

WELL_ABOVE_ZERO = 0.04


def test_a_guess_that_cannot_fail_has_no_error():
    """The measure itself: with exact numbers the victim is known."""
    exact = {
        channel: (-0.2 if channel % 2 else 0.2, 0.2 * (channel % 2), 0.2 * (1 - channel % 2)) for channel in CHANNELS
    }
    assert guess(exact, 5, (GOOD, BAD)) == 0
    blind = dict.fromkeys(CHANNELS, (0.0, 0.0, 0.0))
    assert guess(blind, 5, (GOOD, BAD)) > 0.45


@pytest.mark.parametrize("count", [1, 6])
async def test_four_accounts_beside_a_victim_do_not_learn_the_victims_scores(fresh, count):
    attack = Attack(await fresh(), (1.0, -1.0))
    await attack.write(VICTIM, count=count)
    for puppet in PUPPETS:
        await attack.write(puppet, 0.0)
    told = await attack.tell()
    assert len(told) == len(CHANNELS)
    victims = [tuple(count * part for part in victim) for victim in (GOOD, BAD)]
    assert guess(told, count + 4, victims, scale=count) > WELL_ABOVE_ZERO


async def test_asking_again_and_telling_again_averages_nothing_out(fresh):
    """Five accounts of one person have the hour told three times: whatever is unknown is under the same noise."""
    attack = Attack(await fresh(), (1.0, -1.0))
    await attack.write(VICTIM)
    own = {puppet: await attack.write(puppet, 0.0) for puppet in (*PUPPETS, 6)}
    versions = [await attack.tell()]
    for score in (0.25, -0.25, 0.25, -0.25):
        for puppet, numbers in own.items():
            await attack.edit(numbers, puppet, score)
        versions.append(await attack.tell())
    told = await rows_of(attack.database, ToldHourRow)
    assert {row["version"] for row in told} == {MOST_VERSIONS}
    assert versions[2] == versions[3] == versions[4]
    sums = (0.0, 5 * 0.25, 5 * -0.25)
    averaged = {
        channel: tuple(
            sum(
                6 * version[channel][part] - (known if part == 0 else 0)
                for version, known in zip(versions, sums, strict=False)
            )
            / 3
            / 6
            for part in range(3)
        )
        for channel in CHANNELS
    }
    alone = guess(versions[0], 6, (GOOD, BAD))
    assert guess(averaged, 6, (GOOD, BAD)) > max(WELL_ABOVE_ZERO, 0.7 * alone)


@pytest.mark.parametrize("count", [1, 6])
async def test_what_one_person_takes_out_of_an_hour_together_with_four_accounts_is_not_the_difference(fresh, count):
    """Of many people the hour is told without noise; told anew because of five it must not be."""
    attack = Attack(await fresh(), (1.0, -1.0))
    await attack.write(VICTIM, count=count)
    own = {puppet: await attack.write(puppet, 0.0) for puppet in PUPPETS}
    await attack.write_strangers(range(10, 15))
    before = await attack.tell()
    for puppet, numbers in own.items():
        await attack.edit(numbers, puppet, 0.1)
    assert await attack.tell() == before  # four are not enough
    await attack.buffer.forget([author(VICTIM)], message_id(10**7))
    after = await attack.tell()
    assert {row["version"] for row in await rows_of(attack.database, ToldHourRow)} == {2}
    taken = {
        channel: tuple((9 + count) * old - 9 * new for old, new in zip(before[channel], after[channel], strict=True))
        for channel in CHANNELS
    }
    known = (-4 * 0.1, 0.0, 0.0)
    victims = [tuple(count * part for part in victim) for victim in (GOOD, BAD)]
    assert guess(taken, 1, victims, known, count) > WELL_ABOVE_ZERO


@pytest.mark.parametrize("how", ["deletes", "edits"])
async def test_what_a_few_people_change_is_not_told(fresh, how):
    attack = Attack(await fresh(), (1.0, -1.0))
    mine = await attack.write(VICTIM)
    for puppet in PUPPETS:
        await attack.write(puppet, 0.0)
    await attack.write_strangers(range(10, 16))
    before = await attack.tell()
    if how == "edits":
        await attack.edit(mine, VICTIM, 0.0)
    else:
        attack.buffer.deleted([message_id(number) for number in mine])
        await attack.buffer.flush()
    assert await attack.tell() == before


@pytest.mark.parametrize("count", [6, 20])
async def test_who_wrote_most_of_a_large_hour_does_not_stand_out(fresh, count):
    """Ten people, but whatever the nine others feel, the mean would be that of one."""
    attack = Attack(await fresh(), (1.0, -1.0))
    await attack.write(VICTIM, count=count)
    for puppet in PUPPETS:
        await attack.write(puppet, 0.0)
    await attack.write_strangers(range(10, 15))
    victims = [tuple(count * part for part in victim) for victim in (GOOD, BAD)]
    assert guess(await attack.tell(), count + 9, victims, (0.0, 1.7, 1.7), count) > WELL_ABOVE_ZERO


@pytest.mark.parametrize(("count", "strangers"), [(1, ()), (6, ()), (6, range(10, 13)), (20, range(10, 15))])
async def test_when_there_is_an_alert_four_accounts_do_not_learn_the_victims_scores(fresh, count, strangers):
    """They edit their own messages, a little worse each minute: what it takes until the alert comes is an answer."""
    attack = Attack(await fresh(), (1.0, -1.0))
    await attack.write(VICTIM, count=count)
    own = {puppet: await attack.write(puppet, 0.5, count=count) for puppet in PUPPETS}
    if strangers:
        await attack.write_strangers(strangers)
    minutes = dict.fromkeys(CHANNELS, 0)
    for score in (0.5, 0.25, 0.0, -0.25, -0.5, 0.0):
        for puppet, numbers in own.items():
            await attack.edit(numbers, puppet, score)
        alerts = await attack.alerts()
        assert alerts == set()  # none within the hour, whatever they do
        for channel in CHANNELS:
            minutes[channel] += channel not in alerts
    await attack.tell()
    alerts = await attack.alerts()
    waited = {channel: minutes[channel] + (channel not in alerts) for channel in CHANNELS}
    assert error_of_the_best_guess(waited) > WELL_ABOVE_ZERO


async def test_an_alert_within_the_hour_is_for_many_people(fresh):
    """The other side: where the rules let it, it does come, so that the attack above would see it."""
    attack = Attack(await fresh(), (-1.0, -1.0))
    for who in range(1, 10):
        await attack.write(who)
    assert await attack.alerts() == set(CHANNELS)


async def test_the_sum_of_a_quiet_day_does_not_tell_the_one_whom_four_accounts_left_alone(fresh):
    attack = Attack(await fresh(), (1.0, -1.0))
    midnight = HOUR // 24 * 24
    await attack.write(VICTIM, hour=midnight + 3)
    for puppet in PUPPETS:
        await attack.write(puppet, 0.0, hour=midnight + 9)
    await attack.tell(midnight + 24)
    told = {row["channel_id"]: shares(row) for row in await rows_of(attack.database, ToldDayRow)}
    assert len(told) == len(CHANNELS)
    assert guess(told, 5, (GOOD, BAD)) > WELL_ABOVE_ZERO


async def test_a_whole_is_right_although_its_parts_are_blurred(fresh):
    """Noise and rounding lean to no side: what many hours have in common stays."""
    attack = Attack(await fresh(), (0.5, 0.5))
    for who in range(1, 8):
        await attack.write(who, 0.5, count=1)
    told = await attack.tell()
    assert sum(mean for mean, *_ in told.values()) / len(told) == pytest.approx(0.5, abs=0.05)
    rows = await rows_of(attack.database, ToldHourRow)
    messages = [row["negative"] + row["neutral"] + row["positive"] for row in rows]
    assert set(messages) == {5, 10}
    assert sum(messages) / len(messages) == pytest.approx(7, abs=0.4)
    errors = [
        HourMood(0, n, 0, 0, row["score_sum"], row["score_square_sum"], 5).standard_error
        for n, row in zip(messages, rows, strict=True)
    ]
    within = [abs(mean - 0.5) < 1.96 * error for (mean, *_), error in zip(told.values(), errors, strict=True)]
    assert sum(within) / len(within) > 0.9
