"""What the library logs of errors: their kind, and nothing that somebody typed."""

import json
import logging
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.app.logging_setup import JsonLines, set_up_logging
from bot.error_handler import TOO_LATE
from tests.docs.test_log_page import logged

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


def told_as_json(said, given, exc_info=None, lines=None):
    record = logging.LogRecord("bot.things", logging.WARNING, "file.py", 1, said, given, exc_info)
    return json.loads((lines or JsonLines()).format(record))


def test_json_tells_the_sentence_and_what_was_filled_in_apart():
    told = told_as_json("%d messages of %s wait", (3, "somewhere"))
    assert told.pop("time").endswith("+00:00")
    assert told == {
        "level": "WARNING",
        "logger": "bot.things",
        "event": "%d messages of %s wait",
        "message": "3 messages of somewhere wait",
        "values": [3, "somewhere"],
        "counts": {"messages": 3},
    }
    assert "values" not in told_as_json("stopped", ())


def test_json_names_where_it_was_and_how_much():
    guild, channel = 198622483471925248, 41771983423143937
    said, given = "mod channel %d of server %d refuses posts (%d); a pause", (channel, guild, 403)
    told = told_as_json(said, given)
    assert (told["channel"], told["server"]) == (str(channel), str(guild))
    assert not told.keys() & {"shard", "cluster", "counts"}, "nobody has said how many shards there are"
    lines = JsonLines("1/4")
    lines.shards = 7
    told = told_as_json(said, given, lines=lines)
    assert (told["shard"], told["cluster"]) == ((guild >> 22) % 7, "1/4")
    assert told_as_json("shard %d is gone", (3,), lines=lines)["shard"] == 3
    assert told_as_json("%d of %d shards, %d watched channels", (1, 7, 5))["counts"] == {"shards": 7, "channels": 5}
    assert "counts" not in told_as_json("%s fails", ("messages",))


def test_every_event_about_a_server_or_a_shard_names_it():
    for event in logged():
        wanted = set(re.findall(r"(server|channel|shard) %d", event))
        told = told_as_json(event, tuple(1 for _ in re.findall(r"%(?:\.\d+)?[sdf]", event)))
        assert wanted <= told.keys(), event


def test_json_tells_no_traceback_and_no_message_of_an_error():
    try:
        raise ValueError(WORDS)
    except ValueError:
        told = told_as_json("it broke", (), exc_info=sys.exc_info())
    assert told["error"] == "ValueError"
    assert told["at"][0].startswith(__file__)
    assert WORDS not in json.dumps(told)


def test_json_is_one_line_whatever_is_in_it():
    assert "\n" not in JsonLines().format(logging.LogRecord("a", 20, "f", 1, "one\ntwo %s", ("three\nfour",), None))


def test_json_has_no_numbers_that_are_none_or_that_are_rounded():
    told = told_as_json("%s %s %d", (float("inf"), 0.5, 198622483471925248))
    assert told["values"] == ["inf", "0.5", "198622483471925248"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_process_logs_as_it_is_told(form):
    code = f"""
import logging
from bot.app.logging_setup import set_up_logging
set_up_logging("INFO", {form!r})
logging.getLogger("vibecheck").info("model %s ready", "0123")
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stderr
    if form == "json":
        assert json.loads(said)["event"] == "model %s ready"
    else:
        assert said.endswith(" INFO vibecheck: model 0123 ready\n")
