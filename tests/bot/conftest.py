"""The real bot in simcord's Discord, over the real bundled model with switches for what can go wrong."""

import asyncio
import itertools
import json
import shutil
import socket
import sys
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import asyncpg
import discord
import pytest
import simcord
from pydantic import SecretStr
from simcord import interactions
from simcord.enums import AppCommandType, InteractionType

from bot.app.assemble import assemble
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.open_storage import Storage, open_storage
from bot.ui import replies
from model import Classifier, ModelError
from model.backends.base import InTurn
from model.backends.engine import load_engine
from tests.bot.storage.postgres import find_binaries, running_postgres
from tests.own_environment import isolate

PATIENCE = 20

_numbers = itertools.count()


class WatchedBackend(InTurn):
    """The real backend. It counts its batches, and holds or fails the next ones when told to."""

    def __init__(self, backend):
        self.backend = backend
        self.name, self.device = backend.name, backend.device
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.reset()

    def reset(self):
        self.batches = 0
        self.error = None
        self.entered.clear()
        self.go_on.set()

    def hold(self):
        self.go_on.clear()

    def predict(self, batch):
        self.batches += 1
        self.entered.set()
        assert self.go_on.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        return self.backend.predict(batch)


@dataclass
class World:
    """A server with two people in it, and what they do with the bot."""

    env: simcord.Env
    guild: simcord.GuildHandle
    channel: simcord.ChannelHandle
    alice: simcord.MemberActor
    maya: simcord.MemberActor

    async def ask(self, text, **options):
        """Alice uses /sentiment."""
        return await self.alice.slash(self.channel, "sentiment", text=text, **options)

    async def check(self, content="", **sent):
        """Alice uses "Check sentiment" on a message of Maya's."""
        message = await self.maya.send(self.channel, content, **sent)
        return await self.alice.context_menu(self.channel, "Check sentiment", message)

    async def check_in_dm(self, content, *, context=1):
        """Alice uses the menu on what she wrote outside any server: 1 is the bot's DM, 2 a DM with somebody else."""
        user, backend = self.alice.user, self.env.backend
        message = await user.send_dm(content)
        payload = {"id": str(message.id), "channel_id": str(user.dm_channel.id)}
        stored = backend.get_message(user.dm_channel.id, message.id)
        payload |= simcord.backend.serializers.message_payload(backend, stored)  # type: ignore[arg-type]
        data = {
            "id": backend.find_command("Check sentiment", None, type=AppCommandType.MESSAGE)["id"],  # type: ignore[index]
            "name": "Check sentiment",
            "type": AppCommandType.MESSAGE,
            "target_id": str(message.id),
            "resolved": {"messages": {str(message.id): payload}},
        }
        record, sent = interactions.base_payload(
            backend,
            type=InteractionType.APPLICATION_COMMAND,
            channel_id=user.dm_channel.id,
            guild_id=None,
            user_id=user.id,
            data=data,
        )
        sent |= {"context": context, "authorizing_integration_owners": {"1": str(user.id)}}
        backend.emit("INTERACTION_CREATE", sent)
        await self.env.settle()
        return simcord.InteractionResult(self.env, record)

    async def why(self, answer):
        """Alice presses the button under an answer."""
        return await self.alice.click(answer.response, label="Why?")

    def sent_answers(self):
        """What the bot answered so far, whether it took its time to think or not."""
        at_once = [sent["data"] for sent in self.requests("POST", "/callback") if sent["type"] == 4]
        return at_once + self.requests("PATCH", "/messages/@original")

    def requests(self, method, ending):
        """What the bot sent so far to addresses with that ending."""
        return [
            entry.json for entry in self.env.http_requests if entry.method == method and entry.path.endswith(ending)
        ]


@dataclass
class Home:
    """The server, and what its admin and people do."""

    env: simcord.Env
    bot: discord.Client
    storage: Storage
    guild: simcord.GuildHandle
    general: simcord.ChannelHandle
    adam: simcord.MemberActor
    alice: simcord.MemberActor
    maya: simcord.MemberActor

    async def monitor(self, command, *, by=None, at=None, **options):
        """The admin uses /monitor and gets what is said, as text; it is for them alone."""
        answer = await (by or self.adam).slash(at or self.general, f"monitor {command}", **options)
        assert answer.response.ephemeral
        embeds = [
            "\n".join(
                [f"{embed.title}", f"{embed.description}", *(f"{field.name}: {field.value}" for field in embed.fields)]
            )
            for embed in answer.response.embeds
        ]
        return "\n".join([answer.response.content, *embeds])

    async def watch(self, channel=None, **options):
        """The admin has a channel watched."""
        said = await self.monitor("enable", channel=channel or self.general, **options)
        assert "Now watching" in said, said

    async def hours(self, channel=None):
        """What the store holds of a channel, hour by hour, whoever it is of: (negative, neutral, positive)."""
        await self.storage.write_buffer.flush()
        channel_id = (channel or self.general).id
        async with self.storage.database.read() as connection:
            rows = await connection.exec_driver_sql(
                f"SELECT negative, neutral, positive FROM hours WHERE channel_id = {channel_id} ORDER BY hour"
            )
            return [tuple(row) for row in rows]

    async def messages(self):
        """Ids of the messages that the store holds a score of, oldest first."""
        await self.storage.write_buffer.flush()
        async with self.storage.database.read() as connection:
            rows = await connection.exec_driver_sql("SELECT message_id FROM message_scores ORDER BY message_id")
            return list(rows.scalars())

    async def gaps(self):
        """Server, start and end of every gap."""
        async with self.storage.database.read() as connection:
            rows = await connection.exec_driver_sql("SELECT guild_id, started, ended FROM gaps ORDER BY number")
            return [tuple(row) for row in rows]

    async def actions(self):
        """What is written down, in order: action, kind and id of its target."""
        entries = await self.storage.guilds.audit(self.guild.id)
        return [(entry.action, entry.target_kind, entry.target_id) for entry in reversed(entries)]


@pytest.fixture(scope="session")
def loaded_backend():
    engine = load_engine("bundled", "cpu", 2)
    return engine, WatchedBackend(engine.backend)


@pytest.fixture(scope="session")
def shared_classifier(loaded_backend):
    engine, watched = loaded_backend
    classifier = asyncio.run(Classifier.start(lambda: replace(engine, backend=watched)))
    yield classifier
    watched.reset()
    asyncio.run(classifier.close())


@pytest.fixture
def backend(loaded_backend):
    _, watched = loaded_backend
    watched.reset()
    yield watched
    watched.reset()


@pytest.fixture
def classifier(shared_classifier, backend):
    """The bundled model, loaded once for all tests."""
    return shared_classifier


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path):
    isolate(monkeypatch, tmp_path)


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data_dir=tmp_path / "data")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """An empty database of this version's schema: to copy it takes a third of the time of making one."""
    folder = tmp_path_factory.mktemp("migrated")

    async def make():
        await (await Database.open(folder)).close()

    asyncio.run(make())
    return folder / "mood.db"


@pytest.fixture(scope="session")
def postgres():
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (no initdb in /usr/lib/postgresql or on the PATH)")
    with running_postgres(binaries) as address:
        yield address


async def _create(address, name, template):
    connection = await asyncpg.connect(address)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await connection.close()


@pytest.fixture(scope="session")
def migrated_postgres(postgres, tmp_path_factory):
    """The name of an empty database of this version's schema, to copy."""
    name = "migrated"
    asyncio.run(_create(postgres, name, "template1"))

    async def make():
        address = SecretStr(postgres.removesuffix("postgres") + name)
        await (await Database.open(tmp_path_factory.mktemp("postgres"), address)).close()

    asyncio.run(make())
    return name


@pytest.fixture
def new_postgres_url(postgres, request):
    """The address of a new, empty database; for a test that asks for `database` it has this version's tables."""
    template = request.getfixturevalue("migrated_postgres") if "database" in request.fixturenames else "template1"
    name = f"test_{next(_numbers)}"
    asyncio.run(_create(postgres, name, template))
    return SecretStr(postgres.removesuffix("postgres") + name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """DATABASE_URL, once for each kind of database."""
    return request.getfixturevalue("new_postgres_url") if request.param == "postgresql" else None


@pytest.fixture
async def storage(settings, migrated):
    """An SQLite file of the test's own. What the buffer holds is written when a test flushes it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(migrated, settings.data_dir / "mood.db")
    async with open_storage(settings) as opened:
        yield opened


@pytest.fixture
def bot(settings, classifier, storage):
    return assemble(settings, classifier, storage)


@pytest.fixture
def clock_begins():
    """The present of the simulated Discord: today, for the store keeps nothing older than a week."""
    return datetime.now(UTC)


@pytest.fixture
async def env(bot, clock_begins):
    """A running bot.

    What the bot's error handlers saw fails the test, unless the test has looked at `env.errors`.
    """
    env = simcord.Env(bot, shard_count=1)
    env.backend.clock._epoch = clock_begins
    await env.start()
    yield env
    await env.shutdown()
    env._raise_errors_since(env._errors_acknowledged)


@pytest.fixture
async def world(env):
    alice, maya = (env.create_user(name) for name in ("alice", "maya"))
    guild = env.create_guild("Home")
    channel = guild.create_text_channel("general")
    return World(env, guild, channel, guild.add_member(alice), guild.add_member(maya))


@pytest.fixture
def found(bot, world, monkeypatch):
    """Lets the model find a verdict or an error that the test puts in; `late` is when "is thinking…" is public."""

    def find(what, *, late=False):
        async def classify(*_, **__):
            while late and not world.requests("POST", "/callback"):
                await asyncio.sleep(0)
            if isinstance(what, Exception):
                raise what
            return what

        monkeypatch.setattr(replies, "UNDECIDED_SECONDS", 0 if late else 60)
        monkeypatch.setattr(type(bot.services.classifier), "classify", classify)

    return find


@pytest.fixture
async def home(env, bot, storage):
    guild = env.create_guild("Home")
    general = guild.create_text_channel("general")
    admins = guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    adam = guild.add_member(env.create_user("adam"), roles=[admins])
    alice, maya = (guild.add_member(env.create_user(name)) for name in ("alice", "maya"))
    await env.settle()
    return Home(env, bot, storage, guild, general, adam, alice, maya)


@pytest.fixture
def answers(monkeypatch):
    """What the model is to answer to some texts, by text: a verdict or an error. The others it reads as always."""
    chosen, one, many = {}, Classifier.classify, Classifier.classify_many

    async def classify(self, text, *rest, **options):
        if text not in chosen:
            return await one(self, text, *rest, **options)
        if isinstance(chosen[text], ModelError):
            raise chosen[text]
        return chosen[text]

    async def classify_many(self, texts, *rest, **options):
        read = iter(await many(self, [text for text in texts if text not in chosen], *rest, **options))
        return [chosen[text] if text in chosen else next(read) for text in texts]

    monkeypatch.setattr(Classifier, "classify", classify)
    monkeypatch.setattr(Classifier, "classify_many", classify_many)
    return chosen


class LoginServer(ThreadingHTTPServer):
    """As much of Discord's REST API as a login needs, on this machine."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), LoginRequest)
        self.accepts = True
        self.flags = discord.ApplicationFlags(gateway_message_content_limited=True).value
        self.on_request = lambda: None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/api/v10"

    def handle_error(self, request, client_address):
        """A bot that stops hangs up without waiting for the answer; the server would print a traceback of its own."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class LoginRequest(BaseHTTPRequestHandler):
    server: LoginServer

    def do_GET(self):
        self.server.on_request()
        user: dict[str, object] = {
            "id": "80351110224678912",
            "username": "vibecheck",
            "discriminator": "0",
            "avatar": None,
            "bot": True,
        }
        application: dict[str, object] = {
            "id": "80351110224678912",
            "name": "Vibecheck",
            "description": "",
            "icon": None,
        }
        application |= {
            "verify_key": "",
            "owner": user,
            "flags": self.server.flags,
            "bot_public": True,
            "bot_require_code_grant": False,
        }
        refusal = {"message": "401: Unauthorized", "code": 0}
        known = user if self.path.endswith("/users/@me") else application
        body = json.dumps(known if self.server.accepts else refusal).encode()
        self.send_response(200 if self.server.accepts else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keeps the tests' output clean."""


@pytest.fixture
def login_server(monkeypatch):
    with LoginServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        monkeypatch.setattr(discord.http.Route, "BASE", server.url)
        yield server
        server.shutdown()


@pytest.fixture
def no_network(monkeypatch):
    """Discord's address is a port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{port}/api/v10")
