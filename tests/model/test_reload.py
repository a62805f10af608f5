"""A model is changed while it answers: nothing is lost, nothing is mixed, and what is bad is refused."""

import asyncio
import gc
import threading
import weakref

import pytest

from model import model_manager as manager_module
from model.classifier import Classifier
from model.errors import CheckpointNotFound, ClassifierClosed, ReloadRefused
from tests.model.long_texts import varied
from tests.model.numbered import PATIENCE, positive_of


async def test_a_reloaded_model_answers_from_then_on(start):
    async with await start() as classifier:
        assert (await classifier.classify("hello")).model == "v0"
        change = await classifier.reload("v1")
        assert (await classifier.classify("hello")).model == "v1"
        assert (change.before.version, change.now.version, classifier.info.version) == ("v0", "v1", "v1")


async def test_a_reload_without_a_source_loads_the_same_again(start, make):
    async with await start() as classifier:
        await classifier.reload()
        assert classifier.info.source == "v0"
    assert len(make.backends) == 2


@pytest.mark.slow
async def test_two_hundred_reloads_under_load_lose_and_mix_nothing(start, make):
    async with await start(cache=64) as classifier:
        stop, models, long = False, [], varied("text", 700)

        async def ask(number):
            while not stop:
                verdict = await classifier.classify(long if number == 0 else f"text {number}")
                models.append(verdict.model)
                # Each backend's own number decides the answer, so an answer of one under the name of another shows.
                assert verdict.probabilities[2] == pytest.approx(positive_of(int(verdict.model[1:])), abs=1e-6)

        calls = [asyncio.create_task(ask(number)) for number in range(20)]
        for number in range(1, 201):
            await classifier.reload(f"v{number % 7 + 1}")
        stop = True
        await asyncio.wait_for(asyncio.gather(*calls), PATIENCE)
        stats = classifier.stats()
    assert (stats.failed, stats.shed, stats.queued) == (0, 0, 0)
    assert len(set(models)) > 5
    assert len(make.backends) == 201


async def test_models_that_were_replaced_twice_are_let_go(start, make):
    async with await start() as classifier:
        for number in range(1, 6):
            await classifier.reload(f"v{number}")
            await classifier.classify("hello")
        backends = [weakref.ref(backend) for backend in make.backends]
        make.backends.clear()
        await asyncio.sleep(0)
        gc.collect()
        alive = [backend().number for backend in backends if backend() is not None]
    assert alive == [4, 5]


async def test_a_text_in_hand_finishes_with_the_model_it_began_with(start, make):
    async with await start() as classifier:
        make.backends[0].hold.clear()
        first = asyncio.create_task(classifier.classify(varied("long", 1000)))
        while not classifier._worker._supervisor.current.in_hand:
            await asyncio.sleep(0.001)
        await classifier.reload("v1")
        second = asyncio.create_task(classifier.classify("short"))
        await asyncio.sleep(0)
        make.backends[0].hold.set()
        assert [(await first).model, (await second).model] == ["v0", "v1"]


async def test_a_failed_reload_changes_nothing_and_frees_the_lock(start):
    async with await start() as classifier:
        with pytest.raises(CheckpointNotFound, match="no model at"):
            await classifier.reload("nothing")
        assert (await classifier.classify("hello")).model == "v0"
        assert (await classifier.reload("v1")).now.version == "v1"


async def test_a_reload_that_is_cancelled_frees_the_lock(start, make, monkeypatch):
    go_on = threading.Event()
    async with await start() as classifier:
        monkeypatch.setattr(classifier._models, "_load", lambda source: go_on.wait(PATIENCE) and make(source))
        reload = asyncio.create_task(classifier.reload("v1"))
        await asyncio.sleep(0.01)
        reload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reload
        go_on.set()
        assert (await classifier.reload("v2")).now.version == "v2"


async def test_a_reload_that_takes_too_long_is_given_up(start, make, monkeypatch):
    monkeypatch.setattr(manager_module, "CHANGE_SECONDS", 0.05)
    go_on = threading.Event()
    async with await start() as classifier:
        monkeypatch.setattr(classifier._models, "_load", lambda source: go_on.wait(PATIENCE) and make(source))
        with pytest.raises(ReloadRefused, match="wasn't ready within"):
            await classifier.reload("v1")
        go_on.set()
        assert (await classifier.classify("hello")).model == "v0"


async def test_one_change_at_a_time(start, make, monkeypatch):
    go_on = threading.Event()
    async with await start() as classifier:
        monkeypatch.setattr(classifier._models, "_load", lambda source: go_on.wait(PATIENCE) and make(source))
        reload = asyncio.create_task(classifier.reload("v1"))
        await asyncio.sleep(0.01)
        for other in (classifier.reload("v2"), classifier.rollback(), classifier.start_shadow("v2")):
            with pytest.raises(ReloadRefused, match="already being changed"):
                await other
        go_on.set()
        assert (await reload).now.version == "v1"


async def test_the_progress_of_a_reload_is_told(start):
    steps = []
    async with await start() as classifier:
        await classifier.reload("v1", steps.append)
    assert steps == ["loading v1", "checking its golden examples", "comparing it with the running model"]


async def test_a_rollback_brings_the_model_before_and_another_one_brings_it_back(start, make):
    async with await start() as classifier:
        with pytest.raises(ReloadRefused, match="no earlier model"):
            await classifier.rollback()
        await classifier.reload("v1")
        await classifier.rollback()
        assert (await classifier.classify("hello")).model == classifier.info.version == "v0"
        await classifier.rollback()
        assert (await classifier.classify("hello")).model == "v1"
    assert len(make.backends) == 2


async def test_after_a_change_the_model_that_is_loaded_anew_is_the_new_one(start, make, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    async with await start() as classifier:
        await classifier.reload("v1")
        monkeypatch.setattr(make.backends[-1], "predict", lambda batch: 1 / 0)
        while classifier.health().replaced == 0:
            await asyncio.sleep(0.01)
        assert (await classifier.classify("hello")).model == "v1"


async def test_a_candidate_that_hangs_in_its_check_is_given_up_and_the_lock_freed(start, make, monkeypatch):
    monkeypatch.setattr(manager_module, "CHANGE_SECONDS", 0.1)
    go_on = threading.Event()
    async with await start() as classifier:
        monkeypatch.setattr(manager_module, "check_golden", lambda engine: go_on.wait(PATIENCE))
        with pytest.raises(ReloadRefused, match="wasn't ready within"):
            await classifier.reload("v1")
        go_on.set()
        monkeypatch.setattr(manager_module, "CHANGE_SECONDS", PATIENCE)
        assert (await classifier.reload("v2")).now.version == "v2"


async def test_whatever_a_loader_raises_is_a_sentence(start, monkeypatch):
    async with await start() as classifier:
        monkeypatch.setattr(classifier._models, "_load", lambda source: {}[source])
        with pytest.raises(ReloadRefused, match=r"I can't load v1 beside the running model \(KeyError\)"):
            await classifier.reload("v1")


async def test_after_closing_nothing_is_reloaded(start):
    classifier = await start()
    await classifier.reload("v1")
    await classifier.close()
    for change in (classifier.reload("v2"), classifier.rollback()):
        with pytest.raises(ClassifierClosed):
            await change
    assert classifier.info.version == "v1"


async def test_a_model_that_cannot_be_loaded_anew_gives_way_to_another(start, make, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    async with await start() as classifier:
        monkeypatch.setattr(make.backends[0], "predict", lambda batch: 1 / 0)
        monkeypatch.setattr(classifier._worker._supervisor, "load", lambda: make("nothing"))
        while classifier.health().healthy:
            await asyncio.sleep(0.01)
        assert (await asyncio.wait_for(classifier.reload("v1"), PATIENCE)).now.version == "v1"
        assert (await classifier.classify("hello")).model == "v1"
        assert classifier.health().healthy


async def test_files_that_changed_are_checked_before_they_answer(start, make, monkeypatch, caplog):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    async with await start() as classifier:
        monkeypatch.setattr(classifier._worker._supervisor, "load", lambda: make("v5"))
        monkeypatch.setattr(make.backends[0], "predict", lambda batch: 1 / 0)
        while classifier.health().replaced == 0:
            await asyncio.sleep(0.01)
        assert (await classifier.classify("hello")).model == classifier.info.version == "v5"
    assert "model v5 answers now instead of v0" in caplog.text


async def test_memory_of_models_that_were_dropped_is_given_back():
    given_back = []
    async with await Classifier.open(
        "bundled", after_change=lambda: given_back.append(threading.current_thread())
    ) as classifier:
        await classifier.reload()
    assert len(given_back) == 1
    assert given_back[0] is not threading.main_thread()
