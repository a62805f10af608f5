"""What the bot's owner reads of people's feedback; nothing else reads it."""

import subprocess
import sys
from pathlib import Path

import discord
import pytest
import simcord
from sqlalchemy import text as sql

from bot.commands.model import feedback_words
from bot.domain.records import Answer, Feedback
from bot.settings import Settings
from bot.storage.errors import DatabaseUnavailable
from model import SENTIMENTS

ROOT = Path(__file__).parents[3]
HOME = 4242424242


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data_dir=tmp_path / "data", admin_guild=HOME)


@pytest.fixture
async def env(bot):
    """As everywhere, but the server is there before the bot comes."""
    env = simcord.Env(bot, shard_count=1)
    env.home = env.create_guild("Home", id=HOME)  # type: ignore[attr-defined]
    await env.start()
    yield env
    await env.shutdown()
    env._raise_errors_since(env._errors_acknowledged)


@pytest.fixture
async def status(env, bot):
    """The owner uses /model status; the field about feedback."""
    guild = env.home
    role = guild.create_role("admins", permissions=discord.Permissions(administrator=True))
    owner = guild.add_member(env.create_user("olga"), roles=[role])
    bot.owner_id = owner.id
    channel = guild.create_text_channel("general")

    async def status(name="Feedback"):
        answer = await owner.slash(channel, "model status")
        assert answer.response.ephemeral
        return {field.name: field.value for field in answer.response.embeds[0].fields}[name]

    return status


async def say(storage, version, answered, label, times=1):
    for _ in range(times):
        await storage.feedback.add(Answer(SENTIMENTS[answered], 0, version), SENTIMENTS[label])


async def test_the_status_counts_what_was_said_of_the_version_that_answers(status, storage, classifier):
    assert await status() == "no ratings yet for this version"
    version = classifier.info.version
    await say(storage, version, 2, 2, times=3)
    await say(storage, version, 2, 1, times=2)
    await say(storage, version, 0, 2)
    await say(storage, "another", 0, 2, times=50)
    lines = "3 right, 3 wrong", "positive, should be neutral: 2", "negative, should be positive: 1"
    assert await status() == "\n".join(lines)


async def test_the_status_comes_without_the_database_too(status, storage):
    async with storage.database.write() as connection:
        await connection.execute(sql("ALTER TABLE feedback RENAME TO elsewhere"))
    assert await status() == "can't be read, my database isn't responding"


async def test_the_status_says_what_the_database_does_not_take_and_has_lost(status, storage):
    assert await status("Database") == "Healthy."
    storage.write_buffer.backlog.failed(DatabaseUnavailable("The disk is full."), 0)
    storage.write_buffer.counts.dropped = 1200
    lines = (
        "The disk is full. 0 messages are waiting.",
        "Since the start, 1,200 messages were dropped because too many were waiting.",
    )
    assert await status("Database") == "\n".join(lines)


def test_only_the_commonest_ways_of_being_wrong_are_named():
    said = [Feedback("m", answered, label, 10 + label) for answered in range(3) for label in range(3)]
    assert len(feedback_words(said, ("m",)).splitlines()) == 4


def test_nothing_that_trains_reads_feedback_or_knows_the_store():
    """Discord does not let anybody train on what people do there, and people were told so."""
    probe = """
import importlib, pkgutil, sys, training
for module in pkgutil.walk_packages(training.__path__, "training."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print([name for name in sys.modules if name.split(".")[0] in {"bot", "sqlalchemy"}])
"""
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    sources = [file.read_text("utf-8") for file in (ROOT / "training").rglob("*") if file.suffix in {".py", ".ipynb"}]
    assert len(sources) > 20
    assert not [one for one in sources if "feedback" in one.lower() or "mood.db" in one or "sqlite" in one.lower()]
