import asyncio
import logging
import shutil
from dataclasses import replace
from functools import partial

import discord
import numpy as np
import pytest
import simcord
from discord import app_commands

from bot.app.assemble import assemble
from bot.commands.model import NOT_YOURS
from bot.commands.model_release import NOT_ALONE
from bot.settings import Settings
from model import Classifier, Priority, load_engine
from model import model_manager as manager_module
from model.backends.attempt import Attempt
from model.checkpoints.checkpoint import BUNDLED_FOLDER

HOME = 4242424242


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data_dir=tmp_path / "data", admin_guild=HOME)


@pytest.fixture
async def classifier():
    """A classifier of its own, for these tests change its model."""
    load = partial(load_engine, device="cpu", threads=2)
    async with await Classifier.start(partial(load, "bundled"), reload=load) as classifier:
        yield classifier


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
async def people(env, bot):
    """The owner of the bot, and an administrator of the server who is not; both in a channel."""
    guild = env.home
    role = guild.create_role("admins", permissions=discord.Permissions(administrator=True))
    owner, admin = (guild.add_member(env.create_user(name), roles=[role]) for name in ("olga", "adam"))
    bot.owner_id = owner.id
    return owner, admin, guild.create_text_channel("general")


@pytest.fixture
def use(people):
    """The owner uses /model and gets what is said, as text."""
    owner, _, channel = people

    async def use(command, **options):
        answer = await owner.slash(channel, f"model {command}", **options)
        assert answer.response.ephemeral
        embeds = [f"{embed.title} {embed.description} {embed.fields}" for embed in answer.response.embeds]
        return "\n".join([answer.response.content, *embeds])

    return use


@pytest.fixture
def other_model(tmp_path):
    """The bundled model in another folder."""
    return str(shutil.copytree(BUNDLED_FOLDER, tmp_path / "other"))


COMMANDS = ("status", "reload", "rollback", "golden", "shadow report", "shadow promote", "shadow stop")


@pytest.mark.parametrize("command", COMMANDS)
async def test_who_is_not_the_owner_is_refused_and_the_attempt_logged(env, people, classifier, caplog, command):
    _, admin, channel = people
    before = classifier.info
    answer = await admin.slash(channel, f"model {command}")
    assert (answer.response.content, answer.response.ephemeral) == (NOT_YOURS, True)
    assert not answer.response.embeds
    assert classifier.info == before
    assert f"adam ({admin.id}) is not the owner and tried /model {command}" in caplog.text
    assert [type(error) for error in env.errors] == [app_commands.CheckFailure]


async def test_a_member_of_the_owning_team_may(people, bot, use):
    _, admin, channel = people
    bot.owner_id, bot.owner_ids = None, {admin.id}
    answer = await admin.slash(channel, "model status")
    assert answer.response.embeds


async def test_what_the_owner_does_is_logged_with_who_and_what(people, use, caplog):
    caplog.set_level(logging.INFO)
    await use("reload", source="bundled")
    assert f"olga ({people[0].id}) uses /model reload source=bundled" in caplog.text


async def test_the_status_says_what_answers_and_how_it_is(use, classifier):
    await classifier.classify("hello there")
    while classifier.stats().served < 1:
        await asyncio.sleep(0)
    said = await use("status")
    assert f"Model {classifier.info.version}" in said
    assert "Healthy." in said
    for part in ("onnxruntime, cpu", "Waiting", "half within", "1 texts", "queue full", "useful", "MB"):
        assert part in said, part


async def test_the_status_says_which_backends_were_tried_and_what_they_gave(use, classifier):
    assert "none: there was only one" in await use("status")
    tried = (Attempt("onnxruntime", 500.0, 1.0, 0.0, 512), Attempt("openvino", refused="it gives another label"))
    worker = classifier._worker
    worker.swap(replace(worker.engine, attempts=tried), partial(load_engine, "bundled"))
    said = await use("status")
    assert "onnxruntime: 500 texts/s on a core in batches of 512 tokens, the same label on 100.0%" in said
    assert "openvino: not taken, it gives another label" in said


async def test_the_status_lists_the_languages_that_the_model_reads(use, classifier):
    assert "name='Reads', value='English'" in await use("status")
    worker = classifier._worker
    several = replace(worker.engine.checkpoint, languages={"es": 1.3, "en": 1.2, "de": 1.1})
    worker.swap(replace(worker.engine, checkpoint=several), partial(load_engine, "bundled"))
    assert "name='Reads', value='English, Spanish and German'" in await use("status")


async def test_the_status_before_anybody_has_asked_claims_nothing(use):
    said = await use("status")
    assert "nothing asked yet" in said
    assert "half within" not in said


async def test_the_status_says_how_the_page_beside_the_bot_is(use, bot, monkeypatch):
    assert "Web page" not in await use("status")
    monkeypatch.setattr(bot.services.settings, "web_port", 7860)
    assert "not running, starting it." in await use("status")
    bot.services.page.address, bot.services.page.ended, bot.services.page.why = "http://127.0.0.1:7860/", 2, "signal 9"
    said = await use("status")
    assert "running at http://127.0.0.1:7860/. It has stopped 2 times, last time: signal 9." in said


async def test_the_status_of_a_closed_model_says_so(use, classifier):
    await classifier.close()
    assert "Not healthy: it's shut down." in await use("status")


async def test_a_reload_and_a_rollback(use, classifier, other_model):
    said = await use("reload", source=other_model)
    assert f"({other_model}) instead of" in said
    assert "plain texts it gets" in said
    assert classifier.info.source == other_model
    assert "(bundled) instead of" in await use("rollback")
    assert classifier.info.source == "bundled"


async def test_a_reload_that_fails_says_why_in_a_sentence_and_changes_nothing(use, classifier, caplog):
    said = await use("reload", source="/no/such/folder")
    assert said.startswith('There\'s no model at "/no/such/folder"')
    assert said.endswith("The current model keeps running.")
    assert classifier.info.source == "bundled"
    assert "that was refused" in caplog.text


async def test_the_progress_of_a_long_reload_is_shown(use, env, monkeypatch):
    monkeypatch.setattr("bot.commands.model._STEP_SECONDS", 0.01)

    async def slow(call):
        await asyncio.sleep(0.2)
        return call()

    monkeypatch.setattr(manager_module, "in_thread", slow)
    await use("reload")
    edits = [entry.json["content"] for entry in env.http_requests if entry.method == "PATCH" and entry.json]
    assert "Still comparing it with the running model…" in edits


async def test_a_rollback_without_anything_to_go_back_to(use):
    assert "no earlier model" in await use("rollback")


async def test_the_golden_examples_come_out_as_they_did(use):
    assert "golden examples give the same result" in await use("golden")


async def test_golden_examples_that_come_out_otherwise_are_shown(use, classifier, monkeypatch):
    backend = classifier._worker.engine.backend
    predict = backend.predict
    monkeypatch.setattr(backend, "predict", lambda batch: np.ascontiguousarray(predict(batch)[:, ::-1]))
    said = await use("golden")
    assert "golden examples give a different result" in said
    assert "now positive" in said


async def test_a_shadow_from_start_to_promotion(use, classifier, other_model):
    assert "runs in the background and answers nobody" in await use("shadow start", source=other_model, share=100)
    assert "hasn't seen a message yet" in await use("shadow report")
    await asyncio.gather(*(classifier.classify(f"what a day {number}", Priority.PASSIVE) for number in range(10)))
    while classifier.shadow_report().texts < 10:
        await asyncio.sleep(0.01)
    said = await use("shadow report")
    assert "10 messages" in said
    assert "on 100.0%" in said
    assert f"({other_model}) instead of" in await use("shadow promote")
    assert "No candidate is running" in await use("shadow stop")


async def test_stopping_a_shadow_shows_its_last_report(use, other_model):
    await use("shadow start", source=other_model)
    assert "hasn't seen a message yet" in await use("shadow stop")


async def test_the_commands_are_in_that_server_only(env, people):
    owner, _, channel = people
    elsewhere = env.create_guild("Elsewhere")
    role = elsewhere.create_role("admins", permissions=discord.Permissions(administrator=True))
    member = elsewhere.add_member(env.create_user("otto"), roles=[role])
    assert "model status" in owner.available_commands(channel)
    assert "model status" not in member.available_commands(elsewhere.create_text_channel("general"))


@pytest.fixture
async def start(tmp_path, classifier, storage):
    """Starts another bot with other settings."""
    started = []

    async def start(**settings):
        bot = assemble(Settings(_env_file=None, data_dir=tmp_path / "other", **settings), classifier, storage)
        env = simcord.Env(bot, shard_count=1)
        started.append(env)
        return bot, env

    yield start
    for env in started:
        await env.shutdown()


async def test_without_a_server_to_be_in_there_is_no_model_command(start):
    bot, env = await start()
    await env.start()
    assert not any("/guilds/" in entry.path for entry in env.http_requests if entry.method == "PUT")
    assert "model" not in {command.name for command in bot.tree.get_commands()}


async def test_a_server_that_refuses_the_commands_is_said_so_and_the_bot_goes_on(start, caplog):
    bot, env = await start(admin_guild=1)
    env.inject_error("PUT", "/applications/*/guilds/*/commands", status=403, code=50001)
    await env.start()
    assert "ADMIN_GUILD: couldn't register /model in server 1" in caplog.text
    assert bot.is_ready()


async def test_a_server_that_is_no_longer_named_loses_the_commands(env, settings, classifier, storage, people):
    owner, _, channel = people
    assert "model status" in owner.available_commands(channel)
    bot = assemble(settings.model_copy(update={"admin_guild": 0}), classifier, storage)
    await env.restart_bot(bot)
    assert "model status" not in owner.available_commands(channel)


async def test_whoever_the_application_belongs_to_is_known_from_the_login(env, bot):
    assert bot.owner_id == env.backend.bot_user.id


async def test_the_owner_is_offered_the_models_that_are_known_and_nobody_else_is(bot, people):
    owner, admin, channel = people
    for command in ("model reload", "model shadow start"):
        found = await owner.autocomplete(channel, command, "source", "bun")
        assert [choice["value"] for choice in found] == ["bundled"]
        assert not await admin.autocomplete(channel, command, "source", "bun")


async def test_where_several_processes_answer_no_candidate_is_promoted_in_one_of_them(use, storage, classifier):
    await use("shadow start", source="bundled")
    object.__setattr__(storage, "releases", object())
    assert NOT_ALONE in await use("shadow promote")
    object.__setattr__(storage, "releases", None)
    assert classifier.shadow_report().source == "bundled"
