"""What the page answers, over the real model with switches for what can go wrong."""

import asyncio
from dataclasses import replace

import pytest

from bot.presentation.error_words import SLOW, SORRY
from bot.web import handlers as answers
from bot.web.bulk_scoring import ORIGIN, score
from bot.web.handlers import THE_SAME, compared, many, one
from bot.web.second_model import STILL_ENDING
from bot.web.table_parser import pasted
from bot.web.verdict_html import kind_card, notice
from model import BUNDLED, Classifier, Explanation, Overloaded, Priority, Sentiment, Unreadable, Verdict
from model.checkpoints.checkpoint import BUNDLED_FOLDER
from model.scheduling.worker import Worker


async def last(answers):
    found = [answer async for answer in answers]
    return found[-1]


async def test_a_failing_model_is_one_sentence_without_its_message(classifier, settings, backend, caplog):
    backend.error = RuntimeError("secret words of the text")
    assert SORRY in await last(one(classifier, settings, "a new text that was never read before"))
    assert "secret" not in caplog.text


async def test_whatever_else_fails_is_one_sentence_and_logged_by_its_kind(classifier, settings, monkeypatch, caplog):
    async def broken(*_, **__):
        raise ValueError("secret words")

    monkeypatch.setattr(type(classifier), "explain", broken)
    assert SORRY in await last(one(classifier, settings, "hello"))
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_long_text_shows_its_verdict_before_its_words(classifier, settings):
    shown = [card async for card in one(classifier, settings, "the cast was great but the plot was thin. " * 20)]
    assert "Looking for the words" in shown[0]
    assert "<mark" in shown[1]


async def test_the_limit_holds_whatever_task_takes_the_next_answer(classifier, settings, monkeypatch):
    """Gradio takes every answer in a task of its own."""

    async def never(*_, **__):
        await asyncio.Event().wait()

    monkeypatch.setattr(type(classifier), "explain", never)
    monkeypatch.setattr(answers, "LONGEST_WAIT", 1.0)
    shown = one(classifier, settings, "the cast was great but the plot was thin. " * 20)
    assert "Looking for the words" in await asyncio.ensure_future(anext(shown))
    async with asyncio.timeout(20):
        assert SLOW in await asyncio.ensure_future(anext(shown))


async def test_only_the_text_itself_is_as_urgent_as_a_person(classifier, settings, monkeypatch):
    asked = []
    submit = Worker.submit

    def noted(self, text, priority, *given, **named):
        asked.append((text, priority))
        return submit(self, text, priority, *given, **named)

    monkeypatch.setattr(Worker, "submit", noted)
    assert "<mark" in await last(one(classifier, settings, "loved it"))
    assert dict(asked) == {"loved it": Priority.INTERACTIVE, " it": Priority.PASSIVE, "loved ": Priority.PASSIVE}


async def test_a_queue_without_room_for_the_words_still_has_the_verdict(classifier, settings, monkeypatch):
    submit = Worker.submit

    def full(self, text, priority, *given, **named):
        if priority is Priority.PASSIVE:
            raise Overloaded(1.0)
        return submit(self, text, priority, *given, **named)

    monkeypatch.setattr(Worker, "submit", full)
    shown = await last(one(classifier, settings, "loved it so much"))
    assert "Positive" in shown
    assert "try its words one by one" in shown


async def test_comparing_with_itself_loads_nothing(classifier, settings, backend):
    assert THE_SAME in await last(compared(classifier, settings, "hello", BUNDLED))
    assert backend.batches == 0


async def test_the_second_model_is_closed_after_its_answer(classifier, settings, monkeypatch):
    closed = []
    close = type(classifier).close

    async def noted(self):
        closed.append(self)
        await close(self)

    monkeypatch.setattr(type(classifier), "close", noted)
    shown = await last(compared(classifier, settings, "what a great day", str(BUNDLED_FOLDER)))
    assert "They agree: positive" in shown
    assert len(closed) == 1
    assert closed[0] is not classifier


async def test_an_abandoned_second_model_is_waited_for_and_takes_one_thread(classifier, settings, monkeypatch):
    opened, go_on, threads = asyncio.Event(), asyncio.Event(), []
    open_model = Classifier.open

    async def slow(source, **options):
        threads.append(options["threads"])
        opened.set()
        await go_on.wait()
        return await open_model(source, **options)

    monkeypatch.setattr(Classifier, "open", slow)
    wanted = (classifier, settings, "what a great day", str(BUNDLED_FOLDER))
    abandoned = asyncio.ensure_future(last(compared(*wanted)))
    await opened.wait()
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    assert STILL_ENDING in await last(compared(*wanted))
    go_on.set()
    while STILL_ENDING in (shown := await last(compared(*wanted))):
        pass
    assert "They agree" in shown
    assert threads == [1, 1]


async def test_a_batch_waits_behind_people_and_is_one_origin(classifier, monkeypatch):
    asked = set()
    submit = Worker.submit

    def noted(self, text, priority, origin, deadline, **named):
        asked.add((priority, origin))
        return submit(self, text, priority, origin, deadline, **named)

    monkeypatch.setattr(Worker, "submit", noted)
    batch = await last(many(classifier, lambda: pasted("i love it\nhttps://x.y\n")))
    assert asked == {(Priority.PASSIVE, ORIGIN)}
    assert [row[1] for row in batch.rows] == ["👍 positive", "nothing to read"]


async def test_what_a_full_queue_refused_is_asked_again(classifier, monkeypatch):
    classify_many, refused = type(classifier).classify_many, []

    async def full_at_first(self, texts, *given, **named):
        answers = await classify_many(self, texts, *given, **named)
        if not refused:
            refused.append(texts[0])
            answers[0] = Overloaded(1.0)
        return answers

    monkeypatch.setattr(type(classifier), "classify_many", full_at_first)
    answers = []
    [_ async for _ in score(classifier, ["i love it", "i hate it"], answers)]
    assert [answer.sentiment for answer in answers] == ["positive", "negative"]


async def test_a_queue_that_stays_full_ends_a_batch_with_a_sentence(classifier, monkeypatch):
    async def full(_self, texts, *_, **__):
        return [Overloaded(7.0) for _ in texts]

    monkeypatch.setattr(type(classifier), "classify_many", full)
    with pytest.raises(Overloaded):
        [_ async for _ in score(classifier, ["hello"], [], patience=0.0)]


async def test_a_batch_that_is_stopped_leaves_nothing_in_the_queue(classifier, backend):
    backend.hold()
    batch = many(classifier, lambda: pasted("\n".join(f"a new line {number}" for number in range(50))))
    await anext(batch)
    reading = asyncio.ensure_future(anext(batch))
    await asyncio.to_thread(backend.entered.wait, 20)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    backend.go_on.set()
    await classifier.classify("somebody else's text")
    assert classifier.stats().queued == 0


@pytest.fixture
def found(classifier, monkeypatch):
    """Lets the model find what the test puts in: a verdict, or an error."""

    def find(what):
        async def classify(_self, text, **_):
            if isinstance(what, Exception):
                raise what
            return what

        async def explain(self, text, **_):
            return Explanation(await classify(self, text), text, ())

        monkeypatch.setattr(type(classifier), "classify", classify)
        monkeypatch.setattr(type(classifier), "explain", explain)

    return find


DANGER = Verdict(Sentiment.NEGATIVE, (0.1, 0.1, 0.8), 1, "v1", danger=True)
LENGTHS = pytest.mark.parametrize("length", [20, 1_000, 10_000])


@LENGTHS
async def test_a_text_in_another_language_gets_one_sentence(classifier, settings, found, length):
    found(Unreadable("Spanish"))
    shown = [card async for card in one(classifier, settings, "x" * length)]
    assert shown == [notice("I can't read this yet; it looks like Spanish. I only read English.")]
    assert await last(compared(classifier, settings, "x" * length, str(BUNDLED_FOLDER))) == shown[0]


async def test_where_more_than_english_is_read_it_is_said_which(classifier, settings, found, monkeypatch):
    found(Unreadable("Dutch"))
    info = replace(classifier.info, languages=("en", "es"))
    monkeypatch.setattr(type(classifier), "info", property(lambda _: info))
    assert await last(one(classifier, settings, "hoi")) == notice(
        "I can't read this yet; it looks like Dutch. I only read English and Spanish."
    )


@LENGTHS
async def test_a_text_that_is_not_rated_gets_kind_words_and_no_card(classifier, settings, found, length):
    found(DANGER)
    expected = [kind_card("https://findahelpline.com")]
    assert [card async for card in one(classifier, settings, "x" * length)] == expected
    assert [card async for card in compared(classifier, settings, "x" * length, str(BUNDLED_FOLDER))] == expected


async def test_a_text_that_only_the_second_model_does_not_rate_is_not_rated(classifier, settings, monkeypatch):
    async def ask_second(*_):
        return DANGER

    monkeypatch.setattr(answers, "ask_second", ask_second)
    shown = await last(compared(classifier, settings, "what a day", str(BUNDLED_FOLDER)))
    assert shown == kind_card(settings.help_url)


async def test_the_words_are_shown_as_they_were_read(classifier, settings):
    shown = await last(one(classifier, settings, "> terrible awful\n```py\nterrible\n``` the food was **wonderful**"))
    assert "terrible" not in shown
    assert "wonderful" in shown
