"""A model here, the same one behind a server on this machine, and a server that can be made to do anything."""

from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from model import Classifier
from model.backends.engine import load_engine
from model.serving.failover_classifier import FailoverClassifier
from model.serving.service import ScoringService
from model.serving.wire import ROUTE, Asked

PATIENCE = 60.0
"""Seconds; a busy machine is slow, not wrong."""

TOKEN = "only-of-these-tests-0123"


class Server:
    """Answers rightly, with the real service; `behave` is asked first, and may answer otherwise."""

    def __init__(self, classifier):
        self.service = ScoringService(classifier, TOKEN)
        self.behave = None
        self.lists = []
        self.url = ""
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1)

    async def start(self):
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}{ROUTE}"

    async def stop(self):
        await self._runner.cleanup()

    def texts(self):
        """Those that were asked for, without probes."""
        return [text for asked in self.lists for text in asked.texts if not text.fresh]

    def _app(self):
        app = web.Application(client_max_size=4 * 2**20)
        app.router.add_post(ROUTE, self._answered)
        return app

    async def _answered(self, request):
        body = await request.read()
        asked = Asked.model_validate_json(body)
        self.lists.append(asked)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if (refused := self.service.before_body("POST", ROUTE, headers)) is not None:
            return web.Response(status=refused[0], body=refused[1])
        if self.behave is not None and (answer := await self.behave(asked)) is not None:
            return answer
        status, said = await self.service.answer(body)
        return web.Response(status=status, body=said, content_type="application/json")


@pytest.fixture(scope="session")
def engine():
    return load_engine("bundled", "cpu", 1, backend="onnxruntime")


@pytest.fixture
async def kept():
    async with AsyncExitStack() as kept:
        yield kept


@pytest.fixture
async def classifier(engine):
    """The model of this process: what it says is right."""
    async with await Classifier.start(lambda: engine) as classifier:
        yield classifier


@pytest.fixture
async def new_server(engine, kept):
    async def new_server():
        server = Server(await kept.enter_async_context(await Classifier.start(lambda: engine)))
        await server.start()
        kept.push_async_callback(server.stop)
        return server

    return new_server


@pytest.fixture
async def server(new_server):
    return await new_server()


@pytest.fixture
def opened(engine, kept):
    """A classifier over these servers, with a model of its own to stand in."""

    async def opened(*urls, token=TOKEN, **options):
        local = await Classifier.start(lambda: engine)
        return await kept.enter_async_context(await FailoverClassifier.open(local, urls, token, **options))

    return opened
