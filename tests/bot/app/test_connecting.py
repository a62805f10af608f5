"""What came between the bot and Discord."""

from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.app.connecting import (
    EX_CONFIG,
    EX_UNAVAILABLE,
    HELD,
    LONGEST_WAIT,
    NETWORK_WAITS,
    NO_DISCORD,
    SHORTEST_BAN,
    SHORTEST_WAIT,
    WRONG_TOKEN,
    Ended,
    Later,
    Obstacles,
)
from bot.link.brake import KeptOut
from bot.link.limits import asked_for, no_session_yet, until_session

WORDS = "my secret diary"


def refused(status, body=None, **headers):
    """What discord.py raises for such an answer."""
    kind = {403: discord.Forbidden, 503: discord.DiscordServerError}.get(status, discord.HTTPException)
    response: Any = SimpleNamespace(status=status, reason="", headers=headers)
    return kind(response, body)


def closed(code):
    socket: Any = SimpleNamespace(close_code=code)
    return discord.ConnectionClosed(socket, shard_id=0, code=code)


@pytest.mark.parametrize(
    "error", [discord.LoginFailure("no"), refused(401, {"code": 0}), closed(4004)], ids=["login", "401", "4004"]
)
def test_a_refused_token_is_for_whoever_set_it(error):
    assert Obstacles().judge(error) == Ended(WRONG_TOKEN, EX_CONFIG)


@pytest.mark.parametrize("code", [4012, 4013])
def test_a_version_that_is_no_longer_served_is_to_be_updated(code):
    judgement = Obstacles().judge(closed(code))
    assert judgement.code == EX_CONFIG
    assert str(code) in judgement.sentence
    assert "update" in judgement.sentence


@pytest.mark.parametrize("code", [4010, 4011, 4000, 4999])
def test_a_close_code_that_another_client_may_not_meet_is_waited_out(code):
    judgement = Obstacles().judge(closed(code))
    assert isinstance(judgement, Later)
    assert str(code) in judgement.sentence
    assert judgement.seconds == SHORTEST_WAIT


@pytest.mark.parametrize(("status", "page"), [(429, "<html>error 1015</html>"), (403, "<html>1015</html>"), (429, {})])
@pytest.mark.parametrize(
    ("told", "seconds"), [("3600", 3600.0), ("120", 120.0), ("", SHORTEST_BAN), ("soon", SHORTEST_BAN)]
)
def test_an_address_that_is_kept_out_waits_as_long_as_it_is_told_or_long(status, page, told, seconds):
    headers = {"Retry-After": told} if told else {}
    judgement = Obstacles().judge(refused(status, page, **headers))
    assert isinstance(judgement, Later)
    assert judgement.seconds == seconds
    assert "network" not in judgement.sentence
    assert "html" not in judgement.sentence


def test_what_the_brake_holds_back_is_not_the_networks_fault():
    judgement = Obstacles().judge(KeptOut(600.0))
    assert judgement == Later(HELD, 600.0)
    assert "network" not in judgement.sentence


def test_what_the_gateways_address_was_refused_with_is_what_counts():
    error = discord.GatewayNotFound()
    error.__cause__ = refused(429, "<html>", **{"Retry-After": "60"})
    assert Obstacles().judge(error).seconds == 60


def test_a_network_that_is_missing_at_the_start_is_tried_a_few_times_and_then_said():
    obstacles = Obstacles()
    waits = [obstacles.judge(aiohttp.ClientConnectionError()).seconds for _ in NETWORK_WAITS]
    assert waits == list(NETWORK_WAITS)
    assert obstacles.judge(OSError()) == Ended(NO_DISCORD, EX_UNAVAILABLE)


@pytest.mark.parametrize(
    "error",
    [aiohttp.ServerDisconnectedError(), TimeoutError(), refused(503), closed(4010), KeyError(WORDS)],
    ids=lambda error: type(error).__name__,
)
def test_once_it_has_been_online_nothing_that_passes_ends_it_and_the_waits_are_bounded(error):
    obstacles = Obstacles()
    obstacles.online()
    judgements = [obstacles.judge(error) for _ in range(50)]
    assert all(isinstance(judgement, Later) for judgement in judgements)
    assert not any(WORDS in judgement.sentence for judgement in judgements)
    waits = [judgement.seconds for judgement in judgements]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (SHORTEST_WAIT, LONGEST_WAIT)
    obstacles.online()
    assert obstacles.judge(error).seconds == SHORTEST_WAIT


@pytest.mark.parametrize(("remaining", "seconds"), [(0, 3600.0), (1, 0.0), (999, 0.0)])
def test_a_session_is_begun_only_while_some_are_left(remaining, seconds):
    limits = discord.SessionStartLimits(total=1000, remaining=remaining, reset_after=3_600_000, max_concurrency=1)
    assert until_session(limits) == seconds


@pytest.mark.parametrize(("remaining", "needed", "seconds"), [(21, 22, 3600.0), (22, 22, 0.0), (0, 0, 3600.0)])
def test_so_many_must_be_left_as_are_needed(remaining, needed, seconds):
    limits = discord.SessionStartLimits(total=1000, remaining=remaining, reset_after=3_600_000, max_concurrency=1)
    assert until_session(limits, needed) == seconds


def test_it_is_said_until_when_no_session_may_begin():
    assert "won't let this bot connect until 28 November, 13:00:00 UTC" in no_session_yet(3600, 1_795_867_200)
    assert "lets this bot connect only 7 more times until 28" in no_session_yet(3600, 1_795_867_200, 7)
    assert "lets this bot connect only once more until 28" in no_session_yet(3600, 1_795_867_200, 1)


@pytest.mark.parametrize(("told", "seconds"), [("1.5", 1.5), ("-1", 0.0), ("1e9", 86_400.0), ("nan", 0.0), ("", 0.0)])
def test_what_discord_asks_for_is_taken_as_it_can_be(told, seconds):
    assert asked_for(refused(429, **{"Retry-After": told})) == seconds
