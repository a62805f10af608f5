"""What a server reads beside English is sent there, and whoever stands in for it refuses it if it doesn't read it."""

import json

import pytest
from aiohttp import web

from model import Classifier, Unreadable
from model.backends.engine import load_engine
from model.checkpoints.checkpoint import BUNDLED_FOLDER
from model.serving.wire import reply_out
from tests.model.serving.conftest import Server
from tests.model.two_models import with_languages

SPANISH, ENGLISH = "odio a todos ustedes de verdad", "what a lovely day"


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("second") / "model"
    with_languages(BUNDLED_FOLDER, folder)
    return load_engine(f"bundled+{folder}", "cpu", 1, backend="onnxruntime")


@pytest.fixture
async def reader(both, kept):
    """A server whose model reads more than English."""
    server = Server(await kept.enter_async_context(await Classifier.start(lambda: both)))
    await server.start()
    kept.push_async_callback(server.stop)
    return server


async def test_other_languages_are_read_where_the_model_is(reader, opened, both):
    remote = await opened(reader.url)
    assert remote.info.languages == tuple(both.checkpoint.languages)
    english, spanish, russian = await remote.classify_many([ENGLISH, SPANISH, "это лучшая игра в мире"])
    assert (english.language, english.model) == ("en", both.part().checkpoint.version)
    assert (spanish.language, spanish.model) == ("es", both.part("es").checkpoint.version)
    assert isinstance(russian, Unreadable)
    assert "Spanish" in russian.reads
    assert [text.text for text in reader.texts()] == [ENGLISH, SPANISH]
    assert (await remote.explain(SPANISH)).verdict == spanish
    (endpoint,) = remote._dispatcher.endpoints
    assert not endpoint._stale, "two models that answer as one aren't another than before"


@pytest.mark.parametrize("begins_with_two", [True, False], ids=["two, then one", "one, then two"])
async def test_a_server_that_has_another_model_beside_the_same_one_is_asked_what_it_reads(
    server, reader, opened, begins_with_two
):
    """English verdicts have the same version before and after."""
    before, after = (reader, server) if begins_with_two else (server, reader)
    remote = await opened(before.url)
    (endpoint,) = remote._dispatcher.endpoints
    before.service._classifier = after.service._classifier
    assert (await remote.classify(ENGLISH)).model == endpoint.info.versions[0]
    assert endpoint._stale


async def test_while_no_server_answers_the_model_here_refuses_what_it_does_not_read(reader, opened):
    remote = await opened(reader.url)

    async def broken(_):
        return web.Response(status=500)

    reader.behave = broken
    with pytest.raises(Unreadable, match=r"Spanish\. I only read English\."):
        await remote.classify(SPANISH)
    assert (await remote.classify(ENGLISH)).language == ""


async def test_a_server_of_an_earlier_version_gets_no_other_language(reader, opened):
    async def earlier(asked):
        answers = [await reader.service._answer(text) for text in asked.texts]
        reply = json.loads(reply_out(answers, reader.service._classifier.info if asked.info else None))
        for shape in (*reply["answers"], reply["info"] or {}):
            shape.pop("language", None)
            shape.pop("languages", None)
        return web.Response(body=json.dumps(reply).encode(), content_type="application/json")

    reader.behave = earlier
    remote = await opened(reader.url)
    assert remote.info.languages == ()
    with pytest.raises(Unreadable, match=r"Spanish\. I only read English\."):
        await remote.classify(SPANISH)
    assert (await remote.classify(ENGLISH)).language == ""
    assert [text.text for text in reader.texts()] == [ENGLISH]


async def test_where_both_read_it_the_one_here_stands_in(reader, both, kept):
    from model.serving.failover_classifier import FailoverClassifier
    from tests.model.serving.conftest import TOKEN

    local = await Classifier.start(lambda: both)
    remote = await kept.enter_async_context(await FailoverClassifier.open(local, [reader.url], TOKEN))
    await reader.stop()
    assert (await remote.classify(SPANISH)).language == "es"
