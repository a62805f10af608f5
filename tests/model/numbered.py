"""Models that are told apart by their answers, for tests that change one for another."""

import threading
from dataclasses import dataclass, field

import numpy as np

from model.backends.base import InTurn

PATIENCE = 60


@dataclass
class NumberedBackend(InTurn):
    """Says its own number with every answer, in the first logit, and notices rows that another's reader read."""

    number: int
    name: str = "numbered"
    device: str = "cpu"
    batches: int = 0
    hold: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self):
        self.hold.set()

    def predict(self, batch):
        assert self.hold.wait(PATIENCE)
        self.batches += 1
        return np.array([[0.0, 0.0, float(self.number)]] * len(batch), dtype=np.float32)


def positive_of(number):
    return np.exp(number) / (np.exp(number) + 2)
