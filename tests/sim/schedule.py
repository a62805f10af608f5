"""What goes wrong on the simulated day, and when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.sim.crowd import HOUR


class Kind(StrEnum):
    """Each is one of the issue's; what it says is what happens."""

    DEPLOY = "every bot is restarted, one after the other"
    KILL = "a bot is killed"
    REPLICA = "an inference replica is killed, for 30 s"
    STORE = "PostgreSQL is stopped, for 30 s"
    OUTAGE = "Discord loses 20 % of the servers, for 30 min"
    STORM = "all connections break within 60 s"
    FEW = "50 sessions are left, and a bot is killed"
    NONE_LEFT = "50 sessions are left, and every bot is restarted"


@dataclass(frozen=True, slots=True)
class Fault:
    """Of a kind, at a second of the day."""

    kind: Kind
    at: int


REPLICA_SECONDS, STORE_SECONDS, OUTAGE_SECONDS, STORM_SECONDS = 30, 30, 1800, 60
OUTAGE_SHARE = 0.2
FEW_LEFT = 50

FAULTS = (
    Fault(Kind.DEPLOY, 2 * HOUR),
    Fault(Kind.KILL, 5 * HOUR),
    Fault(Kind.REPLICA, 8 * HOUR),
    Fault(Kind.STORE, 11 * HOUR),
    Fault(Kind.OUTAGE, 13 * HOUR),
    Fault(Kind.STORM, 15 * HOUR),
    Fault(Kind.FEW, 18 * HOUR),
    Fault(Kind.NONE_LEFT, 20 * HOUR),
)
