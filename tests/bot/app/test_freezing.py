"""What has arrived is not looked through for garbage, unless somebody's words are among it."""

import asyncio
import gc
import weakref

import pytest

from bot.app import freezing
from bot.app.freezing import Freezing, freeze_unless_words
from bot.domain.recent_texts import RecentText


@pytest.fixture(autouse=True)
def thawed(monkeypatch):
    monkeypatch.setattr(freezing, "TRY_SECONDS", 0.01)
    monkeypatch.setattr(freezing, "LATER_SECONDS", 0.01)
    yield
    gc.unfreeze()


def is_looked_through(one):
    return any(other is one for other in gc.get_objects())


async def done(servers):
    assert servers._task is not None
    await servers._task


async def until_frozen(servers, guild):
    await done(servers)
    assert not is_looked_through(guild)


async def test_servers_that_have_arrived_are_not_looked_through_any_more(home, bot):
    guild = bot.get_guild(home.guild.id)
    assert is_looked_through(guild)
    servers = Freezing()
    servers.arrived()
    await until_frozen(servers, guild)
    servers.stop()
    assert is_looked_through(guild)


async def test_while_a_message_is_alive_nothing_is_frozen(home, bot):
    said = []

    async def on_message(message):
        said.append(message)

    bot.add_listener(on_message)
    await home.alice.send(home.general, "my own words")
    await home.env.settle()
    assert said
    assert not freeze_unless_words()
    assert is_looked_through(bot.get_guild(home.guild.id))
    said.clear()
    servers = Freezing()
    servers.arrived()
    await until_frozen(servers, bot.get_guild(home.guild.id))


def test_nor_while_somebody_may_ask_why():
    text = RecentText("my own words")
    assert not freeze_unless_words()
    del text
    assert freeze_unless_words()


def test_what_else_is_alive_is_not_asked_what_it_is():
    class Lazy:
        """As `torch.distributed.reduce_op`, which warns whoever asks."""

        def __getattribute__(self, name):
            raise RuntimeError(f"somebody asked for {name}")

    lazy = Lazy()
    assert freeze_unless_words()
    del lazy


@pytest.mark.parametrize("name", ["discord.py: on_message", "CommandTree-invoker", "discord-ui-view-dispatch-1"])
async def test_while_an_event_is_dealt_with_nobody_looks(monkeypatch, name):
    tried = []

    def freeze():
        tried.append(1)
        return True

    monkeypatch.setattr(freezing, "freeze_unless_words", freeze)
    event = asyncio.get_running_loop().create_task(asyncio.Event().wait(), name=name)
    servers = Freezing()
    servers.arrived()
    await asyncio.sleep(0.1)
    assert not tried
    event.cancel()
    await done(servers)
    assert tried == [1]


async def test_what_a_session_before_had_goes_when_the_servers_arrive_again():
    class Server:
        """It refers to itself, as a server does to its channels and they to it."""

        def __init__(self):
            self.channels = [self]

    servers, old = Freezing(), Server()
    gone = weakref.ref(old)
    servers.arrived()
    await done(servers)
    del old
    gc.collect()
    assert gone() is not None
    servers.arrived()
    await done(servers)
    assert gone() is None
    servers.stop()
