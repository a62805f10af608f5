"""A text that somebody waits for, and what it costs."""

from __future__ import annotations

from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import IntEnum
from math import inf

from model.text.cost import estimated_tokens
from model.verdict import Verdict

_WINDOW_TOKENS = 512

MOST_WINDOWS = (24, 8, 8)
"""How many windows of 512 tokens are read of a text, by priority: a person has asked about it, or nobody has."""


class Priority(IntEnum):
    """Who waits: a person, or nobody; and what is of the past, such as history, waits behind what is news."""

    INTERACTIVE = 0
    PASSIVE = 1
    BACKGROUND = 2


@dataclass(slots=True, eq=False)
class Request:
    """One text on its way, cleaned. `arrived` and `deadline` are of `time.perf_counter`.

    `fresh` asks for a verdict that is computed, whatever is remembered. `danger` is as in `Verdict`, and `tokens` how
    many tokens the text has, guessed; 0 has it guessed here. `language` and `version` say who reads it, as in
    `Engine.part`. `turn` is set when
    it is taken, in tokens: the lower is due first, even if it was taken later. `sparse` is set when it is put: its
    origin sends little.
    """

    text: str
    priority: Priority
    future: Future[Verdict]
    origin: Hashable = None
    arrived: float = 0.0
    deadline: float = inf
    fresh: bool = False
    danger: bool = False
    tokens: int = 0
    language: str = ""
    version: str = ""
    sparse: bool = False
    turn: int = 0
    cost: int = 0

    def __post_init__(self) -> None:
        self.cost = cost_of(self.tokens or estimated_tokens(self.text), self.priority)

    @property
    def most_windows(self) -> int:
        """How many windows of it are read."""
        return MOST_WINDOWS[self.priority]


def cost_of(tokens: int, priority: Priority) -> int:
    """What a text of so many tokens costs in the queue: those of as many windows as are read of it at most."""
    return min(tokens, MOST_WINDOWS[priority] * _WINDOW_TOKENS)
