"""What the page's tabs do with a classifier: each answer is HTML, each failure a friendly line. Knows no Gradio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import wraps

from bot.presentation.error_words import LONGEST_WAIT, SLOW, SORRY, explain_failure
from bot.settings import Settings
from bot.web.batch_results import as_csv, progress_bar, summary, table_rows
from bot.web.bulk_scoring import ORIGIN, Answer, Progress, score
from bot.web.page_classifier import PageClassifier
from bot.web.remote.client import RemoteClassifier
from bot.web.second_model import ask_second
from bot.web.verdict_html import (
    STILL_LOOKING,
    TOO_BUSY_TO_EXPLAIN,
    TOO_LONG_TO_EXPLAIN,
    comparison_cards,
    difference,
    kind_card,
    notice,
    verdict_card,
)
from model import ModelError, Overloaded, Priority, Verdict
from model.tables import Table

_log = logging.getLogger(__name__)

EXPLAINED_CHARACTERS = 6_000
"""As long as a text in Discord may be; each word of a longer one would cost a reading of it all."""

QUICK_CHARACTERS = 600
"""A longer text shows its verdict first and the words that moved it when they are found."""

NOTHING_TYPED = "Write something first, or click one of the examples."
NO_SECOND = "Pick a model to compare with."
THE_SAME = "This model is already in use here. Pick another one to compare."


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch shows: `html` always; `rows` and `csv` once it is whole."""

    html: str
    rows: list[list[str | float]] | None = None
    csv: str = ""


def friendly(
    answer: Callable[..., AsyncIterator[str]],
) -> Callable[..., AsyncIterator[str]]:
    """Turns whatever goes wrong in an answer into one sentence; the log gets the kind of the error only."""

    @wraps(answer)
    async def answered(classifier: PageClassifier, *given: object) -> AsyncIterator[str]:
        try:
            async for shown in answer(classifier, *given):
                yield shown
        except Exception as error:
            yield notice(_sentence(error, classifier))

    return answered


@friendly
async def one(classifier: PageClassifier, settings: Settings, text: str) -> AsyncIterator[str]:
    """The answer about one text, with the words that moved it."""
    text = _sendable(text)
    if not text.strip():
        yield notice(NOTHING_TYPED)
        return
    # The limit is for each wait, not for the whole: Gradio takes every answer in a task of its own, and a limit that
    # was set in one task breaks off that one, in whatever it does by then.
    end = asyncio.get_running_loop().time() + LONGEST_WAIT
    if len(text) > QUICK_CHARACTERS:
        async with asyncio.timeout_at(end):
            verdict = await _read(classifier, text)
        explainable = len(text) <= EXPLAINED_CHARACTERS
        yield _card(settings, verdict, STILL_LOOKING if explainable else TOO_LONG_TO_EXPLAIN)
        if verdict.danger or not explainable:
            return
    async with asyncio.timeout_at(end):
        card = await _explained(classifier, settings, text)
    yield card


@friendly
async def compared(classifier: PageClassifier, settings: Settings, text: str, source: str) -> AsyncIterator[str]:
    """Two models on one text. The second is opened for this answer and closed after it."""
    text, source = _sendable(text), source.strip()
    running = classifier.info
    problem = next(
        (
            sentence
            for wrong, sentence in (
                (not text.strip(), NOTHING_TYPED),
                (not source, NO_SECOND),
                (source == running.source, THE_SAME),
            )
            if wrong
        ),
        "",
    )
    if problem:
        yield notice(problem)
        return
    async with asyncio.timeout(LONGEST_WAIT):
        card = await _two_models(classifier, settings, text, source)
    yield card


async def many(classifier: PageClassifier, table: Callable[[], Table]) -> AsyncIterator[Batch]:
    """A batch: how far it is, and at last what it came to. `table` reads what was handed in."""
    try:
        rows = await asyncio.to_thread(table)
        answers: list[Answer] = []
        progress = Progress(0, len(rows.rows), 0.0)
        yield Batch(progress_bar(progress))
        async for progress in score(classifier, [_sendable(text) for text in rows.texts], answers):
            yield Batch(progress_bar(progress))
        yield await asyncio.to_thread(_whole, rows, answers, progress.seconds)
    except Exception as error:
        yield Batch(notice(_sentence(error, classifier)))


async def _explained(classifier: PageClassifier, settings: Settings, text: str) -> str:
    """The answer about a text with the words that moved it, or without where so much is to be read."""
    try:
        # Only the text itself is as urgent as a person: two dozen others must not push what is monitored out.
        explanation = await classifier.explain(text, origin=ORIGIN, rest=Priority.PASSIVE)
    except Overloaded:
        return _card(settings, await _read(classifier, text), TOO_BUSY_TO_EXPLAIN)
    if explanation.verdict.danger:
        return kind_card(settings.help_url)
    return verdict_card(explanation.verdict, explanation)


async def _two_models(classifier: PageClassifier, settings: Settings, text: str, source: str) -> str:
    """Both answers side by side, or one sentence when there can be none."""
    running = classifier.info
    first = await _read(classifier, text)
    if first.danger:
        return kind_card(settings.help_url)
    if isinstance(classifier, RemoteClassifier):
        other = await classifier.ask_second(source, text)
    else:
        other = await ask_second(source, text, settings, running.budget)
    if other.danger:
        return kind_card(settings.help_url)
    return comparison_cards([(f"{running.source} (in use here)", first), (source, other)], difference(first, other))


def _whole(table: Table, answers: list[Answer], seconds: float) -> Batch:
    return Batch(summary(answers, seconds), table_rows(table, answers), as_csv(table, answers))


def _card(settings: Settings, verdict: Verdict, remark: str) -> str:
    return kind_card(settings.help_url) if verdict.danger else verdict_card(verdict, remark=remark)


async def _read(classifier: PageClassifier, text: str) -> Verdict:
    return await classifier.classify(text, origin=ORIGIN, within=LONGEST_WAIT)


def _sentence(error: Exception, classifier: PageClassifier) -> str:
    if isinstance(error, ModelError):
        return explain_failure(error, classifier.info)
    if isinstance(error, TimeoutError):
        return SLOW
    _log.error("an answer of the page failed: %s", type(error).__name__)
    return SORRY


def _sendable(text: str) -> str:
    """Without halves of surrogate pairs, which no answer could carry back."""
    return text.encode("utf-8", "replace").decode("utf-8")
