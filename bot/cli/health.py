"""Asks the bot that runs on this machine how it is, for a container's health check or a person."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from bot.settings import Settings

_SECONDS, _PAUSE_SECONDS = 4.0, 1.0
_ASKED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what listens everywhere is asked from here


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it is well, and what is said about it, a line for each thing that was looked at."""

    ok: bool
    said: str


def ask_until_well(settings: Settings, path: str, seconds: float) -> Answer:
    """As `ask`, again each second until it is well or that many seconds are over; the last answer."""
    until = time.monotonic() + seconds
    while True:
        answer = ask(settings, path)
        if answer.ok or not settings.metrics_port or time.monotonic() >= until:
            return answer
        time.sleep(_PAUSE_SECONDS)


def ask(settings: Settings, path: str) -> Answer:
    """What `path`, such as /healthz, answers at METRICS_PORT."""
    if not settings.metrics_port:
        return Answer(False, "METRICS_PORT isn't set, so there's nothing to ask.")
    host = _ASKED_AT.get(settings.metrics_host, settings.metrics_host)
    connection = HTTPConnection(host, settings.metrics_port, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        told = json.loads(response.read(65_536))
        lines = [f"{name}: {check['said']}" for name, check in told["checks"].items()]
    except (OSError, HTTPException) as error:
        return Answer(False, f"Nothing answers at {host}:{settings.metrics_port} ({type(error).__name__}).")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Answer(False, f"What answers at {host}:{settings.metrics_port} isn't this bot.")
    finally:
        connection.close()
    return Answer(response.status == 200, "\n".join(lines))
