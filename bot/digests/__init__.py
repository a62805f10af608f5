"""Digests: once a day or a week, what was notable."""

from __future__ import annotations

from bot.background_jobs import TICK_SECONDS, Job
from bot.digests.job import DigestJob
from bot.services import Feature, Services
from bot.storage.schema import DigestRow

__all__ = ["setup"]

LOOK_SECONDS = TICK_SECONDS
"""How often it is looked whether one is due; the demo looks sooner."""


def setup(services: Services) -> Feature:
    """Sends what is due."""
    return Feature(
        name="digests",
        jobs=(Job("digests", DigestJob(services).tick, LOOK_SECONDS, limit=1800),),
        impersonal={DigestRow: "which digests were posted"},
    )
