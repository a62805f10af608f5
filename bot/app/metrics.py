"""The process in numbers, for Prometheus: base units, `_total` for what only grows, and no server's or person's id."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.app.health_checks import is_ready, works
from bot.app.running import Running
from bot.app.vital_signs import VitalSigns
from bot.domain.model_release import ReleaseState
from model.histogram import Histogram
from model.installation import installed_version

_PREFIX = "vibecheck_"

_TASK = "task"
"""The label of a job's name: `job` and `instance` are Prometheus' own, which puts them over ours."""


def metrics_text(running: Running, signs: VitalSigns) -> bytes:
    """All metrics of this moment, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(ProcessMetrics(running, signs))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return generate_latest(registry)


class ProcessMetrics(Collector):
    """What the parts of the process tell about themselves; of parts that are not there yet nothing is told."""

    def __init__(self, running: Running, signs: VitalSigns) -> None:
        self._running = running
        self._signs = signs

    def collect(self) -> Iterable[Metric]:
        """See `Collector`."""
        yield from self._process()
        yield from self._model()
        yield from self._store()
        yield from self._cluster()
        yield from self._discord()
        yield from self._jobs()

    def _process(self) -> Iterator[Metric]:
        classifier = self._running.classifier
        model = classifier.info.version if classifier is not None else ""
        build = GaugeMetricFamily(
            f"{_PREFIX}build_info", "Versions; the value is 1.", labels=("version", "model", "python")
        )
        build.add_metric((installed_version(), model, platform.python_version()), 1)
        yield build
        now = time.monotonic()
        well = {"works": works(self._running, self._signs, now), "ready": is_ready(self._running, self._signs, now)}
        yield _gauge("works", "Whether /healthz is 200.", all(check.ok for check in well["works"]))
        yield _gauge("ready", "Whether /readyz is 200.", all(check.ok for check in well["ready"]))
        yield _histogram("event_loop_lag_seconds", "How late the event loop ran.", self._signs.lag)
        yield _histogram("gc_pause_seconds", "How long the garbage collector held everything.", self._signs.pauses)

    def _model(self) -> Iterator[Metric]:
        classifier = self._running.classifier
        if classifier is None:
            return
        stats, health = classifier.stats(), classifier.health()
        yield _gauge("inference_queue_texts", "Texts that wait for the model.", stats.queued)
        yield _gauge("inference_queue_tokens", "Tokens, estimated, that wait for the model.", stats.queued_tokens)
        answered = sum(found.count for found in stats.seconds.values())
        yield _counter("inference_texts", "Texts that the model has answered.", answered)
        yield _counter("inference_cached", "Of these, answered from the cache.", stats.cached)
        yield _counter("inference_failed", "Texts on which the model failed.", stats.failed)
        yield _counter("inference_expired", "Texts that waited for too long.", stats.expired)
        yield _counter("inference_shed", "Texts that were refused because too much waited.", stats.shed)
        padding = 1 - stats.useful_tokens / stats.computed_tokens if stats.computed_tokens else 0.0
        yield _gauge("inference_padding_ratio", "Share of computed tokens that were padding.", padding)
        waits = HistogramMetricFamily(
            f"{_PREFIX}inference_seconds", "Time from a text's arrival to its verdict.", labels=("priority",)
        )
        for priority, histogram in stats.seconds.items():
            waits.add_metric((priority,), histogram.buckets(), histogram.sum)
        yield waits
        yield _gauge(
            "inference_last_pass_timestamp_seconds", "When a forward pass ended last.", time.time() - health.since_pass
        )
        yield _counter("inference_replaced", "How often a hung or broken model was reloaded.", health.replaced)
        yield _gauge("inference_up", "Whether the model answers.", health.healthy)
        backends = _family("inference_backend_up", "Whether a place where texts are scored answers.", "backend")
        for name, up in (health.backends or {"local": health.healthy}).items():
            backends.add_metric((name,), up)
        yield backends
        yield _counter("inference_fallback_texts", "Texts scored here because no server did.", stats.stood_in)
        yield _gauge("model_fallback", "Whether a fallback model is running.", bool(classifier.info.fallback))

    def _store(self) -> Iterator[Metric]:
        storage, signs = self._running.storage, self._signs
        if storage is None:
            return
        buffer = storage.write_buffer
        yield _histogram("store_flush_seconds", "How long writing what was read takes.", buffer.flush_seconds)
        since = buffer.since_flush()
        if since is not None:
            yield _gauge("store_last_flush_timestamp_seconds", "When it succeeded last.", time.time() - since)
        yield _gauge("store_pending_messages", "Messages that wait to be written.", len(buffer))
        dropped = CounterMetricFamily(f"{_PREFIX}store_dropped", "What there was no room for.", labels=("kind",))
        dropped.add_metric(("message",), buffer.counts.dropped)
        dropped.add_metric(("deletion",), buffer.counts.dropped_deletions)
        yield dropped
        yield _counter("store_failures", "Writes that failed and are tried again.", buffer.counts.failures)
        yield _counter("store_written_messages", "Messages whose score was written.", buffer.counts.written)
        yield _gauge("store_up", "Whether the database has answered lately.", signs.store_is_up())
        yield _gauge("purge_oldest_row_age_seconds", "Age of the oldest message whose score is kept.", signs.oldest_age)

    def _cluster(self) -> Iterator[Metric]:
        storage = self._running.storage
        if storage is None:
            return
        leases = storage.leases
        yield _gauge("leads", "Whether this process does what one of several does for all.", storage.leads)
        held = _family("lease_held", "Whether this process, one of several, serves a shard.", "shard")
        if leases is not None:
            for number in leases.shards.of(leases.shards.count):
                held.add_metric((str(number),), number in leases.held)
        yield held
        latest = self._running.follower.latest if self._running.follower is not None else None
        release = _family("model_release_state", "How far the last release of a model is.", "state")
        if latest is not None:
            for state in ReleaseState:
                release.add_metric((state.value,), latest.state is state)
        yield release
        yield _gauge(
            "shards_unheld",
            "Shards that no process serves, as the one knows that leads.",
            leases.unheld if leases else 0,
        )

    def _discord(self) -> Iterator[Metric]:
        client, traffic = self._running.client, self._running.traffic
        if client is None:
            return
        up = _family("shard_up", "Whether a shard is connected.", "shard")
        latency = _family("shard_latency_seconds", "How long its last heartbeat took.", "shard")
        guilds = _family("guilds", "Servers that it serves.", "shard")
        served = dict.fromkeys(client.shards, 0)
        for guild in client.guilds:
            served[guild.shard_id] = served.get(guild.shard_id, 0) + 1
        for number, shard in client.shards.items():
            up.add_metric((str(number),), traffic.up.get(number, False))
            if shard.latency < float("inf"):
                latency.add_metric((str(number),), shard.latency)
            guilds.add_metric((str(number),), served[number])
        yield from (up, latency, guilds)
        sessions = CounterMetricFamily(
            f"{_PREFIX}shard_sessions", "Sessions that began or went on.", labels=("shard", "kind")
        )
        for (number, kind), count in traffic.sessions.items():
            sessions.add_metric((str(number), kind), count)
        yield sessions
        if traffic.identifies_remaining is not None:
            yield _gauge(
                "identifies_remaining", "Sessions that Discord lets begin today.", traffic.identifies_remaining
            )
        events = CounterMetricFamily(f"{_PREFIX}gateway_events", "Events from Discord.", labels=("type",))
        for kind, count in traffic.events.items():
            events.add_metric((kind,), count)
        yield events
        requests = CounterMetricFamily(f"{_PREFIX}discord_requests", "Requests to Discord.", labels=("route", "status"))
        for (route, status), count in traffic.requests.items():
            requests.add_metric((route, str(status)), count)
        yield requests
        yield _gauge("discord_invalid_requests", "Refused ones of the last ten minutes.", traffic.invalid_requests())
        commands = HistogramMetricFamily(
            f"{_PREFIX}interactions_seconds", "How long commands took.", labels=("command", "result")
        )
        for (name, result), histogram in traffic.commands.items():
            commands.add_metric((name, result), histogram.buckets(), histogram.sum)
        yield commands
        messages = CounterMetricFamily(f"{_PREFIX}messages", "What happened to watched messages.", labels=("result",))
        unreadable = CounterMetricFamily(
            f"{_PREFIX}unreadable", "Watched messages that weren't read, by language.", labels=("language",)
        )
        for feature in client.features:
            for result, count in (feature.counts() if feature.counts is not None else {}).items():
                messages.add_metric((result,), count)
            for language, count in (feature.unreadable() if feature.unreadable is not None else {}).items():
                unreadable.add_metric((language,), count)
        yield from (messages, unreadable)

    def _jobs(self) -> Iterator[Metric]:
        client, storage = self._running.client, self._running.storage
        if client is None or (storage is not None and storage.leases is not None and not storage.leases.held):
            return  # nothing of this is done while it waits
        succeeded = _family("job_last_success_timestamp_seconds", "When it succeeded last, or was begun.", _TASK)
        seconds = _family("job_seconds", "How long its last run took.", _TASK)
        failures = CounterMetricFamily(f"{_PREFIX}job_failures", "Runs that failed or overran.", labels=(_TASK,))
        put_off = CounterMetricFamily(f"{_PREFIX}job_put_off", "Runs that stood back.", labels=(_TASK,))
        for name, state in client.jobs.states().items():
            succeeded.add_metric((name,), state.begun if state.succeeded is None else state.succeeded)
            if state.seconds is not None:
                seconds.add_metric((name,), state.seconds)
            failures.add_metric((name,), state.failed + state.overran)
            put_off.add_metric((name,), state.put_off)
        yield from (succeeded, seconds, failures, put_off)


def _gauge(name: str, said: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, said, value=float(value))


def _counter(name: str, said: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(_PREFIX + name, said, value=float(value))


def _family(name: str, said: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, said, labels=(label,))


def _histogram(name: str, said: str, found: Histogram) -> HistogramMetricFamily:
    return HistogramMetricFamily(_PREFIX + name, said, buckets=found.buckets(), sum_value=found.sum)
