"""What people said of answers; we do not keep who."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import func, insert, select

from bot.domain.records import Answer, Feedback
from bot.domain.snowflake import SECONDS
from bot.storage.database import Database
from bot.storage.pending_writes import Remembered
from bot.storage.schema import FeedbackRow
from model.verdict import SENTIMENTS, Sentiment

JUDGED = 10_000
"""So many answers are remembered, until a restart, as having their feedback: a button may be pressed twice at once."""


class FeedbackRepository:
    """Right and wrong answers, counted. Every method raises DatabaseUnavailable when the database does not do it."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._judged = Remembered(JUDGED)

    async def add(self, answer: Answer, label: Sentiment) -> None:
        """Notes what somebody, we do not keep who, says an answer should have been: the same label says it is right."""
        values = {
            "label": SENTIMENTS.index(label),
            "answered": SENTIMENTS.index(answer.sentiment),
            "score": answer.score,
            "model": answer.model,
            "hour": int(self._clock() // SECONDS),
        }
        async with self._database.write() as connection:
            await connection.execute(insert(FeedbackRow).values(values))

    async def add_once(self, answer_id: int, answer: Answer, label: Sentiment) -> bool:
        """The same, for the message with that id; False when that has its feedback already, or is just getting it."""
        if answer_id in self._judged:
            return False
        self._judged.add(answer_id)
        try:
            await self.add(answer, label)
        except BaseException:
            self._judged.discard(answer_id)
            raise
        return True

    async def counts(self) -> tuple[Feedback, ...]:
        """All feedback, counted by model, label answered and label said."""
        group = (FeedbackRow.model, FeedbackRow.answered, FeedbackRow.label)
        async with self._database.read() as connection:
            rows = await connection.execute(select(*group, func.count()).group_by(*group).order_by(*group))
            return tuple(Feedback(*row) for row in rows)
