"""The socket between the page and the bot: what goes over it, and what does not."""

import asyncio
import json
import socket
import struct
from contextlib import asynccontextmanager, suppress

import pytest

from bot.web.bulk_scoring import ORIGIN
from bot.web.remote import server as serving
from bot.web.remote.client import RemoteClassifier
from bot.web.remote.server import ClassifierServer, Deaf
from bot.web.remote.wire import MAX_MESSAGE_BYTES, MAX_TEXTS, BadMessage, verdict_in, verdict_out
from bot.web.second_model import NOT_OFFERED, NoSecondModel
from model import (
    Classifier,
    ClassifierClosed,
    InferenceFailed,
    ModelError,
    Overloaded,
    Priority,
    TextTooLong,
    Unreadable,
    Verdict,
)


@asynccontextmanager
async def bot_side(classifier, settings, hear=lambda _: None):
    """The bot's end being served, and the other end."""
    ours, theirs = socket.socketpair()
    server = ClassifierServer(classifier, settings, *await asyncio.open_connection(sock=ours), hear)
    served = asyncio.ensure_future(server.serve())
    try:
        yield served, theirs
    finally:
        theirs.close()
        served.cancel()
        with suppress(asyncio.CancelledError, BadMessage, Deaf):
            await served


@asynccontextmanager
async def connected(classifier, settings):
    async with bot_side(classifier, settings) as (_, theirs):
        remote = await RemoteClassifier.connect(theirs)
        listening = asyncio.ensure_future(remote.serve())
        yield remote
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


@pytest.fixture
async def remote(classifier, settings):
    async with connected(classifier, settings) as remote:
        yield remote


async def test_answers_are_those_of_the_bot(remote, classifier):
    texts = ["i love this", "i hate this", "", "x" * 200_001]
    assert remote.info == classifier.info
    assert await remote.classify(texts[0]) == await classifier.classify(texts[0])
    theirs, ours = await remote.classify_many(texts), await classifier.classify_many(texts)
    assert [(type(one), str(one)) for one in theirs] == [(type(one), str(one)) for one in ours]
    assert await remote.explain("i really love this") == await classifier.explain("i really love this")


async def test_it_is_asked_behind_people_and_as_one_origin(remote, monkeypatch):
    asked, one = [], Classifier.classify

    async def noted(self, text, priority=Priority.INTERACTIVE, **options):
        asked.append((priority, options["origin"]))
        return await one(self, text, priority, **options)

    monkeypatch.setattr(Classifier, "classify", noted)
    await remote.classify("i love this", Priority.INTERACTIVE, origin="somebody else")
    assert asked == [(Priority.PASSIVE, ORIGIN)]


@pytest.mark.parametrize(
    "error", [Overloaded(3.5), TextTooLong(7, 5), ClassifierClosed(), InferenceFailed("no"), NoSecondModel(NOT_OFFERED)]
)
def test_errors_arrive_as_what_they_are(error):
    arrived = verdict_in(json.loads(json.dumps(verdict_out(error))))
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))
    assert isinstance(arrived.again(), type(error))


async def test_what_the_bot_raises_is_raised_here(remote, answers):
    answers["odd"] = Overloaded(2.5)
    with pytest.raises(Overloaded) as refusal:
        await remote.classify("odd")
    assert refusal.value.retry_after == 2.5
    with pytest.raises(NoSecondModel, match="doesn't offer that model"):
        await remote.ask_second("/some/folder", "hello")


async def test_nothing_that_is_not_an_error_of_ours_crosses_with_its_words(remote, backend):
    backend.error = RuntimeError("what somebody typed")
    with pytest.raises(ModelError) as failure:
        await remote.classify("a text that fails")
    assert "typed" not in str(failure.value)


def frame(body):
    return struct.pack(">I", len(body)) + body


def asked(**changed):
    return frame(json.dumps({"id": 1, "task": "classify", "texts": ["hello"], **changed}).encode())


NONSENSE = {
    "noise": b"\xff" * 64,
    "a length that is too long": struct.pack(">I", MAX_MESSAGE_BYTES + 1),
    "no JSON": frame(b"hello"),
    "no object": frame(b"[]"),
    "no UTF-8": frame(b'{"a":"\xff"}'),
    "deep": frame(b"[" * 100_000),
    "many values": frame(b"[" + b"1," * 100_000 + b"1]"),
    "a long number": frame(b'{"id":' + b"9" * 10_000 + b"}"),
    "a pickle": frame(b"\x80\x04\x95"),
    "nothing that is known": frame(b"{}"),
    "no such task": asked(task="close"),
    "a task that is a list": asked(task=["classify"]),
    "a number that is none": asked(id="1"),
    "a number that is true": asked(id=True),
    "no texts": asked(texts=[]),
    "two texts": asked(texts=["a", "b"]),
    "too many texts": asked(task="classify_many", texts=["a"] * (MAX_TEXTS + 1)),
    "a text that is none": asked(texts=[1]),
    "seconds that are none": frame(b'{"id":1,"task":"classify","texts":["a"],"within":NaN}'),
    "too many pieces": asked(task="explain", pieces=10**9),
    "the same number twice": asked() + asked(),
    "cancelling what is none": frame(b'{"cancel":[1]}'),
}


def only_known(message):
    raise BadMessage


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_ends_the_page_and_nothing_else(classifier, settings, backend, said):
    backend.hold()
    async with bot_side(classifier, settings, only_known) as (served, theirs):
        await asyncio.to_thread(theirs.sendall, said)
        with pytest.raises(BadMessage):
            await served
    backend.go_on.set()
    assert (await classifier.classify("i love this", origin=1)).sentiment == "positive"


async def test_a_page_that_goes_in_the_middle_of_a_message_just_ends(classifier, settings):
    async with bot_side(classifier, settings) as (served, theirs):
        theirs.sendall(asked()[:-3])
        theirs.close()
        await served


async def test_what_is_asked_beyond_the_quota_is_refused(remote, classifier, backend):
    backend.hold()
    waiting = [asyncio.ensure_future(remote.classify(f"hello {n}")) for n in range(serving.MAX_ASKED)]
    many = asyncio.ensure_future(remote.classify_many(["one more"]))
    assert [type(answer) for answer in await many] == [Overloaded]
    with pytest.raises(Overloaded):
        await remote.explain("one more")
    backend.go_on.set()
    assert all(isinstance(verdict, Verdict) for verdict in await asyncio.gather(*waiting))
    assert isinstance(await remote.classify("again"), Verdict)


async def queued(classifier, there):
    while not there(classifier.stats().queued):
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("how", ["cancelled", "gone"])
async def test_what_nobody_waits_for_is_dropped(classifier, settings, backend, how):
    backend.hold()
    first = asyncio.ensure_future(classifier.classify("hello from a person"))
    await asyncio.to_thread(backend.entered.wait)
    taken = asyncio.Event()
    async with bot_side(classifier, settings, lambda _: taken.set()) as (served, theirs):
        await asyncio.to_thread(theirs.sendall, asked(task="classify_many", texts=[f"hello {n}" for n in range(200)]))
        await queued(classifier, lambda count: count > 100)
        if how == "gone":
            theirs.close()
            await served
        else:
            await asyncio.to_thread(theirs.sendall, frame(b'{"cancel":1}') + frame(b'{"log":1}'))
            await taken.wait()
        backend.go_on.set()
        await first
        await queued(classifier, lambda count: count == 0)
    assert backend.batches <= 2  # what was taken already, and nothing of what still waited


async def test_whoever_takes_no_answers_is_not_listened_to(classifier, settings, monkeypatch):
    monkeypatch.setattr(serving, "MESSAGES_A_SECOND", 10**9)
    monkeypatch.setattr(serving, "DEAF_SECONDS", 1.0)
    monkeypatch.setattr(serving, "INFORMED_SECONDS", 0.05)
    flood = asked(task="explain", pieces=1, texts=[f"hello {'there ' * 10_000}"]) * 20

    def talk(theirs):
        with suppress(OSError):
            while True:
                theirs.sendall(flood)

    async with bot_side(classifier, settings, only_known) as (served, theirs):
        talking = asyncio.ensure_future(asyncio.to_thread(talk, theirs))
        with pytest.raises((Deaf, BadMessage)):
            await served
        await talking
    assert (await classifier.classify("i love this", origin=1)).sentiment == "positive"


async def test_a_page_that_says_nothing_is_given_up(classifier, settings, monkeypatch):
    monkeypatch.setattr(serving, "DEAF_SECONDS", 0.1)
    monkeypatch.setattr(serving, "INFORMED_SECONDS", 0.05)
    async with bot_side(classifier, settings) as (served, _):
        with pytest.raises(Deaf):
            await served


async def test_when_the_bot_goes_whoever_waits_is_told(classifier, settings, backend):
    backend.hold()
    async with connected(classifier, settings) as remote:
        waiting = asyncio.ensure_future(remote.classify("hello"))
        await asyncio.to_thread(backend.entered.wait)
        remote._writer.close()
        with pytest.raises(ClassifierClosed):
            await waiting
        with pytest.raises(ClassifierClosed):
            await remote.classify("again")
    backend.go_on.set()


async def test_a_text_that_cannot_be_read_says_what_it_is_written_in(remote, classifier):
    text = "Dzień dobry, jak się dzisiaj macie wszyscy moi drodzy przyjaciele?"
    (ours,), (theirs,) = await classifier.classify_many([text]), await remote.classify_many([text])
    assert isinstance(ours, Unreadable) and isinstance(theirs, Unreadable)
    assert vars(ours) == vars(theirs)
