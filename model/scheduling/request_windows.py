"""A text on its way through the model, in windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.backends.engine import Engine
from model.register import Traits
from model.scheduling.request import Request

_NO_TRAITS = Traits()

_LIGHT = 160
"""Tokens up to which a window is computed in some ten milliseconds."""

_BETWEEN_WINDOWS = 256
"""Estimated tokens of newer texts that may go before each further window of a long one."""


@dataclass(slots=True, eq=False)
class Job:
    """A text that one loop reads, with one engine, and its windows' logits as they come."""

    request: Request
    engine: Engine
    key: bytes | None
    logits: list[NDArray[np.float32] | None]
    skipped: int = 0
    traits: Traits = _NO_TRAITS


@dataclass(slots=True, eq=False)
class Window:
    """At most 512 of a text's tokens; the network reads no more at a time."""

    job: Job
    index: int
    ids: list[int]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_heavy(self) -> bool:
        """Whether it takes a thread so long that whoever sends a short text should not wait for it."""
        return len(self.ids) > _LIGHT or len(self.job.logits) > 1

    @property
    def turn(self) -> int:
        """When it is due. A long text's later windows let a few newer texts go first, but not for ever."""
        request = self.job.request
        return request.turn + (request.cost + _BETWEEN_WINDOWS * self.index if self.index else 0)
