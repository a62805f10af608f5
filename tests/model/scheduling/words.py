"""A backend and a reader whose every step a test can hold, watch and break: a network that counts good and bad."""

import asyncio
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from model.backends.base import InTurn
from model.text.tokenization import Reader
from tests.model.conftest import TOKENIZER

PATIENCE = 60
READER = Reader(TOKENIZER.read_bytes(), 512)


def token(word):
    ((_, only, _),) = READER.read(word)
    return only


GOOD, BAD, BOOM, PANIC, STRANGE = map(token, ("good", "bad", "bomb", "panic", "strange"))


class Collapse(BaseException):
    """What no `except Exception` catches, such as a panic of the tokenizer's Rust."""


class WatchedReader(Reader):
    """Counts the texts it reads, and calls `on_read` with each."""

    def __init__(self):
        super().__init__(TOKENIZER.read_bytes(), 512)
        self.count = 0
        self.on_read = lambda text: None

    def read_cleaned(self, cleaned, most=0):
        self.count += 1
        self.on_read(cleaned)
        return super().read_cleaned(cleaned, most)


def collapse_once(function):
    """That function, but its first call collapses."""
    errors = [Collapse("my secret diary")]

    def collapsing(*given, **named):
        if errors:
            raise errors.pop()
        return function(*given, **named)

    return collapsing


@dataclass
class WordBackend(InTurn):
    """Counts good and bad. "bomb" and "panic" raise, "strange" is no number, and `hold` keeps it in its next batch."""

    name: str = "words"
    device: str = "cpu"
    batches: list = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    lost_rows: int = 0
    dtype: type = np.float32

    def __post_init__(self):
        self.go_on.set()

    def hold(self):
        self.entered.clear()
        self.go_on.clear()

    def predict(self, batch):
        rows = [list(row) for row in batch]
        self.batches.append(rows)
        self.entered.set()
        assert self.go_on.wait(PATIENCE)
        if any(PANIC in row for row in rows):
            raise Collapse("my secret panic")
        if any(BOOM in row for row in rows):
            raise RuntimeError("my secret bomb went off")
        logits = np.array([[row.count(BAD), 0.5, row.count(GOOD)] for row in rows], dtype=np.float32)
        logits[[STRANGE in row for row in rows]] = np.nan
        return logits[self.lost_rows :].astype(self.dtype)

    def has_seen(self, word):
        return any(token(word) in row for batch in self.batches for row in batch)


def hold_the_next_batch(worker, backend):
    """Lets the batch of `first` go, and returns when the one after it is in the backend."""
    worker.first.add_done_callback(lambda _: backend.hold())
    backend.entered.clear()
    backend.go_on.set()
    assert backend.entered.wait(PATIENCE)


def end(worker):
    worker.close()
    worker.ended.result(PATIENCE)


class Text(str):
    """A string that can be watched."""


class ManualClock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds


class SlowReader(Reader):
    """A reader of which a test replaces `read_cleaned`."""


@dataclass
class StuckBackend(InTurn):
    """Answers until it is told to hang, as a driver may."""

    stuck: bool = False
    broken: bool = False
    nan: bool = False
    name: str = "stuck"
    device: str = "cpu"

    def predict(self, batch):
        if self.broken:
            raise RuntimeError("device lost")
        while self.stuck:
            time.sleep(0.01)
        return np.array([[np.nan if self.nan else 0.0, 0.0, 1.0]] * len(batch), dtype=np.float32)


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)
