"""What the library logs of errors: their kind, and nothing that somebody typed."""

import logging
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.app.logging_setup import set_up_logging
from bot.error_handler import TOO_LATE

WORDS = "my secret diary"
LOGGERS = ("discord.shard", "discord.client", "discord.state", "discord.app_commands.tree", "discord.ui.view")
OF_REQUESTS = ("discord.http", "discord.webhook.async_")


@pytest.fixture(autouse=True)
def filters_come_back():
    before = {name: list(logging.getLogger(name).filters) for name in (*LOGGERS, *OF_REQUESTS)}
    set_up_logging("INFO")
    yield
    for name, filters in before.items():
        logging.getLogger(name).filters = filters


@pytest.mark.parametrize("name", LOGGERS)
def test_what_the_library_could_not_do_is_told_by_kind(caplog, name):
    logging.getLogger("discord.state").setLevel(logging.ERROR)
    try:
        raise ValueError(WORDS)
    except ValueError:
        logging.getLogger(name).exception("Ignoring exception in 100 %% of %s", "autocomplete")
    assert "Ignoring exception in 100 % of autocomplete (ValueError)" in caplog.text
    assert WORDS not in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("name", OF_REQUESTS)
def test_the_address_of_a_request_that_is_limited_is_logged_without_ids(caplog, name):
    person, guild = "198622483471925248", "41771983423143937"
    logging.getLogger(name).warning("We are being rate limited. %s %s", "GET", f"/guilds/{guild}/members/{person}")
    assert "/guilds/…/members/…" in caplog.text
    assert person not in caplog.text


@pytest.mark.parametrize("code", sorted(TOO_LATE))
def test_an_answer_that_comes_too_late_is_no_error(caplog, code):
    caplog.set_level("INFO", "bot")
    response: Any = SimpleNamespace(status=404, reason="")
    error = discord.NotFound(response, {"code": code, "message": WORDS})
    logging.getLogger("discord.app_commands.tree").error("Ignoring exception in autocomplete", exc_info=error)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"an answer came too late ({code})")
    ]


async def test_an_autocomplete_that_fails_tells_nobodys_words(home, caplog, monkeypatch):
    """The library takes what an autocomplete raises and logs it with its message."""

    async def fail(*_args):
        raise ValueError(WORDS)

    command = home.bot.tree.get_command("mood")
    assert isinstance(command, app_commands.Group)
    channel: Any = command.get_command("channel")
    monkeypatch.setattr(channel._params["since"], "autocomplete", fail)
    assert await home.alice.autocomplete(home.general, "mood channel", "since", WORDS) == []
    assert "autocomplete for" in caplog.text
    assert WORDS not in caplog.text
