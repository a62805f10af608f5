import asyncio
import logging
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bot.app import connecting
from bot.app import runtime as process
from bot.app.connecting import EX_CONFIG, EX_OK, EX_UNAVAILABLE, NETWORK_WAITS, NO_DISCORD, NOT_REACHED, WRONG_TOKEN
from bot.app.runtime import NO_TOKEN, run_bot, seconds_since_start
from bot.permissions import PORTAL
from bot.storage.database import BUSY_SECONDS, Database
from bot.storage.database_url import FILE, claim
from model import Classifier

ROOT = Path(__file__).parents[3]
TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"
VERBOSE = ("discord.gateway", "discord.http", "discord.webhook.async_")


@pytest.fixture
def run(settings, capsys, caplog):
    """Runs the bot's process here, with the token and whatever else is given; returns its code and what it said."""

    def run(**given):
        with_token = {"discord_token": SecretStr(TOKEN), "threads": 2}
        code = run_bot(settings.model_copy(update=with_token | given))
        said = capsys.readouterr().err
        assert "Traceback" not in said + caplog.text
        assert "did not end well" not in caplog.text
        assert TOKEN not in said + caplog.text
        return code, said

    return run


@pytest.mark.parametrize("token", [None, SecretStr(""), SecretStr("  \n")])
def test_without_a_token_one_sentence_says_where_to_get_it(run, token):
    assert run(discord_token=token) == (EX_CONFIG, f"{NO_TOKEN}\n")
    assert EX_CONFIG == 78
    assert ".env" in NO_TOKEN
    assert PORTAL in NO_TOKEN


def test_a_model_that_is_not_there_is_one_sentence(run, tmp_path):
    code, said = run(model=str(tmp_path / "nowhere"))
    assert code == EX_CONFIG
    assert "nowhere" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["config.json", "model.onnx", "tokenizer.json", "vibecheck.json"])
def test_a_spoiled_model_is_one_sentence(run, tmp_path, name):
    folder = tmp_path / "spoiled"
    folder.mkdir()
    for file in (ROOT / "model" / "bundled").iterdir():
        (folder / file.name).write_bytes(b"{" if file.name == name else file.read_bytes())
    code, said = run(model=str(folder))
    assert code == EX_CONFIG
    assert said.count("\n") == 1


def test_a_port_for_the_page_that_is_taken_is_one_sentence(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = run(web_port=taken.getsockname()[1])
    assert code == EX_CONFIG
    assert said.startswith("The page can't listen on 127.0.0.1, port ")
    assert said.count("\n") == 1


def test_a_refused_token_is_one_sentence(run, login_server):
    login_server.accepts = False
    assert run() == (EX_CONFIG, f"{WRONG_TOKEN}\n")


def test_a_token_with_a_line_break_inside_is_one_sentence(run, login_server):
    login_server.accepts = False
    code, said = run(discord_token=SecretStr("abc\ndef"))
    assert (code, said) == (EX_CONFIG, f"{WRONG_TOKEN}\n")


def test_without_a_network_one_sentence_says_so_after_some_tries(run, no_network, monkeypatch, caplog):
    monkeypatch.setattr(connecting, "NETWORK_WAITS", (0.0,) * len(NETWORK_WAITS))
    assert run() == (EX_UNAVAILABLE, f"{NO_DISCORD}\n")
    assert caplog.text.count(NOT_REACHED) == len(NETWORK_WAITS) == 4
    assert EX_UNAVAILABLE == 69


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_orderly_in_the_middle_of_logging_in(run, login_server, number):
    ended = threading.Event()

    def keep_waiting():
        os.kill(os.getpid(), number)
        ended.wait(20)

    login_server.on_request = keep_waiting
    code, said = run()
    ended.set()
    assert (code, said) == (EX_OK, "")


def test_a_signal_ends_it_in_time_while_the_model_hangs(run, login_server, loaded_backend, backend, monkeypatch):
    """`backend` lets the model go on after the test; while it runs, the model waits far longer than the bot may."""
    asking, signalled = [], []

    async def open_and_ask(settings):
        engine, watched = loaded_backend
        classifier = await Classifier.start(lambda: replace(engine, backend=watched))
        backend.hold()
        asking.append(asyncio.create_task(classifier.classify("hello")))
        return classifier

    def end_while_it_hangs():
        assert backend.entered.wait(20)
        signalled.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(process, "open_classifier", open_and_ask)
    login_server.on_request = end_while_it_hangs
    code, said = run()
    assert time.monotonic() - signalled[0] < 6
    assert (code, said) == (EX_OK, "")
    assert asking[0].cancelled()
    assert not backend.go_on.is_set()


@pytest.fixture
def levels_come_back():
    loggers = [logging.root, *(logging.getLogger(name) for name in ("discord", *VERBOSE))]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def test_even_at_debug_the_library_logs_no_messages(run, login_server, monkeypatch, levels_come_back):
    login_server.accepts = False
    with monkeypatch.context() as fresh:
        fresh.setattr(logging.root, "handlers", [])  # pytest's own would make basicConfig do nothing
        run(log_level="DEBUG")
    assert logging.getLogger("bot").isEnabledFor(logging.DEBUG)
    assert [name for name in VERBOSE if logging.getLogger(name).isEnabledFor(logging.DEBUG)] == []


def start(folder):
    """`python -m bot run` in that folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bot", "run"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_python_m_bot_run_ends_with_code_78_and_one_sentence(tmp_path):
    ended = start(tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (EX_CONFIG, "", f"{NO_TOKEN}\n")


def test_python_m_bot_run_names_a_wrong_setting_in_one_sentence(tmp_path):
    (tmp_path / ".env").write_text("THREADS=many\n", "utf-8")
    ended = start(tmp_path)
    assert (ended.returncode, ended.stdout) == (EX_CONFIG, "")
    assert ended.stderr.startswith("The setting THREADS can't be used: ")
    assert ended.stderr.count("\n") == 1


def refuses_to_start(folder, *lines):
    """`python -m bot run` with these settings ends with one sentence, which is returned."""
    (folder / ".env").write_text("\n".join((f"DISCORD_TOKEN={TOKEN}", "THREADS=2", *lines)), "utf-8")
    ended = start(folder)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (EX_CONFIG, "", 1)
    assert TOKEN not in ended.stderr
    return ended.stderr.strip()


def test_a_second_process_on_one_sqlite_file_is_refused_in_one_sentence(tmp_path):
    lock = claim(tmp_path / "data")
    said = refuses_to_start(tmp_path)
    os.close(lock)
    assert said == "Another process is using the database in data. Stop it first, or set another DATA_DIR."


def test_a_database_newer_than_the_code_is_refused_in_one_sentence(tmp_path):
    asyncio.run(_write_newer_database(tmp_path / "data"))
    assert "was written by a newer version of the bot (its schema is 999, and" in refuses_to_start(tmp_path)


async def _write_newer_database(folder):
    database = await Database.open(folder)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '999'"))
    await database.close()


def test_a_postgresql_that_is_not_there_is_waited_for_and_then_one_sentence_without_its_password(
    run, monkeypatch, caplog
):
    for name, seconds in (("SECONDS", 0.3), ("PAUSE", 0.05), ("SAID_SECONDS", 0.0)):
        monkeypatch.setattr(process, f"DATABASE_{name}", seconds)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    code, said = run(database_url=SecretStr(f"postgresql://vibe:hunter2hunter2@127.0.0.1:{port}/vibe"))
    assert (code, said.count("\n")) == (EX_UNAVAILABLE, 1)
    assert "Check that DATABASE_URL is right and that it's running" in said
    assert caplog.text.count("It is waited for") > 1
    assert "hunter2" not in said + caplog.text


def test_a_database_that_is_locked_at_the_start_is_waited_for(run, settings, monkeypatch, caplog, login_server):
    monkeypatch.setattr(process, "DATABASE_PAUSE", 0.05)
    login_server.accepts = False
    run()
    file = settings.data_dir / FILE
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        let_go = threading.Timer(BUSY_SECONDS + 1, other.execute, ("ROLLBACK",))
        let_go.start()
        try:
            assert run() == (EX_CONFIG, f"{WRONG_TOKEN}\n")
        finally:
            let_go.join()
    assert "I can't use the database file in DATA_DIR: database is locked. It is waited for" in caplog.text


@pytest.mark.parametrize("line", ["DATABASE_URL=mysql://root@localhost/vibe", "HASH_KEY=short"])
def test_a_setting_of_the_store_that_cannot_be_is_named(tmp_path, line):
    assert refuses_to_start(tmp_path, line).startswith(line.partition("=")[0])


def test_a_damaged_database_is_one_sentence(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mood.db").write_bytes(b"not a database at all" * 500)
    assert refuses_to_start(tmp_path).startswith("I can't use the database file in DATA_DIR:")


def test_the_time_since_the_start_only_grows():
    first = seconds_since_start()
    assert 0 <= first <= seconds_since_start()
