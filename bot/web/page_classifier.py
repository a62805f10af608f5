"""What the page asks of a classifier, whether this is in its own process or in the bot's."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

from model import Explanation, ModelError, ModelInfo, Priority, Verdict
from model.explain import MAX_PIECES


class PageClassifier(Protocol):
    """A `model.Classifier`, or as much of one as the page has need of."""

    @property
    def info(self) -> ModelInfo:
        """What answers now."""

    async def classify(
        self,
        text: str,
        priority: Priority = Priority.INTERACTIVE,
        *,
        origin: Hashable = None,
        within: float | None = None,
    ) -> Verdict:
        """See `Classifier.classify`."""

    async def classify_many(
        self, texts: Sequence[str], priority: Priority = Priority.INTERACTIVE, *, origin: Hashable = None
    ) -> list[Verdict | ModelError]:
        """See `Classifier.classify_many`."""

    async def explain(
        self,
        text: str,
        pieces: int = MAX_PIECES,
        *,
        origin: Hashable = None,
        rest: Priority = Priority.INTERACTIVE,
    ) -> Explanation:
        """See `Classifier.explain`."""
