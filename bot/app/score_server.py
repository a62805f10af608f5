"""`vibecheck score-server`: the model for bots on other machines, one route over the classifier that they have, too."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial

from aiohttp import web

from bot.app.connecting import EX_CONFIG, EX_OK
from bot.app.logging_setup import say, set_up_logging
from bot.app.open_model import open_local
from bot.app.process_tuning import (
    freeze_what_is_loaded,
    keep_memory_private,
    on_hangup,
    open_many_files,
    stop_on_signals,
    tune_threads,
)
from bot.app.reloading import reload_in_background
from bot.app.service_manager import ServiceManager
from bot.app.shutdown import GRACE_SECONDS, ShutdownBudget, run_to_the_end
from bot.settings import Settings, SettingsError, is_local
from model import CheckpointError, Classifier
from model.concurrency import unless
from model.serving.service import ScoringService, unwell
from model.serving.wire import MOST_BYTES, ROUTE

_log = logging.getLogger(__name__)

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8000

MOST_CONNECTIONS = 1024
"""How many there may be at once. Each bot has some 32, and one for each person who is being answered."""

FIRST_SECONDS = 10.0
"""Within which a new connection must have asked something, and the body of a list have arrived."""

_WHO_MAY = (
    "Other machines could have their texts scored here. Set INFERENCE_TOKEN to a secret of at least 16 characters, the "
    "same as in the bot's settings, or listen at 127.0.0.1."
)


def run_server(settings: Settings, host: str, port: int) -> int:
    """Serves until SIGINT or SIGTERM and returns the exit code; says in one sentence what stopped it otherwise."""
    set_up_logging(settings.log_level, settings.log_format)
    tune_threads(settings.threads)
    keep_memory_private()
    open_many_files()
    return run_to_the_end(_serve(settings, host, port))


def check_reachable(settings: Settings, host: str) -> None:
    """Raises SettingsError for a server that others can reach while nothing says who may."""
    token_of(settings, needed=not is_local(host))


def token_of(settings: Settings, *, needed: bool) -> str:
    """What whoever has texts scored must show; "" for nothing. Raises SettingsError when it is `needed` and not set."""
    if settings.inference_token is not None:
        return settings.inference_token.get_secret_value()
    if needed:
        raise SettingsError(_WHO_MAY)
    return ""


async def _serve(settings: Settings, host: str, port: int) -> int:
    stop = stop_on_signals()
    on_hangup(lambda: None)  # nothing to reload yet; it would end the process
    manager = ServiceManager()
    classifier: Classifier | None = None
    server: ScoreServer | None = None
    try:
        check_reachable(settings, host)
        classifier = await unless(stop, open_local(settings), grace=GRACE_SECONDS)
        if classifier is None:
            return EX_OK
        on_hangup(partial(reload_in_background, classifier))
        server = ScoreServer(classifier, settings)
        address = await server.start(host, port)
        freeze_what_is_loaded()
        _log.info("texts are scored at %s by model %s", address, classifier.info.version)
        manager.tell("READY=1", f"STATUS=scoring at {address}")
        well = classifier
        async with manager.watched(lambda: not unwell(well)):
            await stop.wait()
        return EX_OK
    except (CheckpointError, SettingsError) as error:
        return say(str(error), EX_CONFIG)
    finally:
        manager.tell("STOPPING=1")
        budget = ShutdownBudget()
        if server is not None:
            await budget.give("messages", server.drained())
        if classifier is not None:
            await budget.give("model", classifier.close())
        if server is not None:
            await budget.give("connection", server.close())


class ScoreServer(web.Server):
    """Answers lists of texts over a classifier, which stays its opener's to close."""

    def __init__(self, classifier: Classifier, settings: Settings) -> None:
        # The library's own log would name what somebody has sent.
        silent = logging.getLogger("aiohttp.server.silent")
        silent.disabled = True
        super().__init__(
            self._answered,
            access_log=None,
            logger=silent,
            handler_cancellation=True,
            auto_decompress=False,
            max_line_size=1024,
            max_field_size=4096,
            lingering_time=1.0,
        )
        self.service = ScoringService(classifier, token_of(settings, needed=False))
        self._runner = web.ServerRunner(self, handle_signals=False, shutdown_timeout=GRACE_SECONDS)
        self._waiting: dict[object, asyncio.TimerHandle] = {}
        self._open: set[object] = set()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self, host: str, port: int) -> str:
        """Listens; returns the address of the route. Raises SettingsError when that cannot be had."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(
                f"Texts can't be scored at {host}, port {port} ({error.strerror}). Choose another host or port."
            ) from None
        taken = self._runner.addresses[0][1]
        return f"http://{f'[{host}]' if ':' in host else host}:{taken}{ROUTE}"

    async def drained(self) -> None:
        """Takes in no more, and waits for the lists that are being answered."""
        self.service.closing = True
        await self._idle.wait()

    async def close(self) -> None:
        """Ends all connections."""
        self.service.closing = True
        await self._runner.cleanup()

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Called by the library."""
        super().connection_made(handler, transport)
        self._open.add(handler)
        if len(self._open) > MOST_CONNECTIONS:
            transport.abort()
        else:
            self._waiting[handler] = asyncio.get_running_loop().call_later(FIRST_SECONDS, transport.abort)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Called by the library."""
        super().connection_lost(handler, exc)
        self._open.discard(handler)
        self._has_asked(handler)

    def _has_asked(self, handler: object) -> None:
        if (end := self._waiting.pop(handler, None)) is not None:
            end.cancel()

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        self._has_asked(request.protocol)
        headers = {name.lower(): value for name, value in request.headers.items()}
        refused = self.service.before_body(request.method, request.path, headers)
        if refused is None:
            self._under_way += 1
            self._idle.clear()
            try:
                body = await _body(request)
                refused = (408, b'{"error":"slow"}') if body is None else None
                status, said = refused or await self.service.answer(body or b"")
            finally:
                self._under_way -= 1
                if not self._under_way:
                    self._idle.set()
        else:
            status, said = refused
        response = web.Response(status=status, body=said, content_type="application/json")
        if refused is not None or self.service.closing:
            response.force_close()  # what may be left of a body is not read
        return response


async def _body(request: web.BaseRequest) -> bytes | None:
    """A body of the length that was announced; None when it does not come in time."""
    parts: list[bytes] = []
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(FIRST_SECONDS):
            async for part in request.content.iter_any():
                parts.append(part)
                size += len(part)
                if size > MOST_BYTES:
                    return b""
            return b"".join(parts)
    return None
