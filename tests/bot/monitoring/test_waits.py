"""Between a message and its verdict anything may happen: its author opts out, an admin stops it, the bot ends."""

import asyncio

import pytest

from bot.app import runtime as process
from bot.app.running import Running
from bot.app.shutdown import ShutdownBudget
from bot.domain.records import GuildSettings, TargetKind
from bot.monitoring.rule_cache import RuleCache
from bot.storage.errors import DatabaseUnavailable
from model import ClassifierClosed
from tests.bot.parts import monitoring_of

GOOD, BAD = "what a wonderful day", "this is terrible, I hate it"


@pytest.fixture
async def tagged(home, backend):
    """General is watched and tagged."""
    monitoring_of(home.bot).reactions._pause = lambda _seconds: asyncio.sleep(0)
    await home.watch(tagging=True)
    backend.entered.clear()
    return home


async def held(home, backend, announce):
    """Does something that has the model read, and returns when the model is at it."""
    backend.hold()
    announce()
    async with asyncio.timeout(20):
        while not backend.entered.is_set():
            await asyncio.sleep(0)


async def written(home, backend):
    """A message of Alice's that the model is reading."""
    sent = []
    await held(
        home,
        backend,
        lambda: sent.append(home.env.backend.create_message(home.general.id, home.alice.id, GOOD)),
    )
    return sent[0]


async def read_on(home, backend):
    backend.go_on.set()
    await home.env.settle()


def reactions(home):
    return [reaction for message in home.general.history() for reaction in message.reactions]


async def test_whoever_opts_out_while_the_model_reads_is_neither_kept_nor_tagged(tagged, backend):
    await written(tagged, backend)
    await tagged.storage.opt_outs.add(tagged.alice.id)
    await read_on(tagged, backend)
    assert await tagged.messages() == []
    assert reactions(tagged) == []
    assert monitoring_of(tagged.bot).ingest.counts[tagged.guild.id].read == 0


async def test_what_still_waits_when_an_admin_stops_watching_is_neither_kept_nor_tagged(tagged, backend):
    await written(tagged, backend)
    await monitoring_of(tagged.bot).rules.remove_rule(tagged.guild.id, (TargetKind.CHANNEL, tagged.general.id))
    await read_on(tagged, backend)
    assert await tagged.messages() == []
    assert reactions(tagged) == []


async def test_an_edit_that_still_waits_when_an_admin_stops_watching_takes_the_message_out(tagged, backend):
    message = await tagged.alice.send(tagged.general, GOOD)
    assert await tagged.hours() == [(0, 0, 1)]
    backend.entered.clear()
    await held(
        tagged,
        backend,
        lambda: tagged.env.backend.edit_message(tagged.general.id, message.id, {"content": BAD}),
    )
    await monitoring_of(tagged.bot).rules.remove_rule(tagged.guild.id, (TargetKind.CHANNEL, tagged.general.id))
    await read_on(tagged, backend)
    assert await tagged.hours() == []


async def test_a_message_that_is_deleted_while_the_model_reads_is_not_tagged(tagged, backend):
    message = await written(tagged, backend)
    tagged.storage.write_buffer.deleted((message.id,))
    await read_on(tagged, backend)
    assert await tagged.messages() == []
    assert reactions(tagged) == []


async def test_without_the_servers_settings_a_message_is_counted_and_not_tagged(tagged, monkeypatch):
    async def fail(_guild_id):
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(monitoring_of(tagged.bot).rules, "settings", fail)
        message = await tagged.alice.send(tagged.general, GOOD)
    assert await tagged.messages() == [message.id]
    assert reactions(tagged) == []


async def test_settings_chosen_while_the_former_ones_are_read_stay(storage):
    class Slow:
        """A store that answers when it is told to."""

        def __init__(self):
            self.answer = asyncio.get_running_loop().create_future()

        async def settings(self, _guild_id):
            return await self.answer

        async def set_settings(self, settings):
            """Takes them."""

    store = Slow()
    rules = RuleCache(store, None)  # type: ignore[arg-type]
    asking = asyncio.ensure_future(rules.settings(7))
    await asyncio.sleep(0)
    await rules.set_settings(GuildSettings(7, "Europe/Berlin"))
    store.answer.set_result(GuildSettings(7))
    await asking
    assert (await rules.settings(7)).timezone == "Europe/Berlin"


async def ended(home, model, monkeypatch, seconds=20):
    """What a process does that is told to stop, but for the connection: the simulated Discord ends that."""

    async def stay():
        """Nothing."""

    monkeypatch.setattr(home.bot, "close", stay)
    await process.end(Running(classifier=model, client=home.bot), ShutdownBudget(seconds))


async def test_a_bot_that_stops_reads_what_waits_before_its_model_goes(tagged, backend, monkeypatch):
    class Model:
        """Notes what waits to be written at the moment when it is closed."""

        async def close(self):
            self.kept = len(tagged.storage.write_buffer)

    await written(tagged, backend)
    closing = asyncio.ensure_future(ended(tagged, model := Model(), monkeypatch))
    for _ in range(20):
        await asyncio.sleep(0)
    await read_on(tagged, backend)
    await closing
    assert model.kept == 1


async def test_what_the_model_does_not_read_before_the_end_is_counted_and_logged(tagged, backend, monkeypatch, caplog):
    class Model:
        async def close(self):
            """Nothing: the shared model goes on."""

    await written(tagged, backend)
    await ended(tagged, Model(), monkeypatch, seconds=1.0)
    await read_on(tagged, backend)
    assert "1 messages could not be read before the end" in caplog.text


async def test_a_message_that_a_closed_model_refuses_counts_as_not_read(tagged, monkeypatch):
    async def closed(*_, **__):
        raise ClassifierClosed

    with monkeypatch.context() as broken:
        broken.setattr(type(tagged.bot.services.classifier), "classify", closed)
        await tagged.alice.send(tagged.general, GOOD)
    assert monitoring_of(tagged.bot).ingest.counts[tagged.guild.id].shed == 1
