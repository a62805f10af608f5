"""Whether the process works and whether it is ready, as sentences for whoever is woken by it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.app.running import Running
from bot.app.vital_signs import VitalSigns

PASS_SECONDS = 15.0
"""How old the last real forward pass may be; one is made after five seconds without texts."""

FLUSH_SECONDS = 60.0
"""How long ago what was read may have been written last; that is tried every five seconds."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, whether it is as it should be, and a sentence about it."""

    name: str
    ok: bool
    said: str


def model_check(running: Running) -> Check:
    """The model answers, be it the one that was asked for or the one that stands in for it."""
    if running.classifier is None:
        return Check("model", False, "it's loading")
    health, info = running.classifier.health(), running.classifier.info
    if not health.healthy:
        return Check("model", False, health.reason)
    if health.since_pass > PASS_SECONDS:
        return Check("model", False, f"its last forward pass is {health.since_pass:.0f} s old")
    return Check("model", True, info.fallback or f"{info.version} answers")


def inference_check(running: Running) -> list[Check]:
    """Where texts are scored, if that is asked elsewhere. The model here stands in, so nothing is wrong with either."""
    backends = running.classifier.health().backends if running.classifier is not None else {}
    if "remote" not in backends:
        return []
    said = "remote: the server at INFERENCE_URL answers" if backends["remote"] else "fallback: the model here answers"
    return [Check("inference", True, said)]


def store_check(running: Running, signs: VitalSigns, now: float) -> Check:
    """The database answers, and what was read is written. `now` is of the clock of `signs`."""
    if running.storage is None:
        return Check("store", False, "it's opening")
    if not signs.store_is_up():
        ago = "yet" if signs.store_seen is None else f"for {now - signs.store_seen:.0f} s"
        return Check("store", False, f"it hasn't answered {ago}")
    buffer = running.storage.write_buffer
    since = buffer.since_flush()
    if since is not None and since > FLUSH_SECONDS:
        return Check("store", False, f"nothing was written for {since:.0f} s, and {len(buffer)} messages wait")
    return Check("store", True, "it answers")


def shards_check(running: Running) -> Check:
    """Each shard of this process has a session with Discord, and all servers are known.

    One that only waits to take another's place is as it should be.
    """
    client, up, leases = running.client, running.traffic.up, running.storage and running.storage.leases
    if leases and leases.waits_for:
        return Check("discord", True, f"it's on standby: {leases.waits_for}")
    if client is None or not client.is_ready() or not up:
        return Check("discord", False, "it isn't connected yet")
    lost = sorted(number for number, stands in up.items() if not stands)
    if lost:
        return Check("discord", False, f"shards {', '.join(map(str, lost))} aren't connected")
    ours = len(client.own_shards.of(client.shard_count or 1))
    return Check("discord", len(up) >= ours, f"{len(up)} of {ours} shards are connected")


def works(running: Running, signs: VitalSigns, now: float) -> list[Check]:
    """Whether what is there works: if not, a restart may help."""
    return [model_check(running), store_check(running, signs, now)]


def is_ready(running: Running, signs: VitalSigns, now: float) -> list[Check]:
    """Whether people are answered: if not, it may be Discord's doing, and a restart need not help."""
    return [*works(running, signs, now), *inference_check(running), shards_check(running)]
