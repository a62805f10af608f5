"""What is told of jobs, by labels that Prometheus leaves alone, and how much there is of all."""

from collections import Counter
from itertools import product
from types import SimpleNamespace
from typing import Any

import discord
from discord import app_commands
from prometheus_client.parser import text_string_to_metric_families

from bot.app.metrics import ProcessMetrics, metrics_text
from bot.app.running import Running
from bot.app.vital_signs import VitalSigns
from bot.background_jobs import BackgroundJobs, Job, PutOff
from bot.domain.model_release import ReleaseState
from bot.domain.shards import ALL, Shards
from bot.presentation.language_words import NAMES
from tests.bot.parts import monitoring_of

SHARDS, MOST_SERIES = 200, 2000


async def test_a_job_that_stood_back_is_told_by_its_task_and_has_not_succeeded():
    async def stand_back(_now):
        raise PutOff

    jobs = BackgroundJobs((Job("purging", stand_back),), clock=lambda: 12.0)
    await jobs.tick()
    client: Any = SimpleNamespace(
        jobs=jobs, shards={}, guilds=[], features=[], is_ready=lambda: False, shard_count=1, own_shards=ALL
    )
    running = Running(client=client)
    families = text_string_to_metric_families(metrics_text(running, VitalSigns(running)).decode())
    told = {sample.name: sample for family in families for sample in family.samples if "_job_" in sample.name}
    assert all(sample.labels == {"task": "purging"} for sample in told.values())
    assert told["vibecheck_job_put_off_total"].value == 1
    assert told["vibecheck_job_failures_total"].value == 0
    assert told["vibecheck_job_last_success_timestamp_seconds"].value == 12, "since it was begun"


def test_how_far_the_last_release_of_a_model_is_has_one_state():
    released: Any = SimpleNamespace(latest=SimpleNamespace(state=ReleaseState.CANARY))
    storage: Any = SimpleNamespace(leases=None, leads=True)
    for follower, wanted in (
        (None, {}),
        (released, {state.value: state is ReleaseState.CANARY for state in ReleaseState}),
    ):
        found = list(ProcessMetrics(Running(storage=storage, follower=follower), VitalSigns(Running()))._cluster())
        (family,) = [one for one in found if one.name == "vibecheck_model_release_state"]
        assert {sample.labels["state"]: bool(sample.value) for sample in family.samples} == wanted


async def test_a_process_with_200_shards_and_everything_that_can_happen_exports_2000_series_at_most(home):
    bot = home.bot
    names = [one for one in bot.tree.walk_commands() if isinstance(one, app_commands.Command)] + list(
        bot.tree.get_commands(type=discord.AppCommandType.message)
    )
    assert len(names) > 30
    running: Any = Running(classifier=bot.services.classifier)
    traffic = running.traffic
    for number in range(SHARDS):
        await traffic._connected(number)
        await traffic._resumed(number)
    for number in range(300):
        await traffic._event(f"EVENT_{number}")
        traffic._count("GET", f"/made/up{number}", 200 + number % 40)
    for number, (command, result) in enumerate(product(names, ("ok", "failed", "refused"))):
        traffic._open[number] = 0.0
        traffic._done(SimpleNamespace(id=number), command, result)
    for guild, name in enumerate((*NAMES.values(), "a made-up one", "")):
        for number in range(20):
            monitoring_of(bot).ingest.unread_languages.note(guild, name, b"someone %d" % (number % 10))
    traffic.identifies_remaining = 1000
    storage = bot.services.storage
    shards = Shards(SHARDS)
    leases: Any = SimpleNamespace(shards=shards, held=set(range(SHARDS)), unheld=0, waits_for="")
    running.storage = SimpleNamespace(write_buffer=storage.write_buffer, leases=leases, leads=True)
    running.client = SimpleNamespace(
        jobs=bot.jobs,
        features=bot.features,
        guilds=[],
        shards={number: SimpleNamespace(latency=0.1) for number in range(SHARDS)},
        is_ready=lambda: True,
        shard_count=SHARDS,
        own_shards=shards,
    )
    await bot.jobs.tick()
    families = list(text_string_to_metric_families(metrics_text(running, VitalSigns(running)).decode()))
    samples = [sample for family in families for sample in family.samples]
    series = {(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples}
    counts = Counter(name.removesuffix("_bucket") for name, _ in series)
    assert counts["vibecheck_shard_sessions_total"] == 2 * SHARDS
    assert counts["vibecheck_lease_held"] == counts["vibecheck_shard_latency_seconds"] == SHARDS
    assert len(series) <= MOST_SERIES, counts.most_common(8)
    languages = {sample.labels["language"] for sample in samples if sample.name == "vibecheck_unreadable_total"}
    assert languages == {*NAMES.values(), "other"}
    told = {sample.labels["command"] for sample in samples if "command" in sample.labels}
    assert "other" in told
    assert len(told) > 10
