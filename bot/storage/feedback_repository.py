"""What people said of answers; we do not keep who."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import delete, func, insert, select

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

    async def add(self, answer: Answer, label: Sentiment) -> int:
        """Notes what somebody, we do not keep who, says an answer should have been: the same label says it is right.

        Returns the number by which `take_back` finds it.
        """
        values = {
            "label": SENTIMENTS.index(label),
            "answered": SENTIMENTS.index(answer.sentiment),
            "score": answer.score,
            "model": answer.model,
            "hour": int(self._clock() // SECONDS),
        }
        async with self._database.write() as connection:
            noted = await connection.execute(insert(FeedbackRow).values(values).returning(FeedbackRow.number))
            return noted.scalar_one()

    async def add_once(self, asked_in: int, answer: Answer, label: Sentiment) -> int | None:
        """The same, once for the message with that id; None when it was said there already, or is just being said."""
        if asked_in in self._judged:
            return None
        self._judged.add(asked_in)
        try:
            return await self.add(answer, label)
        except BaseException:
            self._judged.discard(asked_in)
            raise

    async def take_back(self, asked_in: int, number: int, answer: Answer, label: Sentiment) -> None:
        """Removes what was noted with that number, and it may be said anew in the message with the id `asked_in`.

        A number may be given again once its row is gone: a row that says something else is somebody else's.
        """
        noted = (
            FeedbackRow.number == number,
            FeedbackRow.label == SENTIMENTS.index(label),
            FeedbackRow.answered == SENTIMENTS.index(answer.sentiment),
            FeedbackRow.score == answer.score,
            FeedbackRow.model == answer.model,
        )
        async with self._database.write() as connection:
            await connection.execute(delete(FeedbackRow).where(*noted))
        self._judged.discard(asked_in)

    async def counts(self) -> tuple[Feedback, ...]:
        """All feedback, counted by model, label answered and label said."""
        group = (FeedbackRow.model, FeedbackRow.answered, FeedbackRow.label)
        async with self._database.read() as connection:
            rows = await connection.execute(select(*group, func.count()).group_by(*group).order_by(*group))
            return tuple(Feedback(*row) for row in rows)
