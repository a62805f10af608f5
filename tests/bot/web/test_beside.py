"""The page beside the bot: one process, one model, two loops."""

import asyncio
import json
import socket
import urllib.error

import pytest

from bot.app import page as command
from bot.app.page import page_beside
from bot.settings import SettingsError, is_local
from bot.web.server import running_page
from tests.bot.web.by_http import fetch


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


async def test_the_page_and_the_bot_share_one_model(classifier, settings, free_port):
    beside = settings.model_copy(update={"web_port": free_port})
    async with page_beside(beside, classifier):
        page = await asyncio.to_thread(fetch, f"http://127.0.0.1:{free_port}/")
        assert classifier.info.version in page
        assert '"allow_custom_value":false' in page  # a proxy before it may bring strangers
        assert (await classifier.classify("i love this", origin=1)).sentiment == "positive"
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(fetch, f"http://127.0.0.1:{free_port}/")
    assert (await classifier.classify("i love this too", origin=1)).sentiment == "positive"


async def test_a_port_that_is_taken_is_one_sentence(classifier, settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        beside = settings.model_copy(update={"web_port": taken.getsockname()[1]})
        with pytest.raises(SettingsError, match="Choose another host or port"):
            async with page_beside(beside, classifier):
                pass


async def test_a_bot_whose_page_others_could_reach_says_what_it_needs(classifier, settings):
    beside = settings.model_copy(update={"web_host": "0.0.0.0"})
    with pytest.raises(SettingsError, match="Set WEB_TOKEN"):
        async with page_beside(beside, classifier):
            pass


async def test_without_its_extra_a_page_is_one_sentence(classifier, settings, monkeypatch):
    monkeypatch.setattr(command, "has_extra", lambda: False)
    with pytest.raises(
        SettingsError, match=r'^The web page needs the extra "web": pip install "vibecheck-bot\[web\]"\.$'
    ):
        async with page_beside(settings, classifier):
            pass


async def test_a_host_that_is_none_is_one_sentence(classifier, settings):
    with pytest.raises(SettingsError, match="can't listen on"):
        async with running_page(classifier, settings.model_copy(update={"web_open": True}), "no.such.host.invalid", 0):
            pass


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("LocalHost", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
    ],
)
def test_only_loopback_is_local(host, local):
    assert is_local(host) is local


@pytest.mark.parametrize(("host", "custom"), [("127.0.0.1", "true"), ("0.0.0.0", "false")])
async def test_strangers_may_not_name_models(classifier, settings, host, custom):
    models = "org/one@1a2b3c4 org/two@5d6e7f8"
    offered = settings.model_copy(update={"web_models": models, "web_open": host == "0.0.0.0"})
    async with running_page(classifier, offered, host, 0) as address:
        page = await asyncio.to_thread(fetch, address.url)
    assert f'"allow_custom_value":{custom}' in page
    assert "org/two@5d6e7f8" in page


@pytest.mark.parametrize(
    "headers",
    [{"Host": "page.example"}, {"Host": "[::2]:80"}, {"X-Forwarded-For": "10.0.0.9"}, {"Forwarded": "for=10.0.0.9"}],
    ids="".join,
)
async def test_a_local_page_is_not_for_whom_a_proxy_sends(classifier, settings, headers):
    async with running_page(classifier, settings, "127.0.0.1", 0) as address:
        with pytest.raises(urllib.error.HTTPError, match="403") as refusal:
            await asyncio.to_thread(fetch, address.url, **headers)
        assert json.load(refusal.value) == {"detail": "This page is for this machine only."}
        assert "default-src 'none'" in refusal.value.headers["content-security-policy"]
        assert "Vibecheck" in await asyncio.to_thread(fetch, address.url, Host="localhost:1")


async def test_a_page_for_everybody_may_have_a_proxy(classifier, settings):
    everybody = settings.model_copy(update={"web_open": True})
    async with running_page(classifier, everybody, "0.0.0.0", 0) as address:
        assert "Vibecheck" in await asyncio.to_thread(fetch, address.url, Host="page.example", Forwarded="for=10.0.0.9")
