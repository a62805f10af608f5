"""Answers orchestrators and Prometheus on a port of its own: does it live, work, and answer people?"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from bot.app.health_checks import Check, is_ready, works
from bot.app.metrics import metrics_text
from bot.app.running import Running
from bot.app.vital_signs import VitalSigns
from bot.settings import Settings, SettingsError

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_CLOSING_SECONDS = 0.2


@asynccontextmanager
async def health_server(
    settings: Settings, running: Running, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[None]:
    """Measures, and listens at METRICS_HOST and METRICS_PORT, for as long as the context lasts.

    Raises SettingsError when that address cannot be had.
    """
    signs = VitalSigns(running, clock)
    signs.start()
    runner = web.AppRunner(_application(running, signs, clock), access_log=None, handle_signals=False)
    try:
        await runner.setup()
        site = web.TCPSite(runner, settings.metrics_host, settings.metrics_port, shutdown_timeout=_CLOSING_SECONDS)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(
                f"Health and metrics cannot be served at {settings.metrics_host}:{settings.metrics_port} "
                f"({error.strerror}); set METRICS_HOST and METRICS_PORT to an address that is free."
            ) from None
        yield
    finally:
        await runner.cleanup()
        await signs.close()


def _application(running: Running, signs: VitalSigns, clock: Callable[[], float]) -> web.Application:
    async def livez(_: web.Request) -> web.Response:
        return _answer([Check("loop", True, "it turns")])

    async def healthz(_: web.Request) -> web.Response:
        return _answer(works(running, signs, clock()))

    async def readyz(_: web.Request) -> web.Response:
        return _answer(is_ready(running, signs, clock()))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics_text(running, signs), headers={"Content-Type": METRICS_TYPE})

    application = web.Application(client_max_size=1024)
    for path, handler in (("/livez", livez), ("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
        application.router.add_get(path, handler)
    return application


def _answer(checks: Iterable[Check]) -> web.Response:
    """200 when all is well, and 503 otherwise; the body says what was looked at, and never whose server it was."""
    found = list(checks)
    ok = all(check.ok for check in found)
    body = {"ok": ok, "checks": {check.name: {"ok": check.ok, "said": check.said} for check in found}}
    return web.json_response(body, status=200 if ok else 503)
