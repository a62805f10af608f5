"""The whole bot with INFERENCE_URL: people are answered as ever, whatever becomes of the server."""

import asyncio
import signal

import aiohttp
import pytest

from bot.app.connecting import EX_OK
from bot.demo.local_discord import LocalDiscord
from tests.cards import card
from tests.discord.canary import CANARY, PATHS, traces_in_files
from tests.discord.test_health import becomes, samples
from tests.discord.test_health import port as port  # noqa: PLC0414 - a fixture
from tests.discord.wire import answered, build_world, online_bot, until
from tests.score_process import TOKEN, score_process

TEXTS = ["what a lovely quiet evening", "the bus was late again and i am furious", "anyone got the map link?"]
MOODS = ["Positive", "Negative", "Neutral"]


@pytest.fixture
async def local():
    async with LocalDiscord(heartbeat_interval=0.5) as local:
        yield local


@pytest.fixture
async def world(local):
    return build_world(local)


@pytest.fixture
async def ask(port):
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:

        async def ask(path):
            try:
                async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                    return answer.status, await answer.text()
            except (aiohttp.ClientError, TimeoutError):
                return 0, ""

        yield ask


async def cards(world):
    """What people are told of the texts, all asked at the same time."""
    answers = world.ask_at_once(TEXTS)
    await until(lambda: all(map(answered, answers)))
    return [card(answer.response) for answer in answers]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
async def test_people_are_answered_alike_by_a_server_and_without_it(local, world, tmp_path, port, ask, number):
    async with score_process(tmp_path / "server", INFERENCE_TOKEN=TOKEN) as server:
        settings = {"INFERENCE_URL": server.url, "INFERENCE_TOKEN": TOKEN, "METRICS_PORT": str(port)}
        async with online_bot(local, tmp_path, **settings) as bot:
            await becomes(ask, "/readyz", 200, 60)
            assert "remote: the server at INFERENCE_URL answers" in (await ask("/readyz"))[1]
            said = await cards(world)
            found = samples((await ask("/metrics"))[1])
            assert found["vibecheck_inference_backend_up", (("backend", "remote"),)] == 1
            assert found["vibecheck_inference_fallback_texts_total", ()] == 0
            server.process.send_signal(number)
            assert await cards(world) == said
            async with asyncio.timeout(60):
                while "fallback: the model here answers" not in (await ask("/readyz"))[1]:
                    await asyncio.sleep(0.2)
            assert await cards(world) == said
            about = await world.alice.slash(world.channel, "about")
            assert "the bundled model is running instead" in str(about.response.embeds[0].to_dict())
            assert (await ask("/readyz"))[0] == 200
            found = samples((await ask("/metrics"))[1])
            assert found["vibecheck_inference_backend_up", (("backend", "remote"),)] == 0
            assert found["vibecheck_inference_backend_up", (("backend", "local"),)] == 1
            assert found["vibecheck_inference_fallback_texts_total", ()] >= len(TEXTS)
            assert found["vibecheck_model_fallback", ()] == 1
        assert bot.process.returncode == EX_OK
        if number is signal.SIGSTOP:
            server.process.send_signal(signal.SIGCONT)
    assert "texts are not scored at 127.0.0.1" in bot.said
    assert all(f" {mood}" in one for mood, one in zip(MOODS, said, strict=True))


async def test_a_server_that_wants_another_token_is_named_in_the_log(local, world, tmp_path):
    async with score_process(tmp_path / "server", INFERENCE_TOKEN=TOKEN) as server:
        settings = {"INFERENCE_URL": server.url, "INFERENCE_TOKEN": f"{TOKEN}-no-more"}
        async with online_bot(local, tmp_path, **settings) as bot:
            assert await cards(world)
    assert "it refuses INFERENCE_TOKEN (TokenRefused)" in bot.said
    assert TOKEN not in bot.said


async def test_a_text_that_was_read_elsewhere_is_in_no_file_and_no_line_of_either(local, world, tmp_path):
    async with score_process(tmp_path / "server", LOG_LEVEL="DEBUG") as server:
        async with online_bot(local, tmp_path, LOG_LEVEL="DEBUG", INFERENCE_URL=server.url) as bot:
            for path in PATHS:
                await path(world)
            server.process.kill()
            await PATHS[0](world)
            assert traces_in_files(tmp_path) == []
        assert bot.process.returncode == EX_OK
    assert traces_in_files(tmp_path) == []
    assert CANARY not in bot.said + server.said
