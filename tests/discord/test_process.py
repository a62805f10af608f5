"""The process: how it starts, what it says, and how it ends."""

import shutil
import signal
import time
from contextlib import AsyncExitStack
from fnmatch import fnmatch

import discord
import pytest

from bot.app.connecting import EX_CONFIG, EX_OK, WRONG_TOKEN
from bot.commands.model import NOT_YOURS
from bot.demo.gateway import Op
from bot.demo.local_discord import TOKEN, LocalDiscord
from bot.ui.explain_button import FORGOTTEN
from model import ClassifierClosed
from model.checkpoints.checkpoint import BUNDLED_FOLDER
from tests.discord.wire import (
    ANSWER,
    LONG,
    Waiting,
    answered,
    assert_answered_once,
    build_world,
    new_requests,
    online_bot,
    started_bot,
    until,
)

TEXT = "what a lovely quiet evening"
CANARY = "xylophonic marmalade"
ORDERLY_SECONDS = 5.0


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


@pytest.fixture
async def world(local):
    return build_world(local)


async def test_a_login_that_is_limited_and_fails_first_succeeds_in_the_end(local, world, tmp_path):
    local.rate_limit("GET", "/users/@me", retry_after=0.3)
    local.http_error("GET", "/gateway/bot", status=502)
    local.rate_limit("GET", "/gateway/bot", retry_after=0.3)
    async with online_bot(local, tmp_path):
        assert (await world.ask(TEXT)).response.components
    assert local.requests.count("GET /users/@me") == 2
    assert local.requests.count("GET /gateway/bot") == 4  # how many sessions may begin is read before one does


async def test_a_second_start_registers_no_commands_and_has_kept_no_text(local, world, tmp_path):
    registration = f"PUT /applications/{local.backend.application_id}/commands"
    async with online_bot(local, tmp_path) as bot:
        answer = await world.ask(TEXT)
    assert bot.process.returncode == EX_OK
    assert local.requests.count(registration) == 1
    with new_requests(local) as requests:
        async with online_bot(local, tmp_path) as bot:
            assert (await world.ask(TEXT)).response.components
            assert (await world.why(answer)).response.content == FORGOTTEN
    assert "GET /users/@me" in requests
    asked = [request for request in requests if fnmatch(request, "* /applications/*/commands*")]
    assert asked == [f"GET /applications/{local.backend.application_id}/commands"]
    kept = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert kept
    assert not any(TEXT.encode() in written for written in kept)


async def test_a_wrong_token_is_one_sentence_and_exit_code_78(local, tmp_path):
    async with started_bot(local, tmp_path, DISCORD_TOKEN="not-the-token") as bot:
        code = await bot.ended()
    assert (code, bot.said) == (EX_CONFIG, f"{WRONG_TOKEN}\n")
    assert EX_CONFIG == 78
    assert ".env" in WRONG_TOKEN
    assert local.gateway.log == []


async def end(bot, number):
    """Sends the signal; returns the exit code and the seconds it took."""
    started = time.perf_counter()
    bot.process.send_signal(number)
    code = await bot.ended()
    return code, time.perf_counter() - started


@pytest.mark.parametrize(
    ("number", "waiting"), [(signal.SIGINT, Waiting.PRIVATE), *((signal.SIGTERM, waiting) for waiting in Waiting)]
)
async def test_a_signal_ends_it_orderly_while_answers_are_computed(local, world, tmp_path, number, waiting):
    async with online_bot(local, tmp_path) as bot:
        await world.ask_and_wait([LONG] * 100, waiting)
        code, seconds = await end(bot, number)
    assert code == EX_OK
    assert seconds < ORDERLY_SECONDS


@pytest.mark.parametrize("waiting", Waiting)
async def test_whoever_waits_when_it_ends_is_told_so(local, world, tmp_path, waiting):
    async with online_bot(local, tmp_path) as bot:
        with new_requests(local) as requests:
            answers = await world.ask_and_wait([LONG] * 30, waiting)
            await end(bot, signal.SIGTERM)
    assert_answered_once(requests, answers, aside=str(ClassifierClosed()))
    told = [said.content for answer in answers for said in (*answer.followups, answer.response) if said is not None]
    assert str(ClassifierClosed()) in told
    assert bot.said == ""


async def test_a_signal_ends_it_orderly_while_discord_is_away(tmp_path):
    async with AsyncExitStack() as open_discord:
        local = await open_discord.enter_async_context(LocalDiscord())
        async with online_bot(local, tmp_path) as bot:
            await open_discord.aclose()
            await until(lambda: "reconnect" in bot.said)
            code, seconds = await end(bot, signal.SIGTERM)
    assert code == EX_OK
    assert seconds < ORDERLY_SECONDS


async def test_a_signal_ends_it_orderly_while_it_waits_to_identify_anew(local, tmp_path):
    async with online_bot(local, tmp_path) as bot:
        before = set(local.gateway._sockets)
        local.gateway.invalidate()
        await until(lambda: set(local.gateway._sockets) - before)  # connected; the library identifies 5 s later
        code, seconds = await end(bot, signal.SIGTERM)
    assert (code, bot.said) == (EX_OK, "")
    assert seconds < ORDERLY_SECONDS


async def test_it_ends_when_the_process_that_started_it_is_gone(local, tmp_path):
    async with online_bot(local, tmp_path) as bot:
        bot.process.stdin.close()  # what the operating system does for a process that dies
        assert await bot.ended() == EX_OK
        assert bot.said == ""


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
async def test_nothing_that_was_asked_or_is_secret_is_said(local, world, tmp_path, level):
    async with online_bot(local, tmp_path, LOG_LEVEL=level) as bot:
        answer = await world.ask(f"I love {CANARY}")
        assert (await world.why(answer)).response.embeds
        assert (await world.ask(f"I hate {CANARY}", private=True)).response.components
        assert (await world.check(f"{CANARY} is fine")).response.components
        assert (await world.alice.user.slash("sentiment", text=f"{CANARY}?")).response.components
        local.http_error("PATCH", ANSWER, status=400, code=50035)
        failed = await world.ask(f"{CANARY}!", private=True)
        await until(lambda: answered(failed))
        local.gateway.drop_sockets()
        await until(lambda: Op.RESUME in local.gateway.log and local.gateway.connected)
        assert (await world.ask(f"{CANARY} again")).response.components
    assert f" {level} " in bot.said
    for word in (*CANARY.split(), TOKEN):
        assert word not in bot.said


async def test_sighup_loads_the_model_anew_while_it_answers(local, world, tmp_path):
    async with online_bot(local, tmp_path, LOG_LEVEL="INFO") as bot:
        bot.process.send_signal(signal.SIGHUP)
        await until(lambda: "answers instead of" in bot.said)
        assert (await world.ask(TEXT)).response.components


async def test_a_sighup_that_finds_a_broken_model_changes_nothing(local, world, tmp_path):
    folder = shutil.copytree(BUNDLED_FOLDER, tmp_path / "model")
    async with online_bot(local, tmp_path, MODEL=str(folder)) as bot:
        (folder / "golden.json").write_text("[]", "utf-8")
        bot.process.send_signal(signal.SIGHUP)
        await until(lambda: "The model there was still answers." in bot.said)
        assert (await world.ask(TEXT)).response.components


async def test_the_owner_uses_model_and_a_member_is_refused(local, tmp_path):
    guild = local.create_guild("Home")
    role = guild.create_role("admins", permissions=discord.Permissions(administrator=True))
    owner, member = (guild.add_member(local.create_user(name), roles=[role]) for name in ("olga", "adam"))
    channel = guild.create_text_channel("general")
    local.rest.owner = owner.id
    async with online_bot(local, tmp_path, ADMIN_GUILD=str(guild.id)) as bot:
        await until(lambda: "model status" in owner.available_commands(channel))
        status = await owner.slash(channel, "model status")
        assert "Healthy." in status.response.embeds[0].description
        change = await owner.slash(channel, "model reload", source="bundled")
        await until(lambda: not change.response.content.startswith("Still"))  # on a slow machine progress is shown
        assert "instead of" in change.response.content
        refused = await member.slash(channel, "model rollback")
        assert refused.response.content == NOT_YOURS
        assert f"adam ({member.id}) is not the owner and tried /model rollback" in bot.said
