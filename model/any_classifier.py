"""What the bot asks of a classifier, whether the model is in its own process or on another machine."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from types import TracebackType
from typing import Protocol, Self

from model.acceptance import GoldenFailure
from model.errors import ModelError
from model.explain import MAX_PIECES, Explanation
from model.model_manager import ModelInfo, Reloaded
from model.scheduling.request import Priority
from model.scheduling.shadow import ShadowReport
from model.scheduling.stats import Health, Stats
from model.verdict import Verdict


class AnyClassifier(Protocol):
    """A `Classifier`, or whatever asks one elsewhere. `Classifier` says what each of these does."""

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
        whole: Priority = Priority.INTERACTIVE,
        rest: Priority = Priority.INTERACTIVE,
    ) -> Explanation:
        """See `Classifier.explain`."""

    async def reload(self, source: str = "", progress: Callable[[str], None] | None = None) -> Reloaded:
        """See `Classifier.reload`."""

    async def rollback(self) -> Reloaded:
        """See `Classifier.rollback`."""

    async def golden(self) -> tuple[int, list[GoldenFailure]]:
        """See `Classifier.golden`."""

    async def start_shadow(self, source: str, share: float = 1.0) -> ModelInfo:
        """See `Classifier.start_shadow`."""

    def shadow_report(self) -> ShadowReport:
        """See `Classifier.shadow_report`."""

    async def promote_shadow(self) -> Reloaded:
        """See `Classifier.promote_shadow`."""

    async def stop_shadow(self) -> ShadowReport:
        """See `Classifier.stop_shadow`."""

    def stats(self) -> Stats:
        """See `Classifier.stats`."""

    def health(self) -> Health:
        """See `Classifier.health`."""

    async def close(self) -> None:
        """See `Classifier.close`."""

    async def __aenter__(self) -> Self:
        """Itself."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Closes it."""
