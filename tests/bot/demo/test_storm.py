"""The demo's storm: whenever a visitor starts it, the rules that hold for every server call it one."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.analytics.anomaly import Change, enough, judge
from bot.analytics.backtest import HELD_BACK
from bot.analytics.baseline import learn
from bot.demo.conversations import STORM, STORM_IN
from bot.demo.history import CHARACTERS, made_up
from bot.domain.disclosure import FEWEST_WITHOUT_NOISE, needs_noise
from bot.domain.records import FEWEST_AUTHORS, GuildSettings, HourMood, Sensitivity
from bot.domain.snowflake import SECONDS
from model import Classifier
from model.verdict import Sentiment

UTC = ZoneInfo("UTC")
PEOPLE = 5
"""Who writes in a storm: everybody of the demo but the visitor."""

LEAST = -0.6
"""The mean score that the storm's texts have at most."""


def mood(hour, scores, people):
    squares = sum(score * score for score in scores)
    return HourMood(hour, 0, len(scores), 0, sum(scores), squares, people)


@pytest.mark.parametrize("clock", range(24))
def test_at_any_hour_of_the_day_it_is_judged_at_once_and_is_a_storm(clock):
    now = datetime(2026, 11, 28, clock, 30, tzinfo=UTC).timestamp()
    present = int(now // SECONDS)
    number = list(CHARACTERS).index(STORM_IN)
    made = {one.hour: one for one in made_up(CHARACTERS[STORM_IN], UTC, now, seed=number)}
    known = [mood(one.hour, one.scores, one.people) for one in made.values() if one.people >= FEWEST_AUTHORS]
    baseline = learn([one for one in known if one.hour < present - HELD_BACK], UTC)
    assert baseline is not None
    storm = [round(1000 * LEAST)] * (PEOPLE * len(STORM))
    there = made[present]
    hour = mood(present, (*there.scores, *storm), there.people + PEOPLE)
    assert enough(hour, GuildSettings(1))
    assert hour.authors >= FEWEST_WITHOUT_NOISE
    assert not needs_noise(hour.authors, hour.messages, len(STORM), PEOPLE * len(STORM))
    assert judge(None, hour, baseline, Sensitivity.HIGH, now) is Change.STARTS
    calm = mood(present, there.scores, there.people)
    assert judge(None, calm, baseline, Sensitivity.HIGH, now) is Change.NONE


async def test_what_people_write_in_it_is_read_as_they_mean_it():
    async with await Classifier.open(budget=512) as classifier:
        verdicts = [await classifier.classify(text) for text in STORM]
    assert {verdict.sentiment for verdict in verdicts} == {Sentiment.NEGATIVE}
    assert sum(verdict.score for verdict in verdicts) / len(verdicts) <= LEAST
