"""What our files stand against in Gradio, as docs/decisions/0206 lists them: each needed still, and enough.

A test that is "left to Gradio" fails when a new one makes ours unnecessary: then take that part out, and its test.
"""

import asyncio
import builtins
import gc
import importlib.util
import json
import logging
import re
import traceback
from unittest.mock import AsyncMock, Mock

import pytest
from gradio import queueing, route_utils, routes
from gradio.state_holder import SessionState

from bot.web import page, server, visitors
from bot.web.asgi_guard import BrokenOff, Guard
from bot.web.gradio_sessions import _NOTING
from bot.web.page_requests import Inputs
from bot.web.request_body import Refused
from bot.web.server import running_page
from tests.bot.web.by_http import fetch, press, status_of
from tests.bot.web.test_nothing_stays import kept_values
from tests.bot.web.test_visitors import opened

WORD = "zyzzyva"
MODULES = (queueing, route_utils, routes)


@pytest.fixture
def as_gradio_is(monkeypatch):
    """Gradio's own printing again, for as long as the test."""
    for module in MODULES:
        monkeypatch.setattr(module, "traceback", traceback)
        monkeypatch.setattr(module, "print", builtins.print, raising=False)
    monkeypatch.setattr(server, "print_no_tracebacks", lambda: None)


@pytest.fixture
def failing(monkeypatch):
    """An answer that fails as nobody has foreseen, with what was typed in the message."""

    async def fails(_classifier, _settings, text):
        raise ValueError(text)
        yield

    monkeypatch.setattr(page, "one", fails)


async def test_what_fails_in_gradio_is_told_without_words(classifier, settings, failing, capfd, caplog):
    async with running_page(classifier, settings, "127.0.0.1", 0) as address:
        answer = await asyncio.to_thread(press, address.url, "vc-read", [WORD])
    assert not answer["success"]
    assert WORD not in json.dumps(answer) + "".join(capfd.readouterr()) + caplog.text
    assert "the page's framework failed: ValueError" in caplog.text


@pytest.mark.usefixtures("as_gradio_is")
async def test_left_to_gradio_a_traceback_holds_words(classifier, settings, failing, capfd):
    async with running_page(classifier, settings, "127.0.0.1", 0) as address:
        await asyncio.to_thread(press, address.url, "vc-read", [WORD])
    assert WORD in "".join(capfd.readouterr())


async def test_left_to_gradio_values_are_kept(classifier, settings, monkeypatch):
    """Enough it is by test_nothing_stays.py."""
    monkeypatch.setattr(SessionState, _NOTING, own_noting())
    monkeypatch.setattr(server, "keep_no_values", lambda: None)
    async with running_page(classifier, settings, "127.0.0.1", 0) as address:
        await asyncio.to_thread(press, address.url, "vc-read", ["what a quuxly"])
        assert "quuxly" in kept_values()


def own_noting():
    """Gradio's own method: of a module that is loaded once more, as a page of this process has taken it away."""
    found = importlib.util.find_spec(SessionState.__module__)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return getattr(module.SessionState, _NOTING)


def routes_in(routes):
    """Methods and paths, those of routers inside of others included."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from routes_in(route.original_router.routes)
        else:
            path = re.sub(r"\{[^}]*\}", "x", route.path)
            yield from ((method, path) for method in getattr(route, "methods", None) or ["GET"])


async def test_every_route_of_gradio_that_the_page_does_not_use_is_404(classifier, settings, monkeypatch):
    """Uploads, files, fetched addresses, other people's runs, logins, monitoring and whatever a new Gradio adds."""
    async with opened(classifier, settings, monkeypatch) as inside:
        found = set(routes_in(inside.app.routes))
        await check_routes(inside.url, found)


async def check_routes(address, found):
    found |= {
        (method, path + more)
        for method, path in found
        for more in ("", "/..", "/../../gradio_api/upload", "/%2e%2e/upload")
        if path != "/"
    }
    answered = set()
    for method, path in found:
        url = address.rstrip("/") + path
        status, _ = await asyncio.to_thread(status_of, url, b"" if method == "POST" else None, method)
        if status != 404:
            answered.add((method, path))
    asks = {"/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset"}
    assert {path for method, path in answered if method == "POST"} <= asks
    paths = {"/", "/config", "/theme.css", "/favicon.ico", "/gradio_api/app_id"}
    assert {path for method, path in answered if method != "POST"} <= paths
    dangerous = {"/gradio_api/upload", "/gradio_api/file=x", "/gradio_api/proxy=x", "/gradio_api/stream/x/x/x/x"}
    assert {path for _, path in found} & dangerous, "Gradio has none of these any more: look at 0206 again"


async def test_a_name_that_no_file_can_have_is_404(classifier, settings, caplog):
    async with running_page(classifier, settings, "127.0.0.1", 0) as address:
        for folder in ("static", "assets"):
            assert (await asyncio.to_thread(status_of, f"{address.url}{folder}/{'a' * 9000}"))[0] == 404
    assert not caplog.messages


async def test_every_answer_has_the_strict_headers_once(classifier, settings):
    import urllib.error
    import urllib.request

    def headers_of(url):
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.headers
        except urllib.error.HTTPError as refusal:
            return refusal.headers

    async with running_page(classifier, settings, "127.0.0.1", 0) as address:
        page_text = await asyncio.to_thread(fetch, address.url)
        (script, *_) = re.findall(r'(?:src|href)="\.?/?(assets/[^"]+)"', page_text)
        for path in ("", "config", "theme.css", "nothing/here", "gradio_api/queue/data?session_hash=a", script):
            headers = await asyncio.to_thread(headers_of, address.url + path)
            (policy,) = headers.get_all("content-security-policy")
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert headers.get_all("x-content-type-options") == ["nosniff"]
            assert headers.get_all("referrer-policy") == ["no-referrer"]
            assert headers.get_all("x-frame-options") == ["DENY"]
            assert headers["server"] is None
            assert headers["access-control-allow-origin"] is None
            assert (headers["cache-control"] == "no-store") == (path != script)


def scope(path="/", method="GET"):
    return {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"secret=1"}


async def nothing_more():
    return {"type": "http.disconnect"}


async def nobody(_message):
    """Takes what is sent."""


@pytest.mark.parametrize("begun", [False, True])
async def test_what_breaks_inside_is_said_by_its_kind_alone(begun, caplog):
    sent = []

    async def breaks(scope, _receive, send):
        assert scope["query_string"] == b""
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError(WORD)

    async def send(message):
        sent.append(message)

    with caplog.at_level(logging.DEBUG):
        if begun:
            with pytest.raises(BrokenOff) as broken:
                await Guard(breaks)(scope(), nothing_more, send)
            assert WORD not in "".join(traceback.format_exception(broken.value))
        else:
            await Guard(breaks)(scope(), nothing_more, send)
            assert sent[0]["status"] == 500
    assert WORD not in caplog.text + repr(sent)
    assert "ValueError" in caplog.text


def refusals():
    """Those there are, and from how many places each was raised."""
    gc.collect()
    kept = [each for each in gc.get_objects() if issubclass(type(each), Refused)]  # `isinstance` asks lazy ones
    return {id(each): len(list(traceback.walk_tb(each.__traceback__))) for each in kept}


@pytest.mark.parametrize(("path", "asked"), [("queue/join", 0), ("queue/join", 1), ("cancel", 0), ("x", 0)])
async def test_what_was_refused_does_not_stay(monkeypatch, path, asked):
    """An exception that is made once and raised twice keeps the frames of both times, and in them what was sent."""
    monkeypatch.setattr(visitors, "MAX_EVENTS", 0)
    before = refusals()
    body = json.dumps({"fn_index": asked, "data": [WORD], "session_hash": "a"}).encode()
    app, work = AsyncMock(), Mock()
    guard = Guard(app, inputs=Inputs({1: ((str,),)}), visitors=visitors.Visitors(work))
    answers = []

    async def sent():
        return {"type": "http.request", "body": body}

    async def send(message):
        answers.append(message)

    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await guard(scope(f"/gradio_api/{path}", "POST") | {"headers": head}, sent, send)
    assert answers[0]["status"] in {404, 422, 503}
    assert not app.called
    assert refusals() == before


async def test_cookies_and_tokens_are_not_for_the_framework():
    seen = []

    async def notes(scope, _receive, _send):
        seen.extend(name for name, _ in scope["headers"])

    given = scope() | {"headers": [(b"cookie", b"a"), (b"authorization", b"b"), (b"accept", b"c")]}
    await Guard(notes)(given, nothing_more, nobody)
    assert seen == [b"accept"]


async def test_a_part_of_the_page_of_an_unknown_kind_is_noticed():
    import gradio as gr

    with gr.Blocks() as blocks:
        number = gr.Slider()
        gr.Button().click(lambda value: value, number, None)
    with pytest.raises(KeyError, match="Slider"):
        Inputs.of(blocks)
