"""How a model comes to answer in all of several processes, or in none: the rule by which its release moves on.

wanted -> checking -> canary -> active, and from each of the first three to refused. Going back leaves the canary out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

CANARY_SHARE = 0.1
"""The share of servers that the new model answers first; a server is among them or not, in whatever process."""

CANARY_MS = 60_000
"""For how long."""

LIMIT_MS = 600_000
"""How long all of it may take, from the asking on."""


class ReleaseState(StrEnum):
    """How far a release is."""

    WANTED = "wanted"
    CHECKING = "checking"
    CANARY = "canary"
    ACTIVE = "active"
    REFUSED = "refused"

    @property
    def is_over(self) -> bool:
        """Whether nothing becomes of it any more."""
        return self in (ReleaseState.ACTIVE, ReleaseState.REFUSED)


class ReportState(StrEnum):
    """How far a release is in one process: asked, the model is ready, it answers some servers, or it is refused.

    `APART` is one whose texts are scored elsewhere (INFERENCE_URL): there is no model in it to change.
    """

    ASKED = "asked"
    READY = "ready"
    CANARY = "canary"
    REFUSED = "refused"
    APART = "apart"

    @property
    def has_it(self) -> bool:
        """Whether the model is loaded there."""
        return self in (ReportState.READY, ReportState.CANARY)


@dataclass(frozen=True, slots=True)
class Release:
    """A model that is to answer in all processes: its source, and its SHA-256 as soon as one of them has loaded it.

    `version` names it to people. The two fields of before are those of the model there was, for going back. `reason` is
    a sentence, of one that was refused. `asked` and `changed` are in milliseconds by the database's clock.
    """

    number: int
    source: str
    sha256: str
    version: str
    before_source: str
    before_sha256: str
    rollback: bool
    state: ReleaseState
    reason: str
    asked: int
    changed: int


@dataclass(frozen=True, slots=True)
class Report:
    """What one process has said of a release; `who` names the process to people."""

    process: str
    who: str
    state: ReportState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Peer:
    """A process that has registered, and whether it lives. One that has ended in order is not there any more."""

    process: str
    who: str
    lives: bool


def taking_part(peers: Collection[Peer], reports: Mapping[str, Report]) -> list[tuple[Peer, ReportState | None]]:
    """The processes whose model is to change, and what each has said; None: nothing, nor was it asked.

    Two may have the same name: one, and another on its machine that stands by.
    """
    said = [(peer, reports[peer.process].state if peer.process in reports else None) for peer in peers]
    return [one for one in said if one[1] is not ReportState.APART]


def judge(
    release: Release,
    peers: Collection[Peer],
    reports: Mapping[str, Report],
    now: int,
    *,
    canary_ms: int = CANARY_MS,
    limit_ms: int = LIMIT_MS,
) -> tuple[ReleaseState, str] | None:
    """The state that comes next, and why if that is a refusal; None: it is not time yet.

    `reports` are by process. One that was asked and then died is a refusal: the new model may be why.
    """
    if release.state.is_over:
        return None
    for report in reports.values():
        if report.state is ReportState.REFUSED:
            return ReleaseState.REFUSED, f"{report.who}: {report.reason}"
    all_of_it = taking_part(peers, reports)
    dead = [peer.who for peer, state in all_of_it if state is not None and not peer.lives]
    if dead:
        return ReleaseState.REFUSED, f"{dead[0]} has died or hangs."
    living = [(peer.who, state) for peer, state in all_of_it if peer.lives]
    are_ready = bool(living) and all(state is not None and state.has_it for _, state in living)
    if now - release.asked >= limit_ms:
        late = [who for who, state in living if state is None or not state.has_it]
        minutes = limit_ms / 60_000
        return ReleaseState.REFUSED, f"It wasn't released within {minutes:.0f} minutes{_waiting_for(late)}."
    if release.state is ReleaseState.WANTED:
        return ReleaseState.CHECKING, ""
    if release.state is ReleaseState.CHECKING:
        if are_ready:
            return (ReleaseState.ACTIVE if release.rollback else ReleaseState.CANARY), ""
        return None
    is_time = now - release.changed >= canary_ms
    if are_ready and is_time and all(state is ReportState.CANARY for _, state in living):
        return ReleaseState.ACTIVE, ""
    return None


def _waiting_for(late: list[str]) -> str:
    if not late:
        return ""
    more = f" and {len(late) - 1} more" if len(late) > 1 else ""
    return f": {late[0]}{more} didn't have it ready"
