"""The page's own process: what it knows, what ends it, and that nothing of the bot ends with it."""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import urllib.error
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.app import page_supervisor
from bot.app.page import page_beside
from bot.app.page_supervisor import for_the_page
from bot.web.page_state import PageState
from tests.bot.web.by_http import arrive, fetch, press

ROOT = Path(__file__).parents[3]
SECRETS = ("the-token", "the-hash-key-that-is-long-enough-1", "the-password")

SPY = """
import json, os, sys, threading, time

folder = os.path.dirname(__file__)
with open(os.path.join(folder, "seen"), "w") as seen:
    json.dump([dict(os.environ), sys.orig_argv], seen)


def grow():
    while not os.path.exists(os.path.join(folder, "grow")):
        time.sleep(0.02)
    os.remove(os.path.join(folder, "grow"))
    kept = []
    while True:
        try:
            kept.append(bytearray(b"x" * 2**24))
        except MemoryError:
            time.sleep(0.1)


threading.Thread(target=grow, daemon=True).start()
"""


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """A folder with code that runs in the page's process: it notes what it sees there, and grows when told to."""
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SPY, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.fixture
def beside(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return settings.model_copy(update={"web_port": taken.getsockname()[1]})


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(page_supervisor, "PAUSES", (0.0,))


@asynccontextmanager
async def standing(settings, classifier, state=None):
    """The page, when it is up, and its address."""
    async with page_beside(settings, classifier, state) as supervisor:
        await supervisor.is_up.wait()
        yield supervisor, f"http://127.0.0.1:{settings.web_port}/"


async def ended(state, times=1):
    while state.ended < times:
        await asyncio.sleep(0.02)


async def look(url):
    return await asyncio.to_thread(fetch, url)


async def read(url, text):
    return str(await asyncio.to_thread(press, url, "vc-read", [text]))


async def test_the_process_knows_no_secret_and_has_no_other_socket(beside, classifier, inside, monkeypatch):
    token, key, password = SECRETS
    given = {"DISCORD_TOKEN": token, "HASH_KEY": key, "DATABASE_URL": f"postgresql://me:{password}@db/mood"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    knowing = beside.model_copy(
        update={"discord_token": SecretStr(token), "hash_key": SecretStr(key), "database_url": SecretStr(password)}
    )
    told = json.dumps(for_the_page(knowing))
    async with standing(knowing, classifier) as (supervisor, url):
        environment, arguments = json.loads((inside / "seen").read_text("utf-8"))
        assert classifier.info.version in await look(url)
        assert not given.keys() & environment.keys()
        for secret in SECRETS:
            assert secret not in str((environment, arguments, told))
        if sys.platform == "linux" and os.geteuid() == 0:
            of_it = Path(f"/proc/{supervisor.process.pid}")
            seen = (of_it / "environ").read_bytes() + (of_it / "cmdline").read_bytes()
            assert b"PYTHONPATH" in seen
            assert not any(secret.encode() in seen for secret in SECRETS)


async def test_a_page_that_is_killed_is_started_again_and_the_bot_answers_meanwhile(beside, classifier, caplog):
    caplog.set_level(logging.INFO)
    state = PageState()
    async with standing(beside, classifier, state) as (supervisor, url):
        first = supervisor.process.pid
        os.kill(first, signal.SIGKILL)
        await ended(state)
        assert (state.address, state.why) == ("", "signal 9")
        assert (await classifier.classify("i love this", origin=1)).sentiment == "positive"
        assert classifier.info.version in await look(url)  # whoever comes meanwhile waits for the next one
        await supervisor.is_up.wait()
        assert supervisor.process.pid != first
        assert "Positive" in await read(url, "i love this")
        assert state.in_words() == f"running at {url}. It has stopped once, last time: signal 9."
    assert "the page has ended (signal 9); it is started again in 0 s" in caplog.text


async def test_pauses_grow_while_it_keeps_ending(beside, classifier, monkeypatch, caplog):
    monkeypatch.setattr(page_supervisor, "PAUSES", (0.0, 0.01, 0.02))
    monkeypatch.setattr(page_supervisor, "_RUN", "raise SystemExit(3)")
    state = PageState()
    async with page_beside(beside, classifier, state):
        await ended(state, 4)
    assert "(exit 3)" in caplog.text
    pauses = [record.args[1] for record in caplog.records if "has ended" in record.getMessage()]
    assert pauses[:4] == [0.0, 0.01, 0.02, 0.02]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say how much a process keeps")
async def test_a_page_that_grows_ends_alone(beside, classifier, inside, monkeypatch):
    monkeypatch.setattr(page_supervisor, "RESIDENT_BYTES", 500 * 2**20)
    state = PageState()
    async with standing(beside, classifier, state) as (supervisor, url):
        (inside / "grow").touch()
        await ended(state)
        assert state.why == "it used more than 500 MB of memory"
        assert (await classifier.classify("i love this", origin=1)).sentiment == "positive"
        await supervisor.is_up.wait()
        assert "Vibecheck" in await look(url)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such bound")
def test_a_small_process_gets_no_more_than_it_may_have():
    probe = "from bot.app.process_tuning import stay_small; stay_small(2**28); bytearray(2**29)"
    tried = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "MemoryError" in tried.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_process_stands_behind_the_bot(beside, classifier):
    async with standing(beside, classifier) as (supervisor, _):
        pid = supervisor.process.pid
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, ours + page_supervisor.NICE)
        limits = Path(f"/proc/{pid}/limits").read_text("ascii")
        assert str(page_supervisor.MEMORY_BYTES) in limits
        assert Path(f"/proc/{pid}/oom_score_adj").read_text("ascii").strip() == "1000"


BOT = """
import asyncio, sys
from bot.app.page import page_beside
from bot.settings import Settings
from model import Classifier

async def main():
    settings = Settings(_env_file=None, web_port=int(sys.argv[1]))
    async with await Classifier.open("bundled") as classifier, page_beside(settings, classifier) as supervisor:
        if sys.argv[2] == "standing":
            await supervisor.is_up.wait()
        print(supervisor.process and supervisor.process.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("when", ["standing", "starting"])
async def test_the_page_ends_with_a_bot_that_is_killed(beside, when):
    running = subprocess.Popen(
        [sys.executable, "-c", BOT, str(beside.web_port), when], cwd=ROOT, stdout=subprocess.PIPE
    )
    with running:
        await asyncio.to_thread(running.stdout.readline)
        running.kill()
    while await is_listened_at(beside.web_port):  # the page has the address as well, as long as it is there
        await asyncio.sleep(0.02)


async def is_listened_at(port):
    try:
        await look(f"http://127.0.0.1:{port}/")
    except (urllib.error.URLError, OSError) as error:
        return "refused" not in str(error)
    return True


async def test_the_end_of_the_block_ends_the_process(beside, classifier):
    async with standing(beside, classifier) as (supervisor, _):
        process = supervisor.process
    assert process.returncode is not None
    assert not await is_listened_at(beside.web_port)


async def test_signals_to_the_whole_group_are_the_bots_to_heed(beside, classifier):
    async with standing(beside, classifier) as (supervisor, url):
        os.kill(supervisor.process.pid, signal.SIGTERM)
        os.kill(supervisor.process.pid, signal.SIGINT)
        assert "Vibecheck" in await look(url)
        assert supervisor.process.poll() is None


async def test_a_reload_in_the_bot_is_seen_on_the_page(beside, classifier, monkeypatch):
    other = replace(classifier.info, version="another-version")
    async with standing(beside, classifier) as (_, url):
        assert classifier.info.version in str(await asyncio.to_thread(arrive, url, "vc-head"))
        monkeypatch.setattr(type(classifier), "info", property(lambda _: other))
        while "another-version" not in str(await asyncio.to_thread(arrive, url, "vc-head")):
            await asyncio.sleep(0.1)
