"""Answers orchestrators and Prometheus on a port of its own: does it live, work, and answer people?"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from bot.app.bounded_server import Answer, BoundedServer
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
    server = BoundedServer(_answers(running, signs, clock))
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=_CLOSING_SECONDS)
    try:
        await runner.setup()
        site = web.TCPSite(runner, settings.metrics_host, settings.metrics_port)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(
                f"Health checks and metrics can't be served at {settings.metrics_host}:{settings.metrics_port} ("
                f"{error.strerror}). Set METRICS_HOST and METRICS_PORT to a free address."
            ) from None
        yield
    finally:
        await runner.cleanup()
        await signs.close()


def _answers(running: Running, signs: VitalSigns, clock: Callable[[], float]) -> Mapping[str, Answer]:
    async def livez() -> web.Response:
        return _answer([Check("loop", True, "it turns")])

    async def healthz() -> web.Response:
        return _answer(works(running, signs, clock()))

    async def readyz() -> web.Response:
        return _answer(is_ready(running, signs, clock()))

    async def metrics() -> web.Response:
        return web.Response(body=metrics_text(running, signs), headers={"Content-Type": METRICS_TYPE})

    return {"/livez": livez, "/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


def _answer(checks: Iterable[Check]) -> web.Response:
    """200 when all is well, and 503 otherwise; the body says what was looked at, and never whose server it was."""
    found = list(checks)
    ok = all(check.ok for check in found)
    body = {"ok": ok, "checks": {check.name: {"ok": check.ok, "said": check.said} for check in found}}
    return web.json_response(body, status=200 if ok else 503)
