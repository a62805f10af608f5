"""A text that reaches the bot in every way there is, with everything failing as well, is in no file and no line."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.app.connecting import EX_OK
from bot.demo.gateway import Op
from bot.demo.local_discord import LocalDiscord
from tests.discord.canary import CANARY, LOVE, NAMED, PATHS, ask_in_public, traces, traces_in_files
from tests.discord.wire import build_world, online_bot, until

PRIVACY = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text("utf-8")
TABLES = ("feedback", "message_scores", "hours", "opt_outs", "bookkeeping", "marks")
DATABASE = {"mood.db", "mood.db-wal"}


@pytest.fixture
async def local():
    async with LocalDiscord(heartbeat_interval=0.5) as local:
        yield local


@pytest.fixture
async def world(local):
    return build_world(local)


def break_database(folder, *, broken):
    """Nothing can be written to these tables; another program could do the same."""
    with closing(sqlite3.connect(folder / "data" / "mood.db", isolation_level=None)) as database:
        for table in TABLES:
            for event in ("INSERT", "UPDATE", "DELETE"):
                name = f"broken_{table}_{event}"
                fail = f"CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END"
                database.execute(fail if broken else f"DROP TRIGGER {name}")


async def test_a_text_that_was_read_in_every_way_is_in_no_file_and_no_line(local, world, tmp_path, capfd):
    async with online_bot(local, tmp_path, LOG_LEVEL="DEBUG") as bot:
        for path in PATHS:
            await path(world)
        break_database(tmp_path, broken=True)
        for path in PATHS:
            await path(world)
        break_database(tmp_path, broken=False)
        bot.process.send_signal(signal.SIGHUP)
        await until(lambda: "answers instead of" in bot.said)
        local.gateway.drop_sockets()
        await until(lambda: Op.RESUME in local.gateway.log and local.gateway.connected)
        await ask_in_public(world)
        assert traces_in_files(tmp_path) == []
        named = {found.partition(":")[0] for found in traces_in_files(tmp_path, NAMED)}
        kept = {file.name for file in (tmp_path / "data").iterdir()}
        secret = world.alice.id, world.maya.id
    assert bot.process.returncode == EX_OK
    assert " DEBUG " in bot.said
    assert "INSERT INTO" not in bot.said
    assert "Traceback" not in bot.said
    assert traces_in_files(tmp_path) == []
    said = "".join(capfd.readouterr()).encode()
    assert [*traces(said), *traces(said, NAMED), *traces(bot.said.encode(), NAMED)] == []
    assert named and named <= DATABASE
    assert "mood.db" in kept
    assert [name for name in kept if f"`{name}`" not in PRIVACY] == []
    assert [one for one in secret if is_somewhere(one, tmp_path / "data") or str(one) in bot.said] == []


def is_somewhere(user_id, folder):
    """Whether a person's id is there as a number, as SQLite and text would hold it."""
    forms = user_id.to_bytes(8, "big"), user_id.to_bytes(8, "little"), str(user_id).encode()
    return any(form in file.read_bytes() for file in folder.iterdir() for form in forms)


def test_a_trace_would_be_found(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\x00\x01" + LOVE.upper().encode("utf-16-le"))
    (tmp_path / "other").write_text(f"about {CANARY.partition('-')[0]}")
    (tmp_path / f"{CANARY}.txt").touch()
    assert {found.partition(":")[0] for found in traces_in_files(tmp_path)} == {"file", "other", f"{CANARY}.txt"}
