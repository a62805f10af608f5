"""What was refused is tried less and less, and what failed in passing is tried again soon; neither ever ends."""

from itertools import pairwise
from types import SimpleNamespace

import aiohttp
import discord
import pytest

from bot.link.failures import REQUEST_FAILURES, is_refusal
from bot.refusal_backoff import LATER, PAUSES, Purpose, RefusalBackoff

CHANNEL = 7
DAY = 86_400


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def backoff(clock):
    return RefusalBackoff(clock)


def http_error(status, code, kind=discord.HTTPException):
    body = {"code": code, "message": "no"} if code is not None else "<html>"
    return kind(SimpleNamespace(status=status, reason="no"), body)


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, 50001), (403, 50013), (404, 10003), (404, 10008), (400, 10014), (400, 50035), (400, 40067), (400, 200000)],
)
def test_what_discord_itself_says_no_to_is_a_refusal(status, code):
    kind = {403: discord.Forbidden, 404: discord.NotFound}.get(status, discord.HTTPException)
    error = http_error(status, code, kind)
    assert isinstance(error, REQUEST_FAILURES)
    assert is_refusal(error)


@pytest.mark.parametrize(
    "error",
    [
        http_error(503, 0, discord.DiscordServerError),
        http_error(500, None, discord.DiscordServerError),
        http_error(503, 130000, discord.DiscordServerError),
        http_error(429, 0),
        http_error(429, 20028),
        http_error(400, 40062),
        http_error(401, 0),
        http_error(403, None, discord.Forbidden),  # what stands before Discord's API answers without a code
        http_error(404, 0, discord.NotFound),
        discord.RateLimited(60.0),
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientOSError(104, "reset"),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=str,
)
def test_an_outage_a_limit_or_a_broken_connection_is_none(error):
    assert isinstance(error, REQUEST_FAILURES)
    assert not is_refusal(error)


def test_only_the_first_refusal_is_news(backoff, clock):
    assert backoff.refused(CHANNEL, Purpose.TAG)
    assert not backoff.is_open(CHANNEL, Purpose.TAG)
    clock.now = PAUSES[0]
    assert backoff.is_open(CHANNEL, Purpose.TAG)
    assert not backoff.refused(CHANNEL, Purpose.TAG)


def tries(backoff, clock, days, note):
    """At which seconds something is tried where every message would."""
    tried = []
    for clock.now in range(0, days * DAY, 5):
        if backoff.is_open(CHANNEL, Purpose.NOTICE):
            tried.append(clock.now)
            note(CHANNEL, Purpose.NOTICE)
    return tried


def test_after_the_third_refusal_it_is_probed_once_a_day_for_ever(backoff, clock):
    first = [0, PAUSES[0], PAUSES[0] + PAUSES[1]]
    assert tries(backoff, clock, 30, backoff.refused) == [*first, *(first[-1] + day * DAY for day in range(1, 30))]


def test_what_fails_in_passing_is_tried_every_quarter_of_an_hour_for_ever_and_is_no_refusal(backoff, clock):
    tried = tries(backoff, clock, 2, backoff.failed)
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert pauses[: len(LATER)] == list(LATER)
    assert set(pauses[len(LATER) :]) == {LATER[-1]}
    assert backoff.closed(CHANNEL) == []
    assert backoff.failing(CHANNEL) == [Purpose.NOTICE]
    assert backoff.refused(CHANNEL, Purpose.NOTICE), "the first refusal is news, whatever failed before"


def test_a_failure_in_passing_makes_no_refusal_forgotten(backoff, clock):
    backoff.refused(CHANNEL, Purpose.TAG)
    backoff.failed(CHANNEL, Purpose.TAG)
    assert backoff.closed(CHANNEL) == [Purpose.TAG]
    assert backoff.failing(CHANNEL) == []


def test_what_works_again_is_as_new(backoff, clock):
    backoff.refused(CHANNEL, Purpose.TAG)
    clock.now = PAUSES[0]
    backoff.worked(CHANNEL, Purpose.TAG)
    assert backoff.refused(CHANNEL, Purpose.TAG)


def test_a_refusal_concerns_one_channel_and_one_purpose(backoff):
    backoff.refused(CHANNEL, Purpose.TAG)
    assert backoff.is_open(CHANNEL, Purpose.NOTICE)
    assert backoff.is_open(CHANNEL + 1, Purpose.TAG)
    assert backoff.closed(CHANNEL) == [Purpose.TAG]


def test_whoever_has_looked_opens_it_again(backoff):
    for _ in range(3):
        backoff.refused(CHANNEL, Purpose.TAG)
    backoff.reopen(CHANNEL)
    assert backoff.is_open(CHANNEL, Purpose.TAG)
    assert backoff.closed(CHANNEL) == []
