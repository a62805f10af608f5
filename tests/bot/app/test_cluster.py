"""What one of several processes asks of Discord before it has a client counts as what that asks."""

import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app.cluster import _count_of_shards
from bot.link.brake import KeptOut
from bot.link.traffic import Traffic


async def test_how_many_shards_there_are_is_asked_with_the_same_brake(monkeypatch):
    traffic, asked = Traffic(), []

    async def refused(request):
        asked.append(request.path)
        return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refused)
    async with TestServer(app) as server:
        monkeypatch.setattr(discord.http.Route, "BASE", str(server.make_url("/api/v10")))
        with pytest.raises(discord.LoginFailure):
            await _count_of_shards("token", traffic)
        assert traffic.requests["GET /users/@me", 401] == traffic.invalid_requests() == 1
        traffic.brake._until = float("inf")
        with pytest.raises(KeptOut):
            await _count_of_shards("token", traffic)
    assert len(asked) == 1
