"""An address that Discord keeps out asks nothing, and one that is refused often asks only what people wait for."""

from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict
from yarl import URL

from bot.app.assemble import assemble
from bot.link.brake import BAN_SECONDS, MOST_INVALID, Brake, KeptOut
from bot.link.failures import REQUEST_FAILURES, is_refusal
from bot.storage.open_storage import Storage

MESSAGES = "/api/v10/channels/1/messages"
ANSWER = "/api/v10/interactions/1/token/callback"


class Wire:
    """Asks as the library does, and is answered by what is told."""

    def __init__(self, most=5):
        self.now, self.refused = 1000.0, 0
        self.brake = Brake(lambda: self.refused, most=most, clock=lambda: self.now)
        self.trace = self.brake.watch(aiohttp.TraceConfig())

    async def ask(self, path=MESSAGES):
        before: Any
        for before in self.trace.on_request_start:
            await before(None, SimpleNamespace(), SimpleNamespace(url=URL(f"https://discord.com{path}")))

    async def answered(self, status, content_type="text/html", path=MESSAGES, **headers):
        response = SimpleNamespace(status=status, content_type=content_type, headers=CIMultiDict(headers))
        after: Any
        for after in self.trace.on_request_end:
            await after(
                None, SimpleNamespace(), SimpleNamespace(url=URL(f"https://discord.com{path}"), response=response)
            )


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "60"}, 60),
        (429, {}, BAN_SECONDS),
        (403, {"Retry-After": "7"}, 7),
        (429, {"Retry-After": "soon"}, BAN_SECONDS),
    ],
)
async def test_nothing_is_asked_during_a_ban_and_all_again_after_it(status, headers, seconds, caplog):
    wire = Wire()
    await wire.answered(status, **headers)
    await wire.answered(status, **headers)
    for path in (MESSAGES, ANSWER):
        with pytest.raises(KeptOut) as held:
            await wire.ask(path)
        assert held.value.seconds == seconds
    await wire.ask("/?v=10&encoding=json")  # the gateway
    wire.now += seconds
    await wire.ask()
    assert caplog.text.count("keeps this machine's address out") == 1


@pytest.mark.parametrize(
    ("status", "content_type", "headers"),
    [
        (429, "application/json", {"Retry-After": "60", "Via": "1.1 google"}),
        (403, "application/json", {}),
        (403, "text/html", {}),
        (502, "text/html", {"Retry-After": "60"}),
        (200, "application/json", {}),
    ],
    ids=["rate limit", "forbidden", "what one message says", "a gateway fails", "fine"],
)
async def test_what_is_no_ban_keeps_nobody_back(status, content_type, headers):
    wire = Wire()
    await wire.answered(status, content_type, **headers)
    await wire.ask()


async def test_with_many_refusals_only_people_who_wait_are_answered(caplog):
    wire = Wire(most=5)
    wire.refused = 4
    await wire.ask()
    wire.refused = 5
    for _ in range(2):
        with pytest.raises(KeptOut):
            await wire.ask()
    await wire.ask(ANSWER)
    assert caplog.text.count("only people who wait are answered") == 1
    wire.refused = 4
    await wire.ask()


@pytest.mark.parametrize("path", ["/users/@me", "/oauth2/applications/@me", "/applications/@me", "/gateway/bot"])
async def test_a_client_gets_a_session_though_much_was_refused(path):
    """Without one nobody who waits would be heard."""
    wire = Wire(most=5)
    wire.refused = 5
    await wire.ask(f"/api/v10{path}")
    await wire.answered(429, **{"Retry-After": "60"})
    with pytest.raises(KeptOut):
        await wire.ask(f"/api/v10{path}")


@pytest.mark.parametrize("path", ["/users/@me/channels", "/channels/1/messages/2/reactions/x/@me", "/users/@me/guilds"])
async def test_what_only_looks_like_it_waits(path):
    wire = Wire(most=5)
    wire.refused = 5
    with pytest.raises(KeptOut):
        await wire.ask(f"/api/v10{path}")


async def test_processes_behind_one_address_share_what_may_be_refused():
    wire = Wire(most=8)
    wire.brake.share(4)
    wire.refused = 1
    await wire.ask()
    wire.refused = 2
    with pytest.raises(KeptOut):
        await wire.ask()


async def test_a_bot_knows_how_many_share(settings, classifier, storage, monkeypatch):
    monkeypatch.setattr(Storage, "processes", 4)
    bot = assemble(settings, classifier, storage)
    monkeypatch.setattr(bot.traffic.brake, "_invalid", lambda: MOST_INVALID // 4)
    asked: Any = SimpleNamespace(url=URL(f"https://discord.com{MESSAGES}"))
    with pytest.raises(KeptOut):
        await bot.traffic.brake._before(None, SimpleNamespace(), asked)


def test_it_is_a_failure_in_passing():
    assert isinstance(KeptOut(1.0), REQUEST_FAILURES)
    assert not is_refusal(KeptOut(1.0))
