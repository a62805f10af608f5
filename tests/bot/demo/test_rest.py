"""The local Discord's REST API refuses as Discord and Cloudflare do."""

import aiohttp
import pytest

from bot.demo.limits import Bucket
from bot.demo.local_discord import TOKEN, LocalDiscord
from bot.demo.rest import API


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


@pytest.fixture
async def ask(local):
    """Makes so many requests one after the other; their answers, each with its body read."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {TOKEN}"}) as session:

        async def ask(path="/users/@me", times=1, **options):
            found = []
            for _ in range(times):
                async with session.get(f"{local.url}{API}{path}", **options) as response:
                    await response.read()
                    found.append(response)
            return found

        yield ask


async def test_more_than_the_global_limit_is_refused_for_every_route_and_says_so(local, ask):
    local.rest.global_limit = Bucket(limit=3, window=60.0)
    answers = [*await ask(times=2), *await ask("/gateway/bot"), *await ask("/users/@me"), *await ask("/gateway/bot")]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    refused = answers[-1]
    assert refused.headers["X-RateLimit-Global"] == "true"
    assert refused.headers["X-RateLimit-Scope"] == "global"
    assert 0 < float(refused.headers["Retry-After"]) <= 60
    told = await refused.json()
    assert told["global"] is True
    assert told["retry_after"] == pytest.approx(float(refused.headers["Retry-After"]))


async def test_what_answers_people_is_beside_the_global_limit(local, ask):
    local.rest.global_limit = Bucket(limit=0, remaining=0, window=60.0)
    assert (await ask("/gateway"))[0].status == 200
    assert (await ask("/gateway/bot"))[0].status == 429


async def test_refused_requests_end_in_a_ban_that_is_a_page_without_via(local, ask):
    local.rest.invalid.most, local.rest.invalid.ban_seconds = 3, 60.0
    refused = await ask(times=3, headers={"Authorization": "Bot another"})
    assert [answer.status for answer in refused] == [401] * 3
    (kept_out,) = await ask()
    assert (kept_out.status, kept_out.content_type) == (429, "text/html")
    assert "Via" not in kept_out.headers
    assert 0 < int(kept_out.headers["Retry-After"]) <= 60
    assert (local.rest.invalid.bans, local.rest.invalid.knocks) == (1, 1)


async def test_how_many_sessions_are_left_is_told_as_the_gateway_counts_them(local, ask):
    local.gateway.limits.left = 7
    (answer,) = await ask("/gateway/bot")
    assert (await answer.json())["session_start_limit"]["remaining"] == 7


async def test_with_another_token_the_former_one_is_refused(local, ask):
    local.reset_token("fresh")
    assert [answer.status for answer in await ask()] == [401]
    assert [answer.status for answer in await ask(headers={"Authorization": "Bot fresh"})] == [200]
