"""`vibecheck score-server` as a process: who may ask it, what it says, and how it ends."""

import asyncio
import json
import os
import signal
from io import BytesIO

import aiohttp
import pytest

from bot.app.connecting import EX_CONFIG, EX_OK
from bot.app.score_server import token_of
from bot.settings import Settings, SettingsError
from model import Classifier
from model.serving.failover_classifier import FailoverClassifier
from model.serving.wire import MOST_BYTES, asked_out
from tests.score_process import TOKEN, launched, score_process

PATIENCE = 60.0
CANARY = "xylophonic marmalade"
TEXTS = [f"what a {mood} day number {number}" for number in range(40) for mood in ("lovely", "boring", "terrible")]
JSON = {"Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def session():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        yield session


async def answered(session, url, body, headers):
    async with session.post(url, data=BytesIO(body), headers=headers) as response:
        return response.status, await response.text()


async def test_it_takes_lists_of_whoever_shows_the_token_and_repeats_no_word(session, tmp_path):
    good = asked_out([{"text": CANARY}], info=True)
    async with score_process(tmp_path, INFERENCE_TOKEN=TOKEN, LOG_LEVEL="DEBUG") as server:
        status, said = await answered(session, server.url, good, JSON | BEARER)
        assert status == 200
        reply = json.loads(said)
        assert reply["answers"][0]["sentiment"] in {"negative", "neutral", "positive"}
        assert reply["info"]["source"] == "bundled"
        refused = {
            "no token": (good, JSON),
            "another": (good, JSON | {"Authorization": f"Bearer {TOKEN}x"}),
            "a form of a browser": (good, BEARER | {"Content-Type": "text/plain"}),
            "no shape": (json.dumps({"words": CANARY}).encode(), JSON | BEARER),
            "no JSON": (CANARY.encode(), JSON | BEARER),
            "bad UTF-8": (CANARY.encode() + b"\xff", JSON | BEARER),
            "too long": (b" " * (MOST_BYTES + 1), JSON | BEARER),
        }
        found = {name: await answered(session, server.url, *asked) for name, asked in refused.items()}
        assert {name: status for name, (status, _) in found.items()} == {
            "no token": 401,
            "another": 401,
            "a form of a browser": 415,
            "no shape": 400,
            "no JSON": 400,
            "bad UTF-8": 400,
            "too long": 413,
        }
        assert all(CANARY not in said and TOKEN not in said for _, said in found.values())
        await _nonsense(server.url)
        async with session.get(server.url.replace("/score", "/healthz")) as health:
            assert (health.status, await health.json()) == (200, {"ok": True, "said": "it answers"})
        async with session.get(server.url) as wrong:
            assert wrong.status == 405
        async with session.get(server.url + "/" + CANARY.split(maxsplit=1)[0]) as wrong:
            assert wrong.status == 404
    assert server.process.returncode == EX_OK
    assert not any(word in server.said for word in (*CANARY.split(), TOKEN, "Traceback"))


async def _nonsense(url):
    """What is no HTTP at all, which the library would log."""
    host, port = url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{CANARY} / {CANARY}\r\nContent-Length: {CANARY}\r\n\r\n".encode())
    await writer.drain()
    await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (("--host", "0.0.0.0"), {}, "Other machines could have their texts scored here."),
        ((), {"INFERENCE_TOKEN": TOKEN, "INFERENCE_TOKEN_FILE": "token"}, "are both set. Remove one of them."),
        ((), {"INFERENCE_TOKEN": "short"}, "The setting INFERENCE_TOKEN can't be used"),
        ((), {"MODEL": "/nowhere"}, "/nowhere"),
        (("--host", "192.0.2.1"), {"INFERENCE_TOKEN": TOKEN}, "Texts can't be scored at 192.0.2.1, port 8000"),
    ],
)
async def test_what_must_be_put_right_is_one_sentence_and_exit_code_78(tmp_path, arguments, settings, said):
    process, stderr = await launched(tmp_path, *arguments, LOG_LEVEL="WARNING", **settings)
    assert await asyncio.wait_for(process.wait(), PATIENCE) == EX_CONFIG
    lines = stderr.read_text("utf-8").splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert TOKEN not in lines[0]


def test_a_replica_of_another_machine_needs_a_token_of_its_own_settings():
    """Whether others can reach it is not said by the address that whoever starts it has."""
    with pytest.raises(SettingsError, match="Set INFERENCE_TOKEN"):
        token_of(Settings(_env_file=None), needed=True)
    assert token_of(Settings(_env_file=None), needed=False) == ""
    assert token_of(Settings(_env_file=None, inference_token=TOKEN), needed=True) == TOKEN


@pytest.fixture
async def remote(tmp_path):
    """A classifier over one server; and that server."""
    local = await Classifier.open(threads=1, budget=1024, backend="onnxruntime")
    async with score_process(tmp_path) as server, await FailoverClassifier.open(local, [server.url]) as remote:
        assert remote.health().backends["remote"]
        yield remote, server


@pytest.fixture
async def right():
    """What is said of the texts here."""
    async with await Classifier.open(threads=1, budget=1024, backend="onnxruntime") as classifier:
        return await classifier.classify_many(TEXTS)


async def test_a_server_that_is_told_to_end_finishes_what_it_has_and_nothing_is_lost(remote, right):
    classifier, server = remote
    asking = asyncio.ensure_future(classifier.classify_many(TEXTS * 4))
    await asyncio.sleep(0.2)
    server.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(asking, PATIENCE) == right * 4
    assert await asyncio.wait_for(server.process.wait(), PATIENCE) == EX_OK


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
async def test_a_server_that_is_killed_or_hangs_loses_nothing(remote, right, number):
    """A machine that is gone is as one that hangs: nothing comes back."""
    classifier, server = remote
    asking = asyncio.ensure_future(classifier.classify_many(TEXTS * 4))
    await asyncio.sleep(0.2)
    os.kill(server.process.pid, number)
    assert await asyncio.wait_for(asking, PATIENCE) == right * 4
    assert await asyncio.wait_for(classifier.classify(TEXTS[0]), PATIENCE) == right[0]
    assert not classifier.health().backends["remote"]
    if number is signal.SIGSTOP:
        os.kill(server.process.pid, signal.SIGCONT)


async def test_it_reloads_its_model_while_it_answers(remote, right):
    classifier, server = remote
    server.process.send_signal(signal.SIGHUP)
    answers = []
    async with asyncio.timeout(PATIENCE):
        while "answers instead of" not in server.said:
            answers += await classifier.classify_many(TEXTS)
    assert answers == right * (len(answers) // len(right))
    assert classifier.stats().stood_in == 0
