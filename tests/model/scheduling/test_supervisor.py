"""A model that breaks or hangs is found and replaced, and nobody waits for it for ever."""

import asyncio
import threading

import pytest

from model.classifier import Classifier
from model.errors import ClassifierClosed, DeadlinePassed, InferenceFailed
from model.scheduling.batch_planner import BatchPlanner
from model.text.tokenization import Reader
from tests.model.scheduling.words import PATIENCE, SlowReader, collapse_once, until


async def test_a_model_that_hangs_is_given_up_and_those_who_wait_are_answered(backends, clock, caplog):
    made, load = backends
    async with await Classifier.start(load, wedged_after=0.3, clock=clock) as classifier:
        assert classifier.health().healthy
        made[0].stuck = True
        lost = asyncio.create_task(classifier.classify("in the batch that hangs"))
        await until(lambda: classifier._worker._supervisor.current.in_hand)
        others = [asyncio.create_task(classifier.classify(f"waiting {number}")) for number in range(100)]
        await until(lambda: classifier.stats().queued == 101)
        clock.advance(0.4)
        with pytest.raises(InferenceFailed, match="didn't answer in time"):
            await asyncio.wait_for(lost, PATIENCE)
        answers = await asyncio.wait_for(asyncio.gather(*others), PATIENCE)
        health = classifier.health()
    assert {answer.sentiment for answer in answers} == {"positive"}
    assert (len(made), health.replaced, health.healthy) == (2, 1, True)
    assert "is given up" in caplog.text


async def test_a_model_that_hangs_is_reported_before_it_is_replaced(backends, clock):
    made, load = backends
    go_on = threading.Event()

    def load_when_told():
        assert not made or go_on.wait(PATIENCE)
        return load()

    async with await Classifier.start(load_when_told, wedged_after=0.4, clock=clock) as classifier:
        made[0].stuck = True
        lost = asyncio.create_task(classifier.classify("in the batch that hangs"))
        await until(lambda: classifier._worker._supervisor.current.in_hand)
        assert classifier.health().healthy
        clock.advance(0.5)
        assert not classifier.health().healthy
        assert classifier.health().reason
        go_on.set()
        with pytest.raises(InferenceFailed):
            await asyncio.wait_for(lost, PATIENCE)
        await until(lambda: classifier.health().healthy)


async def test_what_a_given_up_model_says_later_harms_nobody(backends, clock):
    made, load = backends
    async with await Classifier.start(load, wedged_after=0.2, clock=clock) as classifier:
        made[0].stuck = True
        lost = asyncio.create_task(classifier.classify("in the batch that hangs"))
        await until(lambda: classifier._worker._supervisor.current.in_hand)
        clock.advance(0.3)
        with pytest.raises(InferenceFailed):
            await asyncio.wait_for(lost, PATIENCE)
        made[0].stuck = False
        answers = await asyncio.wait_for(
            classifier.classify_many([f"text {number}" for number in range(200)]), PATIENCE
        )
        stats = classifier.stats()
    assert {answer.sentiment for answer in answers} == {"positive"}
    assert (stats.served, stats.failed, stats.queued) == (200, 1, 0)


async def test_an_idle_model_that_breaks_is_found_and_loaded_anew(backends, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    made, load = backends
    async with await Classifier.start(load) as classifier:
        made[0].broken = True
        await until(lambda: classifier.health().replaced == 1)
        await until(lambda: classifier.health().healthy)
        assert (await classifier.classify("hello")).sentiment == "positive"
    assert len(made) == 2


async def test_a_model_that_fails_text_after_text_is_loaded_anew(backends):
    made, load = backends
    async with await Classifier.start(load) as classifier:
        made[0].broken = True
        failed = await classifier.classify_many([f"text {number}" for number in range(12)])
        await until(lambda: classifier.health().replaced == 1)
        assert InferenceFailed in map(type, failed)
        assert (await classifier.classify("hello")).sentiment == "positive"


async def test_a_model_that_cannot_be_loaded_anew_is_tried_again(backends, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    monkeypatch.setattr("model.scheduling.supervisor._RETRY_SECONDS", 0.05)
    made, load = backends
    attempts, go_on = [], threading.Event()

    def load_at_the_fourth():
        attempts.append(1)
        assert len(attempts) < 3 or go_on.wait(PATIENCE)
        if len(attempts) in (2, 3):
            raise OSError("the disk is gone")
        return load()

    async with await Classifier.start(load_at_the_fourth) as classifier:
        made[0].broken = True
        await until(lambda: len(attempts) > 1)
        assert not classifier.health().healthy
        go_on.set()
        await until(lambda: classifier.health().healthy)
        assert (await classifier.classify("hello")).sentiment == "positive"
    assert len(attempts) == 4


async def test_a_text_that_hangs_the_tokenizer_is_given_up_alone(backends, clock, monkeypatch):
    made, load = backends
    reading, hanging = threading.Event(), threading.Event()

    def read_cleaned(self, cleaned, most=0):
        if "poison" in cleaned:
            reading.set()
            hanging.wait(PATIENCE)
        return Reader.read_cleaned(self, cleaned, most)

    monkeypatch.setattr(SlowReader, "read_cleaned", read_cleaned)
    async with await Classifier.start(load, wedged_after=0.3, clock=clock) as classifier:
        poison = asyncio.create_task(classifier.classify("poison"))
        others = [asyncio.create_task(classifier.classify(f"text {number}")) for number in range(50)]
        await until(lambda: classifier.stats().queued == 51 and reading.is_set())
        clock.advance(0.4)
        with pytest.raises(InferenceFailed, match="in time"):
            await asyncio.wait_for(poison, PATIENCE)
        answers = await asyncio.wait_for(asyncio.gather(*others), PATIENCE)
        hanging.set()
        more = await asyncio.wait_for(classifier.classify_many([f"more {number}" for number in range(50)]), PATIENCE)
        stats = classifier.stats()
    assert {answer.sentiment for answer in answers + more} == {"positive"}
    assert (stats.served, stats.failed, len(made)) == (100, 1, 2)


async def test_closing_while_a_model_hangs_leaves_nobody_waiting(backends, clock):
    made, load = backends
    classifier = await Classifier.start(load, wedged_after=0.3, clock=clock)
    made[0].stuck = True
    calls = [asyncio.create_task(classifier.classify(f"text {number}")) for number in range(9)]
    await until(lambda: classifier._worker._supervisor.current.in_hand)
    closing = asyncio.create_task(classifier.close())
    await until(lambda: classifier._worker.closing)
    clock.advance(0.4)
    await asyncio.wait_for(closing, PATIENCE)
    answers = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)
    assert {type(answer) for answer in answers} <= {ClassifierClosed, InferenceFailed}


async def test_while_a_model_cannot_be_loaded_anew_nobody_is_kept_waiting(backends, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor._RETRY_SECONDS", 0.05)
    made, load = backends
    async with await Classifier.start(load) as classifier:
        made[0].broken = True
        monkeypatch.setattr(classifier._worker._supervisor, "load", lambda: 1 / 0)
        calls = (classifier.classify(f"text {number}") for number in range(30))
        answers = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)
        assert {type(answer) for answer in answers} == {InferenceFailed}
        await until(lambda: not classifier.health().healthy)
        with pytest.raises(InferenceFailed, match="can't be reloaded"):
            await asyncio.wait_for(classifier.classify("one more"), PATIENCE)


async def test_a_deadline_passes_while_a_model_hangs(backends, clock):
    made, load = backends
    async with await Classifier.start(load, wedged_after=2, clock=clock) as classifier:
        made[0].stuck = True
        lost = asyncio.create_task(classifier.classify("in the batch that hangs"))
        await until(lambda: classifier._worker._supervisor.current.in_hand)
        waiting = asyncio.create_task(classifier.classify("waits", within=0.05))
        await until(lambda: classifier.stats().queued == 2)
        clock.advance(0.1)
        with pytest.raises(DeadlinePassed):
            await asyncio.wait_for(waiting, PATIENCE)
        made[0].stuck = False
        assert (await asyncio.wait_for(lost, PATIENCE)).sentiment == "positive"
        assert classifier.stats().expired == 1


async def test_a_model_that_answers_nothing_but_nan_is_loaded_anew(backends, monkeypatch):
    made, load = backends
    async with await Classifier.start(load) as classifier:
        made[0].nan = True
        failed = await classifier.classify_many([f"text {number}" for number in range(12)])
        assert InferenceFailed in map(type, failed)
        await until(lambda: classifier.health().replaced == 1)
        assert (await classifier.classify("hello")).sentiment == "positive"


async def test_texts_answered_from_the_cache_do_not_hide_a_broken_model(backends, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.1)
    made, load = backends
    async with await Classifier.start(load, cache=9) as classifier:
        await classifier.classify("gg")
        made[0].broken = True
        async with asyncio.timeout(PATIENCE):
            while classifier.health().replaced == 0:
                await classifier.classify("gg")
    assert len(made) == 2


async def test_an_idle_model_passes_something_through_at_least_every_ten_seconds(backends, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    _, load = backends
    async with await Classifier.start(load) as classifier:
        first = classifier._worker._supervisor.last_pass
        await until(lambda: classifier._worker._supervisor.last_pass > first)
        assert classifier.health().since_pass < 10


async def test_a_watchdog_outlives_an_error_and_says_so_once(backends, clock, monkeypatch, caplog):
    made, load = backends
    async with await Classifier.start(load, wedged_after=0.3, clock=clock) as classifier:
        supervisor = classifier._worker._supervisor
        looks, look = [], supervisor.look

        def look_after_two_errors():
            looks.append(1)
            if len(looks) < 3:
                raise MemoryError
            look()

        monkeypatch.setattr(supervisor, "look", look_after_two_errors)
        await until(lambda: len(looks) > 3)
        assert caplog.text.count("the watchdog failed (MemoryError)") == 1
        made[0].stuck = True
        lost = asyncio.create_task(classifier.classify("in the batch that hangs"))
        await until(lambda: supervisor.current.in_hand)
        clock.advance(0.4)
        with pytest.raises(InferenceFailed, match="in time"):
            await asyncio.wait_for(lost, PATIENCE)


async def test_a_model_that_nothing_watches_over_is_not_healthy(backends, clock, monkeypatch):
    _, load = backends
    async with await Classifier.start(load, wedged_after=100, clock=clock) as classifier:
        supervisor = classifier._worker._supervisor
        look = supervisor.look
        monkeypatch.setattr(supervisor, "look", lambda: 1 / 0)
        clock.advance(29)
        assert classifier.health().healthy
        clock.advance(2)
        supervisor.last_look = 1000.0  # whatever a look said that was under way
        health = classifier.health()
        assert (health.healthy, health.since_look) == (False, 31)
        assert health.reason == "nothing has watched over it for 31 s"
        monkeypatch.setattr(supervisor, "look", look)
        await until(lambda: classifier.health().healthy)
        assert classifier.health().since_look == 0


async def test_what_a_look_does_not_come_to_the_next_one_does(backends, clock, monkeypatch):
    made, load = backends
    async with await Classifier.start(load, wedged_after=0.3, clock=clock) as classifier:
        worker = classifier._worker
        fail, begin, errors = worker._ledger.fail, worker._supervisor._begin, [MemoryError(), RuntimeError()]

        def fail_at_the_second(request, error):
            if len(errors) == 1:
                raise errors.pop()
            fail(request, error)

        def begin_at_the_second(*given, **named):
            if len(errors) == 2:
                raise errors.pop()
            begin(*given, **named)

        monkeypatch.setattr(worker._ledger, "fail", fail_at_the_second)
        monkeypatch.setattr(worker._supervisor, "_begin", begin_at_the_second)
        made[0].stuck = True
        lost = asyncio.create_task(classifier.classify("in the batch that hangs"))
        await until(lambda: worker._supervisor.current.in_hand)
        other = asyncio.create_task(classifier.classify("waits"))
        await until(lambda: classifier.stats().queued == 2)
        clock.advance(0.4)
        with pytest.raises(InferenceFailed, match="in time"):
            await asyncio.wait_for(lost, PATIENCE)
        assert (await asyncio.wait_for(other, PATIENCE)).sentiment == "positive"
        assert (errors, classifier.health().replaced) == ([], 1)


async def test_a_loop_that_dies_leaves_nobody_waiting_and_another_takes_its_place(backends, monkeypatch, caplog):
    """Its errors are the answers of texts, but for those that it makes while it waits for some."""
    _, load = backends
    async with await Classifier.start(load, wedged_after=0.3) as classifier:
        monkeypatch.setattr(BatchPlanner, "may_read", collapse_once(BatchPlanner.may_read))
        with pytest.raises(InferenceFailed):
            await asyncio.wait_for(classifier.classify("my secret"), PATIENCE)
        await until(lambda: classifier.health().replaced == 1)
        assert (await asyncio.wait_for(classifier.classify("hello"), PATIENCE)).sentiment == "positive"
    assert "the inference loop failed (Collapse)" in caplog.text
    assert "secret" not in caplog.text


async def test_closing_after_a_loop_has_died_ends_all_the_same(backends, monkeypatch):
    _, load = backends
    classifier = await Classifier.start(load, wedged_after=0.3)
    monkeypatch.setattr(BatchPlanner, "may_read", lambda *_: 1 / 0)
    with pytest.raises(InferenceFailed):
        await asyncio.wait_for(classifier.classify("good"), PATIENCE)
    await asyncio.wait_for(classifier.close(), PATIENCE)
