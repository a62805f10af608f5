"""Requests are counted by route, and nobody's id, token or emoji is in one."""

from types import SimpleNamespace

import pytest
from multidict import CIMultiDict
from yarl import URL

from bot.link.traffic import INVALID_SECONDS, MOST_ROUTES, Traffic, route_of


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v10/channels/1576302610455986/messages/1576302610455987", "/channels/:id/messages/:id"),
        (
            "/api/v10/channels/1/messages/2/reactions/%F0%9F%98%80/@me",
            "/channels/:id/messages/:id/reactions/:emoji/@me",
        ),
        (
            "/api/v10/webhooks/1/aW50ZXJhY3Rpb246MTU3NjMwMjYx/messages/@original",
            "/webhooks/:id/:token/messages/@original",
        ),
        ("/api/v10/users/@me", "/users/@me"),
        ("/api/v10/gateway/bot", "/gateway/bot"),
        ("/", "/"),
    ],
)
def test_a_route_is_nobodys(path, route):
    assert route_of(path) == route


async def asked(traffic, path, status, **headers):
    response = SimpleNamespace(status=status, headers=CIMultiDict(headers))
    end = SimpleNamespace(method="GET", url=URL(f"https://discord.com/api/v10{path}"), response=response)
    await traffic._answered(None, None, end)


async def test_refused_requests_count_for_ten_minutes():
    now = [0.0]
    traffic = Traffic(lambda: now[0])
    for status in (200, 401, 403, 404, 429, 500):
        await asked(traffic, "/users/@me", status)
    assert traffic.invalid_requests() == 3
    now[0] = INVALID_SECONDS + 1
    assert traffic.invalid_requests() == 0
    assert traffic.requests["GET /users/@me", 429] == 1


async def test_what_is_refused_for_what_others_asked_is_not_held_against_this_address():
    traffic = Traffic()
    await asked(traffic, "/channels/1/messages", 429, **{"x-ratelimit-scope": "shared"})
    assert traffic.invalid_requests() == 0
    for scope in ("user", "global"):
        await asked(traffic, "/channels/1/messages", 429, **{"x-ratelimit-scope": scope})
    assert traffic.invalid_requests() == 2
    assert traffic.requests["GET /channels/:id/messages", 429] == 3


async def test_there_are_only_so_many_routes():
    traffic = Traffic()
    for number in range(MOST_ROUTES + 20):
        await asked(traffic, f"/made/up{number}", 200)
    assert len(traffic.requests) == MOST_ROUTES + 1
    assert traffic.requests["other", 200] == 20
