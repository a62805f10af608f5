"""What an operator keeps secret is in no line, no error, no list of arguments, no answer and no file of the bot."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import traceback
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from bot.app.connecting import EX_CONFIG, EX_OK
from bot.demo.gateway import Op
from bot.demo.local_discord import LocalDiscord
from bot.settings import Settings, SettingsError, load_settings
from bot.storage.database import Database
from bot.storage.errors import StoreError
from model.checkpoints.checkpoint import BUNDLED_FOLDER
from tests.bot.storage.postgres import find_binaries, running_postgres
from tests.discord.wire import ANSWER, answered, build_world, online_bot, until
from tests.own_environment import isolate

ROOT = Path(__file__).parents[2]
TOKEN = "MTExMTEx.GsEcrE.tok3n-0f-a-w0rld"
KEY, FORMER_KEY = "k3y-that-pe0ple-are-hashed-with", "f0rmer-k3y-that-was-there-before"
PASSWORD, HUB_TOKEN = "passw0rd-0f-the-database", "hf_t0kenThatTheHubWants"
KEPT_SECRET = ("token", "key", "password", "secret", "dsn", "database_url")
"""How the names of such settings end."""
SECRETS = (TOKEN, KEY, FORMER_KEY, PASSWORD, HUB_TOKEN)
ENVIRONMENT = {"DISCORD_TOKEN": TOKEN, "HASH_KEY": f"{KEY},{FORMER_KEY}", "HF_TOKEN": HUB_TOKEN, "LOG_LEVEL": "DEBUG"}
INTERACTION = "simcord_interaction_"
"""How the simulated Discord's tokens of interactions begin, which anybody may answer with for 15 minutes."""


def secrets_in(said):
    return [secret for secret in (*SECRETS, INTERACTION) if secret.casefold() in said.casefold()]


def secrets_in_files(folder):
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file.name for file in files if any(one.encode() in file.read_bytes() for one in SECRETS)]


def arguments():
    """What every process of this machine was started with."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")


@asynccontextmanager
async def watched_arguments():
    """What processes were started with that ran meanwhile."""
    seen = set()

    async def watch():
        while True:
            seen.update(arguments())
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()


async def new_database(address):
    connection = await asyncpg.connect(address)
    await connection.execute("CREATE DATABASE secrets")
    await connection.close()
    return address.replace("tester@", f"tester:{PASSWORD}@").removesuffix("postgres") + "secrets"


async def test_the_bot_says_no_secret_whatever_fails(tmp_path, capfd):
    """With a model that a child tries first, a PostgreSQL that goes away, and a Discord that limits and refuses."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    model = shutil.copytree(BUNDLED_FOLDER, tmp_path / "model")
    async with LocalDiscord(token=TOKEN) as local, watched_arguments() as seen:
        world = build_world(local)
        local.rate_limit("GET", "/users/@me", retry_after=0.1)
        with running_postgres(binaries) as address:
            given = {**ENVIRONMENT, "DATABASE_URL": await new_database(address), "MODEL": str(model)}
            async with online_bot(local, tmp_path, **given) as bot:
                assert (await world.ask("I love it")).response.components
                local.rate_limit("PATCH", ANSWER, retry_after=0.1)
                local.http_error("PATCH", ANSWER, status=400, code=50035)
                failed = await world.ask("I hate it", private=True)
                await until(lambda: answered(failed))
                (model / "golden.json").write_text("[]", "utf-8")
                bot.process.send_signal(signal.SIGHUP)
                await until(lambda: "The model there was still answers." in bot.said)
                local.gateway.drop_sockets()
                await until(lambda: Op.RESUME in local.gateway.log and local.gateway.connected)
                await lock_out(address)
                for command in ("privacy see", "privacy opt-out", "privacy delete"):
                    assert not secrets_in((await world.alice.slash(world.channel, command)).response.content)
                bot.process.terminate()
                assert await bot.ended() == EX_OK
    assert " DEBUG " in bot.said
    assert secrets_in(bot.said) == []
    assert secrets_in("".join(capfd.readouterr())) == []
    assert any("bot.demo.bot_process" in line for line in seen)
    assert any("model.checkpoints.trial" in line for line in seen)
    assert secrets_in("\n".join(seen)) == []
    assert secrets_in_files(tmp_path) == []


async def lock_out(address):
    """Ends the connections of the database, and lets nobody in any more."""
    connection = await asyncpg.connect(address)
    await connection.execute("ALTER DATABASE secrets ALLOW_CONNECTIONS false")
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'secrets'")
    await connection.close()


UNUSABLE = {"DATABASE_URL": f"postgresql://vibe:{PASSWORD}@127.0.0.1:1/vibe?password={PASSWORD}&unknown={PASSWORD}"}


@pytest.mark.parametrize(
    ("command", "given", "code"),
    [
        ("run", UNUSABLE, EX_CONFIG),
        ("run", {"HASH_KEY": FORMER_KEY[:8]}, EX_CONFIG),
        ("run", {"THREADS": TOKEN}, EX_CONFIG),
        ("check", UNUSABLE, 1),
        ("invite", {}, EX_CONFIG),
        ("backup copy.db", UNUSABLE, EX_CONFIG),
        ("restore copy.db", UNUSABLE, EX_CONFIG),
        ("move-store --to-sqlite", UNUSABLE, EX_CONFIG),
        ("rotate-key", {}, 0),
        ("web", {"MODEL": "nowhere", "WEB_PORT": PASSWORD}, EX_CONFIG),
    ],
)
def test_a_tool_says_no_secret(tmp_path, command, given, code):
    """Where the database cannot be used, and Discord does not answer."""
    account = {name: str(tmp_path / "account") for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    elsewhere = "import discord.http; discord.http.Route.BASE = 'http://127.0.0.1:1/api/v10'"
    ran = subprocess.run(
        [sys.executable, "-c", f"{elsewhere}\nfrom bot.cli.main import entry; entry()", *command.split()],
        env={**os.environ, **account, "PYTHONPATH": str(ROOT), **ENVIRONMENT, **given},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    # The new HASH_KEY, which only the operator can set, is what rotate-key is for.
    said = ran.stderr if command == "rotate-key" else ran.stdout + ran.stderr
    assert ran.returncode == code, said
    assert said
    assert secrets_in(said) == []
    assert secrets_in_files(tmp_path) == []


@pytest.mark.parametrize(
    "line",
    [
        TOKEN,
        f"DISCORD_TOKEN {TOKEN}",
        f"DISCORD_TOKEN: {TOKEN}",
        f"DISCORD_TOKEN='{TOKEN}",
        f"export {TOKEN}",
        f"{TOKEN}=DISCORD_TOKEN",
        f"{HUB_TOKEN}=",
        f"{KEY}=HASH_KEY",
        *(f"{field.upper()}={TOKEN}" for field in Settings.model_fields),
    ],
)
def test_a_secret_in_the_wrong_place_of_the_settings_is_not_repeated(tmp_path, monkeypatch, caplog, line):
    isolate(monkeypatch, tmp_path)
    (tmp_path / ".env").write_text(f"{line}\n", "utf-8")
    try:
        settings = load_settings()
    except SettingsError as error:
        said = "".join(traceback.format_exception(error))
    else:
        secret = {name: value for name, value in settings if isinstance(value, SecretStr)}
        said = f"{secret!r} {secret} {settings.model_dump_json(include=set(secret))}"
    assert secrets_in(said + caplog.text) == []


@pytest.mark.parametrize(
    "name", [name for name in Settings.model_fields if name.endswith(("token", "key", "database_url"))]
)
def test_what_is_secret_shows_itself_to_nobody(name):
    settings = Settings.model_validate({name: TOKEN})
    assert isinstance(getattr(settings, name), SecretStr)
    assert secrets_in(f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}") == []


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://vibe:{PASSWORD}@127.0.0.1:1/vibe",
        f"postgresql://127.0.0.1:1/vibe?user=vibe&password={PASSWORD}",
        f"postgresql://vibe:{PASSWORD}@{PASSWORD}@127.0.0.1:1/vibe",
        f"postgresql://vibe:{PASSWORD}@127.0.0.1:port/vibe",
        f"postgresql://vibe:{PASSWORD}@[::1/vibe",
        f"postgresql://vibe:{PASSWORD}@127.0.0.1:1/vibe?sslmode={PASSWORD}",
        f"postgresql://vibe:{PASSWORD}@127.0.0.1:1/vibe?port={PASSWORD}",
        f"postgresql://vibe:{PASSWORD}@127.0.0.1:1/vibe?unknown={PASSWORD}",
        f"mysql://vibe:{PASSWORD}@127.0.0.1/vibe",
        f"vibe:{PASSWORD}@127.0.0.1/vibe",
        PASSWORD,
    ],
)
async def test_a_database_that_cannot_be_opened_is_named_without_its_password(tmp_path, caplog, address):
    with pytest.raises(StoreError) as failed:
        await Database.open(tmp_path, SecretStr(address))
    assert secrets_in("".join(traceback.format_exception(failed.value)) + caplog.text) == []
