"""A server whose model is another than the one that stands in for it here."""

from dataclasses import replace

import pytest

from model import Classifier
from model.serving.failover_classifier import FailoverClassifier
from tests.model.serving.conftest import TOKEN


@pytest.mark.parametrize(("version", "times"), [("another", 1), (None, 0)], ids=["differs", "is the same"])
async def test_that_they_differ_is_said_once(engine, server, kept, caplog, version, times):
    checkpoint = replace(engine.checkpoint, version=version or engine.checkpoint.version)
    local = await Classifier.start(lambda: replace(engine, checkpoint=checkpoint))
    remote = await kept.enter_async_context(await FailoverClassifier.open(local, [server.url], TOKEN))
    (endpoint,) = remote._dispatcher.endpoints
    assert await endpoint.probe()
    assert caplog.text.count("and while it doesn't, ") == times
