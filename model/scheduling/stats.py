"""What a worker tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.histogram import Histogram


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the start, in texts unless said otherwise.

    `shed` were refused or dropped because the queue was full, `expired` waited beyond their deadline, `cached` are
    those of `served` that needed no computing. `queued_tokens` are estimated. Of the `computed_tokens` those beyond
    `useful_tokens` were padding. `p50` and `p99` are in seconds, from submission to verdict, over the latest answers;
    `per_second` is over the last minute. `seconds` are the same, all of them, by the name of the priority. `stood_in`
    are those that the model of this process has answered because no server of texts did.
    """

    queued: int
    served: int
    failed: int
    shed: int
    batches: int
    expired: int = 0
    cached: int = 0
    queued_tokens: int = 0
    useful_tokens: int = 0
    computed_tokens: int = 0
    p50: float = 0.0
    p99: float = 0.0
    per_second: float = 0.0
    seconds: Mapping[str, Histogram] = field(default_factory=dict)
    stood_in: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the model answers: `since_pass` is the age in seconds of its last real forward pass.

    `reason` says what is wrong, `replaced` how often a stuck or broken model was loaded anew, and `since_look` is the
    age in seconds of the last look of the watchdog, which would do that. `backends` says which of "remote" and "local"
    answer, where there are both.
    """

    healthy: bool
    since_pass: float
    reason: str
    replaced: int
    since_look: float = 0.0
    backends: Mapping[str, bool] = field(default_factory=dict)
