"""Alerts by a server's own webhook, and which addresses are taken for one."""

import logging

import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from discord.webhook.async_ import AsyncWebhookAdapter, async_context
from pydantic import SecretStr

from bot.alerts.webhooks import WebhookJob
from bot.commands.monitor.alert_options import ELSEWHERE, NO_ADDRESS, NO_WEBHOOK
from bot.domain.records import AdminAction
from bot.domain.webhook_address import read_webhook_address
from bot.storage.schema import WebhookRow
from bot.storage.webhook_repository import Webhook
from tests.bot.parts import overwrite
from tests.bot.storage.scenes import rows_of

TOKEN = "a" * 68
ID = 1234567890123456789


@pytest.mark.parametrize(
    "address",
    [
        f"https://discord.com/api/webhooks/{ID}/{TOKEN}",
        f" https://discord.com/api/v10/webhooks/{ID}/{TOKEN}/ ",
        f"https://ptb.discord.com/api/webhooks/{ID}/{TOKEN}",
        f"https://discordapp.com/api/webhooks/{ID}/{TOKEN}",
    ],
)
def test_an_address_as_discord_shows_it(address):
    assert read_webhook_address(address) == (ID, TOKEN)


@pytest.mark.parametrize(
    "address",
    [
        f"http://discord.com/api/webhooks/{ID}/{TOKEN}",
        f"https://discord.com.evil.example/api/webhooks/{ID}/{TOKEN}",
        f"https://evil.example/https://discord.com/api/webhooks/{ID}/{TOKEN}",
        f"https://discord.com@127.0.0.1/api/webhooks/{ID}/{TOKEN}",
        f"https://discord.com:8080/api/webhooks/{ID}/{TOKEN}",
        f"https://127.0.0.1/api/webhooks/{ID}/{TOKEN}",
        f"https://discord.com/api/webhooks/{ID}/../../users/@me",
        f"https://discord.com/api/webhooks/{ID}/{TOKEN}?thread_id=1",
        f"https://discord.com/api/webhooks/{ID}/{TOKEN}/slack",
        f"https://discord.com/api/webhooks/{ID}/{TOKEN}\nHost: evil.example",
        f"https://discord.com/api/webhooks/{2**63}/{TOKEN}",
        f"https://evildiscord.com/api/webhooks/{ID}/{TOKEN}",
        "",
    ],
)
def test_anything_else_is_none(address):
    assert read_webhook_address(address) is None


class Hooked:
    """A server with a webhook, and an alert that was posted a minute ago."""

    def __init__(self, home, job):
        self.job = job
        self.home, self.storage = home, home.storage
        self.now = float(int(home.storage.clock.now()))
        self.channel = home.guild.create_text_channel("from-elsewhere")
        backend = home.env.backend
        self.hook = backend.create_webhook(self.channel.id, "Alerts", backend.bot_user.id)

    @property
    def address(self):
        return f"https://discord.com/api/webhooks/{self.hook.id}/{self.hook.token}"

    async def alert(self, number_of_post=1):
        alert = await self.storage.alerts.start_alert(self.home.guild.id, self.home.general.id, -600, 100)
        await self.storage.alerts.posted(alert.number, number_of_post)
        await self.storage.alerts.recover(self.home.guild.id, alert.number)

    async def tick(self, later=0.0):
        await self.job.tick(self.now + later)

    def posts(self):
        return [message.embeds[0] for message in self.channel.history()]


@pytest.fixture
async def hooked(home, bot):
    hooked = Hooked(home, WebhookJob(bot.services))
    await home.env.settle()
    return hooked


async def test_an_alert_goes_out_once_by_the_webhook_and_nothing_from_before_it(hooked, caplog):
    caplog.set_level(logging.INFO)  # at DEBUG libraries are held, see bot.app.logging_setup
    await hooked.alert()
    said = await hooked.home.monitor("webhook set", url=hooked.address)
    assert f"<#{hooked.channel.id}>" in said
    await hooked.tick()
    assert hooked.posts() == []
    await hooked.alert()
    await hooked.tick()
    await hooked.tick(60)
    (post,) = hooked.posts()
    assert f"<#{hooked.home.general.id}> is far more negative" in post.description
    assert (await hooked.home.actions())[-1] == (AdminAction.WEBHOOK, None, None)
    assert "by a webhook" in await hooked.home.monitor("status")
    assert hooked.hook.token not in said + caplog.text
    await hooked.home.monitor("webhook remove")
    assert await rows_of(hooked.storage.database, WebhookRow) == []


def test_a_token_is_not_shown_by_mistake():
    assert TOKEN not in repr(Webhook(1, 2, SecretStr(TOKEN)))


async def test_what_is_no_webhook_of_this_server_is_refused(hooked):
    monitor, backend = hooked.home.monitor, hooked.home.env.backend
    assert NO_ADDRESS in await monitor("webhook set", url="https://example.org/hook")
    assert NO_WEBHOOK in await monitor("webhook set", url=f"https://discord.com/api/webhooks/{ID}/{TOKEN}")
    other = hooked.home.env.create_guild("Other").create_text_channel("there")
    theirs = backend.create_webhook(other.id, "Theirs", backend.bot_user.id)
    address = f"https://discord.com/api/webhooks/{theirs.id}/{theirs.token}"
    assert ELSEWHERE in await monitor("webhook set", url=address)
    assert await rows_of(hooked.storage.database, WebhookRow) == []


async def keep(hooked):
    await hooked.storage.webhooks.set(Webhook(hooked.home.guild.id, hooked.hook.id, SecretStr(hooked.hook.token)))


async def test_one_that_discord_does_not_know_any_more_is_forgotten(hooked):
    await keep(hooked)
    hooked.home.env.backend.webhooks.pop(hooked.hook.id)
    await hooked.alert()
    await hooked.tick()
    assert await rows_of(hooked.storage.database, WebhookRow) == []


async def test_what_goes_wrong_in_passing_is_tried_again_later_and_not_for_ever(hooked, monkeypatch):
    await keep(hooked)
    await hooked.alert()
    tries = []

    async def fails(*_args, **_options):
        tries.append(1)
        raise OSError("no network")

    with monkeypatch.context() as patched:
        patched.setattr(discord.Webhook, "fetch", fails)
        for later in (0, 30, 59, 61, 100, 170):
            await hooked.tick(later)
        assert len(tries) == 2  # at once, and a minute later; the next would be after two
        await hooked.tick(200)
        assert len(tries) == 3
    await hooked.tick(3590)
    assert len(hooked.posts()) == 1
    await hooked.alert()
    await hooked.tick(2 * 3600 + 60)
    assert len(hooked.posts()) == 1  # old by then


async def test_what_it_asks_counts_and_waits_while_this_address_is_kept_out(hooked, monkeypatch):
    """By the library's own adapter, over a real socket."""
    await keep(hooked)
    await hooked.alert()
    asked = []

    async def banned(request):
        asked.append(request.path)
        return web.Response(status=403, content_type="text/html", headers={"Retry-After": "7200"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", banned)
    async with TestServer(app) as server:
        monkeypatch.setattr(discord.http.Route, "BASE", str(server.make_url("/api/v10")))
        before = async_context.set(AsyncWebhookAdapter())
        try:
            for later in (0, 120, 600):
                await hooked.tick(later)
        finally:
            async_context.reset(before)
    traffic = hooked.home.bot.traffic
    assert len(asked) == 1
    assert traffic.requests["GET /webhooks/:id/:token", 403] == 1
    assert traffic.invalid_requests() == 1


async def test_of_a_channel_that_not_everybody_who_reads_there_can_read_nothing_goes_out(hooked):
    await keep(hooked)
    await overwrite(hooked.home.env, hooked.home.general, hooked.home.guild.default_role, view_channel=False)
    await hooked.alert()
    await hooked.tick()
    assert hooked.posts() == []
    (row,) = await rows_of(hooked.storage.database, WebhookRow)
    assert row["last_alert"] == 1
