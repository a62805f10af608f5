"""Whoever looks after the process is told over HTTP whether it lives, works and answers, and nothing about anybody."""

import asyncio
import re
import signal
import socket
import time
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from bot.app.connecting import EX_CONFIG
from bot.cli.main import main
from bot.demo import launch
from bot.demo.local_discord import LocalDiscord
from model.checkpoints.checkpoint import open_checkpoint
from tests.discord.test_process import TEXT
from tests.discord.wire import build_world, online_bot, started_bot, until
from tests.soak.store import opened_store

RED_SECONDS = 15.0

EXPECTED = frozenset(
    """
    build_info works ready event_loop_lag_seconds gc_pause_seconds inference_queue_texts inference_queue_tokens
    inference_texts inference_cached inference_failed inference_expired inference_shed inference_padding_ratio
    inference_seconds inference_last_pass_timestamp_seconds inference_replaced inference_up model_fallback
    store_flush_seconds store_last_flush_timestamp_seconds store_pending_messages store_dropped store_failures
    store_written_messages store_up purge_oldest_row_age_seconds shard_up shard_latency_seconds guilds
    shard_sessions identifies_remaining gateway_events discord_requests discord_invalid_requests
    interactions_seconds messages unreadable job_last_success_timestamp_seconds job_seconds job_failures
    job_put_off leads lease_held shards_unheld inference_backend_up inference_fallback_texts
    """.split()  # noqa: SIM905
)


@pytest.fixture
async def local():
    async with LocalDiscord(heartbeat_interval=0.5) as local:
        yield local


@pytest.fixture
async def world(local):
    return build_world(local)


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
async def ask(port):
    """Asks for a path: the status, and what is said, 0 where nobody answers."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:

        async def ask(path):
            try:
                async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                    return answer.status, await answer.text()
            except (aiohttp.ClientError, TimeoutError):
                return 0, ""

        yield ask


async def becomes(ask, path, status, seconds=RED_SECONDS):
    """How long it takes until it answers so."""
    begun = time.monotonic()
    async with asyncio.timeout(seconds):
        while (await ask(path))[0] != status:
            await asyncio.sleep(0.1)
    return time.monotonic() - begun


def samples(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_it_lives_before_it_works_and_works_before_it_is_ready(local, world, tmp_path, port, ask):
    local.gateway.shards_held.add(0)
    async with started_bot(local, tmp_path, METRICS_PORT=str(port)):
        await becomes(ask, "/livez", 200, 60)
        status, said = await ask("/readyz")
        assert status == 503
        assert '"discord": {"ok": false, "said": "it isn\'t connected yet"}' in said
        await becomes(ask, "/healthz", 200, 60)
        assert (await ask("/readyz"))[0] == 503
        local.gateway.shards_held.clear()
        await becomes(ask, "/readyz", 200, 60)
        assert (await ask("/elsewhere"))[0] == 404


async def test_numbers_go_up_and_nobody_is_in_them(local, world, tmp_path, port, ask):
    async with online_bot(local, tmp_path, METRICS_PORT=str(port)):
        await becomes(ask, "/readyz", 200, 30)
        before = samples((await ask("/metrics"))[1])
        assert (await world.ask(TEXT)).response.components
        await asyncio.sleep(0.5)
        status, said = await ask("/metrics")
    assert status == 200
    after = samples(said)
    families = {family.name for family in text_string_to_metric_families(said)}
    assert {f"vibecheck_{name}" for name in EXPECTED} <= families
    assert {"process_resident_memory_bytes", "python_gc_collections"} <= families
    grown = ("vibecheck_inference_texts_total", ())
    assert after[grown] == before[grown] + 1
    counted = ("vibecheck_interactions_seconds_count", (("command", "sentiment"), ("result", "ok")))
    assert after[counted] == 1
    assert after["vibecheck_shard_up", (("shard", "0"),)] == 1
    assert after["vibecheck_guilds", (("shard", "0"),)] == 1
    assert after["vibecheck_gateway_events_total", (("type", "READY"),)] == 1
    assert len(after) < 600
    labels = " ".join(value for _, pairs in after for _, value in pairs)
    assert not re.search(r"\d{15}", labels), "an id"
    assert not any(word in said for word in (TEXT, "alice", "Home", "general"))
    types = {family.name: family.type for family in text_string_to_metric_families(said)}
    for name, kind in types.items():
        assert (kind == "counter") == any(sample == f"{name}_total" for sample, _ in after), name


async def test_without_a_connection_it_works_and_is_not_ready(local, world, tmp_path, port, ask):
    async with online_bot(local, tmp_path, METRICS_PORT=str(port)):
        await becomes(ask, "/readyz", 200, 30)
        local.gateway.shards_held.add(0)
        local.gateway.forget_sessions()
        await becomes(ask, "/readyz", 503)
        for _ in range(30):  # also while the library tries again, and again has a connection without a session
            assert (await ask("/readyz"))[0] == 503
            await asyncio.sleep(0.1)
        assert (await ask("/healthz"))[0] == 200
        local.gateway.shards_held.clear()
        await becomes(ask, "/readyz", 200, 60)


async def test_a_store_that_stands_still_is_red_within_the_promise_and_green_again(local, world, tmp_path, port, ask):
    async with opened_store(tmp_path / "data") as store:
        if store.url is None:
            pytest.skip("PostgreSQL is not installed")
        settings = {"METRICS_PORT": str(port), "DATABASE_URL": store.url}
        async with online_bot(local, tmp_path, **settings):
            await becomes(ask, "/healthz", 200, 30)
            async with store.standing_still():
                await becomes(ask, "/healthz", 503, RED_SECONDS)
                status, said = await ask("/readyz")
                assert status == 503
                assert "it hasn't answered" in said
                assert (await ask("/livez"))[0] == 200
                assert samples((await ask("/metrics"))[1])["vibecheck_store_up", ()] == 0
            await becomes(ask, "/healthz", 200, 30)


@pytest.fixture
def hanging(monkeypatch):
    """What is started as the bot hangs when told."""
    command = launch.python_command
    monkeypatch.setattr(launch, "python_command", lambda _module: command("tests.discord.hanging_bot"))


async def test_a_model_that_hangs_is_red_within_the_promise_and_green_again(
    local, world, tmp_path, port, ask, hanging, heard
):
    address, listen = heard
    settings = {"METRICS_PORT": str(port), "BACKEND": "onnxruntime"}
    settings |= {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "1500000"}
    async with online_bot(local, tmp_path, **settings) as bot:
        await becomes(ask, "/healthz", 200, 60)
        bot.process.send_signal(signal.SIGUSR2)
        await becomes(ask, "/healthz", 503, RED_SECONDS)
        status, said = await ask("/healthz")
        assert status == 503
        assert '"model": {"ok": false' in said
        assert '"store": {"ok": true' in said
        assert (await ask("/livez"))[0] == 200
        assert samples((await ask("/metrics"))[1])["vibecheck_works", ()] == 0
        count = listen().count("WATCHDOG=1")
        await asyncio.sleep(2)
        assert listen().count("WATCHDOG=1") == count, "the service manager may restart it"
        bot.process.send_signal(signal.SIGUSR2)
        await becomes(ask, "/healthz", 200, 60)
        await until(lambda: listen().count("WATCHDOG=1") > count)


async def test_a_loop_that_is_held_is_red_for_whoever_asks(local, world, tmp_path, port, ask, hanging, monkeypatch):
    monkeypatch.setenv("METRICS_PORT", str(port))
    async with online_bot(local, tmp_path, METRICS_PORT=str(port)) as bot:
        await becomes(ask, "/livez", 200, 60)
        bot.process.send_signal(signal.SIGUSR1)
        await becomes(ask, "/livez", 0, RED_SECONDS)
        answer = await asyncio.to_thread(CliRunner().invoke, main, ["health"])
        assert answer.exit_code == 1
        assert answer.output.startswith("Nothing answers at ")
        await becomes(ask, "/livez", 200, 60)


async def test_a_port_that_somebody_has_is_one_sentence_and_78(local, world, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with started_bot(local, tmp_path, METRICS_PORT=str(port)) as bot:
            assert await bot.ended() == EX_CONFIG
    assert bot.said.splitlines()[-1].startswith(f"Health checks and metrics can't be served at 127.0.0.1:{port} (")


async def test_without_a_port_nothing_listens(local, world, tmp_path, port, ask):
    async with online_bot(local, tmp_path):
        assert await ask("/livez") == (0, "")


def test_the_page_of_metrics_names_what_is_exported_and_nothing_else():
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    named = {name.removesuffix("_total") for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == EXPECTED | {"model_release_state"}  # which is of several processes


async def test_the_command_asks_the_bot_that_runs(local, world, tmp_path, port, ask, monkeypatch):
    monkeypatch.setenv("METRICS_PORT", str(port))
    async with online_bot(local, tmp_path, METRICS_PORT=str(port)):
        await becomes(ask, "/readyz", 200, 30)
        for arguments in ([], ["--ready"]):
            answer = await asyncio.to_thread(CliRunner().invoke, main, ["health", *arguments])
            assert answer.exit_code == 0, answer.output
            assert answer.output.startswith(f"model: {open_checkpoint('bundled').version} answers")
        assert "discord: 1 of 1 shards are connected" in answer.output
