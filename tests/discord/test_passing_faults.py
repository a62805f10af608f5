"""What passes is waited out, and what is broken breaks alone: registrations, sessions, events."""

import os
import signal
import sqlite3
from contextlib import closing

import discord
import pytest
from simcord.backend.ops.commands import COMMAND_FIELDS

from bot.app.connecting import EX_CONFIG, EX_OK, OUTDATED, WRONG_TOKEN
from bot.app.runtime import WITHOUT_CONTENT
from bot.demo.gateway import Op
from bot.demo.launch import wait_until_ready
from bot.demo.local_discord import LocalDiscord
from bot.storage.database_url import FILE
from tests.discord.wire import (
    add_admin,
    build_world,
    online_bot,
    started_bot,
    until,
)

TEXT = "what a lovely quiet evening"
COMMANDS = "/applications/*/commands"


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


@pytest.fixture
def world(local):
    return build_world(local)


def names(local, guild_id=None):
    return {name for name, _ in local.backend.commands.get(guild_id, {})}


@pytest.fixture(scope="module")
def registered():
    """What the bot registers, once it has."""
    return []


async def registered_before(local, folder, registered):
    """The bot has been here; what it is to register now is new to it."""
    if registered:
        local.backend.register_commands(None, registered)
        return
    async with online_bot(local, folder):
        pass
    (folder / "data" / "commands.json").unlink()
    for command in local.backend.commands[None].values():
        registered.append({field: value for field, value in command.items() if field in COMMAND_FIELDS})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 400, "code": 30034}, "Discord takes no more commands today (30034)"),
        ({"status": 400, "code": 50035}, "Discord refuses the commands of this version (400, 50035)"),
        ({"status": 503}, "Discord has problems (503)"),
        ({"status": 403, "code": 50001}, "Discord refuses the commands of this version (403, 50001)"),
    ],
    ids=["daily limit", "refused", "failing", "forbidden"],
)
async def test_a_registration_that_fails_is_said_and_does_not_keep_the_bot_off_the_air(
    local, world, tmp_path, registered, fault, said
):
    await registered_before(local, tmp_path, registered)
    local.http_error("PUT", COMMANDS, **fault)
    async with started_bot(local, tmp_path) as bot:
        await until(lambda: local.gateway.connected)
        await until(lambda: said in bot.said)
        assert "tried again in 1 min" in bot.said
        assert (await world.ask(TEXT)).response.components
        assert bot.process.returncode is None


async def test_a_registration_that_is_to_wait_for_hours_waits_beside_the_answers(local, world, tmp_path, registered):
    await registered_before(local, tmp_path, registered)
    local.rate_limit("PUT", COMMANDS, retry_after=7200.0)
    async with started_bot(local, tmp_path) as bot:
        await until(lambda: local.gateway.connected)
        await until(lambda: "Retrying in 7200.00 seconds" in bot.said)
        assert (await world.ask(TEXT)).response.components
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.ended() == EX_OK


async def test_commands_that_another_program_has_replaced_come_back_with_the_owners(local, tmp_path):
    world = build_world(local)
    home = world.alice.guild.id
    async with online_bot(local, tmp_path, ADMIN_GUILD=str(home)):
        await until(lambda: "model" in names(local, home))
    for guild_id in (None, home):
        local.backend.register_commands(guild_id, [{"name": "other", "description": "x", "type": 1}])
    async with started_bot(local, tmp_path, ADMIN_GUILD=str(home)) as bot:
        await until(lambda: "sentiment" in names(local) and "model" in names(local, home))
        assert "Discord holds other commands than were registered" in bot.said
        assert "other" not in names(local) | names(local, home)
        await wait_until_ready(local, bot.process)
        assert (await world.ask(TEXT)).response.components


async def test_a_token_that_is_replaced_while_it_runs_is_one_sentence(local, world, tmp_path):
    async with online_bot(local, tmp_path) as bot:
        local.reset_token("fresh-token")
        assert await bot.ended() == EX_CONFIG
    assert bot.said.splitlines()[-1] == WRONG_TOKEN
    assert "Traceback" not in bot.said


@pytest.mark.parametrize("code", [4012, 4013])
async def test_a_version_that_discord_no_longer_serves_is_told_to_be_updated(local, world, tmp_path, code):
    async with online_bot(local, tmp_path) as bot:
        await local.gateway.close_with(code)
        assert await bot.ended() == EX_CONFIG
    assert bot.said.splitlines()[-1] == OUTDATED.format(code=code)


@pytest.mark.parametrize("code", [4010, 4011])
async def test_servers_that_must_be_spread_anew_are_and_the_bot_answers_again(local, world, tmp_path, code):
    async with online_bot(local, tmp_path) as bot:
        local.rest.shards = 2
        await local.gateway.close_with(code)
        await until(lambda: len(local.gateway.connected) == 2)
        assert (await world.ask(TEXT)).response.components
        assert f"(close code {code})" in bot.said
        assert bot.process.returncode is None


async def test_an_intent_that_is_switched_off_while_it_runs_leaves_the_commands(local, world, tmp_path):
    admin = add_admin(world)
    async with online_bot(local, tmp_path) as bot:
        await admin.slash(world.channel, "monitor enable")
        local.gateway._approved = discord.Intents(**{**dict(discord.Intents.all()), "message_content": False})
        local.gateway.invalidate()
        await until(lambda: WITHOUT_CONTENT in bot.said and local.gateway.connected)
        assert (await world.ask(TEXT)).response.components
        assert bot.process.returncode is None


@pytest.mark.parametrize("status", [429, 403])
async def test_an_address_that_is_kept_out_is_left_alone_until_it_may_try_again(local, world, tmp_path, status):
    local.rest.keep_out(retry_after=2.0, status=status)
    async with online_bot(local, tmp_path) as bot:
        assert "Discord is blocking this machine's address for a while" in bot.said
        assert "Tried again in 2 s." in bot.said
        assert "network" not in bot.said
        assert local.requests.count("GET /users/@me") == 2
        assert (await world.ask(TEXT)).response.components


async def test_while_an_address_is_kept_out_a_signal_still_ends_it(local, tmp_path):
    local.rest.keep_out(retry_after=3600.0)
    async with started_bot(local, tmp_path) as bot:
        await until(lambda: "Tried again in 60 min." in bot.said)
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.ended() == EX_OK
    assert local.requests == ["GET /users/@me"]


async def test_a_discord_that_fails_at_the_start_is_waited_for(local, world, tmp_path):
    local.http_error("GET", "/users/@me", status=503)
    async with online_bot(local, tmp_path) as bot:
        assert "Discord has problems (503)" in bot.said
        assert (await world.ask(TEXT)).response.components


async def test_no_session_is_begun_before_discord_allows_one(local, world, tmp_path):
    local.rest.sessions.left = 0
    local.rest.sessions.reset_in(3.0)
    async with started_bot(local, tmp_path) as bot:
        await until(lambda: "won't let this bot connect until" in bot.said)
        assert Op.IDENTIFY not in local.gateway.log
        local.rest.sessions.left = 1
        await wait_until_ready(local, bot.process)
        assert (await world.ask(TEXT)).response.components


async def test_an_ended_session_is_not_replaced_before_discord_allows_one(local, world, tmp_path):
    async with online_bot(local, tmp_path) as bot:
        before = local.gateway.log.count(Op.IDENTIFY)
        local.rest.sessions.left = 0
        local.rest.sessions.reset_in(3.0)
        local.gateway.invalidate()
        await until(lambda: "won't let this bot connect until" in bot.said)
        assert local.gateway.log.count(Op.IDENTIFY) == before
        local.rest.sessions.left = 1
        await until(lambda: local.gateway.connected)
        assert (await world.ask(TEXT)).response.components


async def test_an_event_that_cannot_be_read_is_left_out_and_the_next_ones_are_not(local, world, tmp_path):
    admin = add_admin(world)
    async with online_bot(local, tmp_path) as bot:
        await admin.slash(world.channel, "monitor enable")
        here = {"guild_id": str(world.alice.guild.id)}
        partial = {
            **here,
            "id": "99999999999999999",
            "channel_id": str(world.channel.id),
            "embeds": [],
            "content": TEXT,
        }
        channel = {**here, "id": "99999999999999998", "name": "x", "position": 1, "permission_overwrites": []}
        for event, payload in [
            ("MESSAGE_UPDATE", partial),
            ("MESSAGE_CREATE", partial),
            ("CHANNEL_CREATE", {**channel, "type": 77}),
            ("THREAD_CREATE", {**channel, "type": 77}),
            ("SOME_NEW_EVENT", here),
            ("INTERACTION_CREATE", {**here, "id": "1", "type": 2, "channel": {}, "member": {"permissions": "0"}}),
        ]:
            local.backend.emit(event, payload)
        assert (await world.ask(TEXT)).response.components
        await world.maya.send(world.channel, TEXT)
        assert local.gateway.log.count(Op.IDENTIFY) == 1
        assert bot.process.returncode is None
    assert "an event MESSAGE_UPDATE cannot be read (KeyError)" in bot.said
    assert TEXT not in bot.said
    assert "Traceback" not in bot.said


NO_HANDLERS = """
import asyncio.unix_events, os, pathlib, signal
def refuse(*_args, **_options):
    raise NotImplementedError
asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler = refuse
for name in ("SIGHUP", "SIGUSR1", "SIGUSR2"):
    delattr(signal, name)
for name in ("sched_getaffinity", "sysconf"):
    delattr(os, name)
read_text = pathlib.Path.read_text
def read(path, *args, **options):
    if path.parts[:2] == ("/", "proc"):
        raise FileNotFoundError(2, "No such file", str(path))
    return read_text(path, *args, **options)
pathlib.Path.read_text = read
"""


async def test_ctrl_c_ends_it_orderly_where_an_event_loop_knows_no_signals(local, world, tmp_path):
    """As on Windows: what that lacks is taken away before the bot begins."""
    admin = add_admin(world)
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(NO_HANDLERS, "utf-8")
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    async with online_bot(local, tmp_path, PYTHONPATH=path) as bot:
        await admin.slash(world.channel, "monitor enable")
        await world.maya.send(world.channel, TEXT)
        bot.process.send_signal(signal.SIGINT)
        code = await bot.ended()
    assert (code, bot.said) == (EX_OK, "")


async def test_a_client_that_is_replaced_while_the_store_does_not_answer_waits_for_it(local, world, tmp_path):
    def renamed(old, new):
        with closing(sqlite3.connect(tmp_path / "data" / FILE, timeout=20)) as database, database:
            database.execute(f"ALTER TABLE {old} RENAME TO {new}")

    async with online_bot(local, tmp_path) as bot:
        renamed("notices", "away")
        await local.gateway.close_with(4010)
        await until(lambda: bot.said.count("Tried again in") >= 2)
        renamed("away", "notices")
        await until(lambda: local.gateway.connected)
        await world.ask(TEXT)
        assert bot.process.returncode is None
