"""A stop that comes while the page is still starting."""

import asyncio
import os
import signal
import socket

import pytest

from bot.app import page as command
from bot.app import runtime as process
from bot.app.connecting import EX_OK
from bot.app.page import serve
from bot.app.page_supervisor import PageSupervisor


def stop_here(*_, **__):
    """Tells this process to end and is never done."""
    os.kill(os.getpid(), signal.SIGTERM)
    return asyncio.get_running_loop().create_future()


async def never(*_, **__):
    await stop_here()


@pytest.mark.parametrize("slow", ["open_classifier", "running_page"], ids=["the model", "the page"])
async def test_a_page_that_is_still_starting_ends_at_once(classifier, settings, monkeypatch, slow):
    async def opened(*_):
        return Untouched(classifier)

    monkeypatch.setattr(command, "open_classifier", opened)
    monkeypatch.setattr(command, slow, never if slow == "open_classifier" else Never)
    async with asyncio.timeout(20):
        await serve(settings, "127.0.0.1", 0, share=False, open_browser=False)


async def test_a_bot_whose_page_is_still_starting_ends_at_once_and_closes_its_model(
    classifier, settings, storage, monkeypatch
):
    model, processes = Untouched(classifier), []
    start = PageSupervisor._started

    async def parts(_settings, running):
        running.classifier, running.storage = model, storage
        return running

    async def connected(_settings, _token, stop, _running):
        await stop.wait()
        return EX_OK

    def started(self, theirs):
        processes.append(start(self, theirs))
        os.kill(os.getpid(), signal.SIGTERM)
        return processes[0]

    monkeypatch.setattr(process, "open_parts", parts)
    monkeypatch.setattr(process, "_connect", connected)
    monkeypatch.setattr(process, "freeze_what_is_loaded", lambda: None)
    monkeypatch.setattr(PageSupervisor, "_started", started)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with asyncio.timeout(20):
        assert await process.run(settings.model_copy(update={"web_port": port}), "token") == EX_OK
    assert model.closed
    assert processes[0].returncode is not None


class Never:
    """A page that never begins."""

    def __init__(self, *_, **__):
        pass

    async def __aenter__(self):
        await stop_here()

    async def __aexit__(self, *_):
        pass


class Untouched:
    """Stands before the model that all tests share, and only notes that it is closed."""

    def __init__(self, classifier):
        self.classifier = classifier
        self.info = classifier.info
        self.closed = False

    async def close(self):
        self.closed = True

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()
