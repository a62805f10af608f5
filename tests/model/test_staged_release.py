"""A model waits beside the one that answers, answers some servers, and then all of them or none."""

import asyncio
import threading
from dataclasses import replace
from functools import partial

import pytest

from model import model_manager as manager_module
from model.classifier import Classifier
from model.errors import ClassifierClosed, DeadlinePassed, ReloadRefused
from model.scheduling.canary import MOST_SHED, is_among
from model.scheduling.request import Priority
from tests.model.numbered import PATIENCE

SHARE, SALT = 0.3, "a1b2"
SERVERS = [(100_000_000_000 + number) << 22 for number in range(200)]
CHOSEN = [server for server in SERVERS if is_among(server, SHARE, SALT)]
OTHERS = [server for server in SERVERS if server not in CHOSEN]


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


async def models_of(classifier, servers, priority=Priority.PASSIVE):
    """Which models answer them."""
    return {(await classifier.classify(f"hello {server}", priority, origin=server)).model for server in servers}


@pytest.fixture
async def trying(start):
    """A classifier in which v3 answers some servers."""
    async with await start() as classifier:
        await classifier.staged.prepare("v3")
        await classifier.staged.begin_canary(SHARE, SALT)
        yield classifier


def test_a_server_is_among_the_first_by_a_hash_that_is_the_same_everywhere():
    assert 0.15 < len(CHOSEN) / len(SERVERS) < 0.45
    assert [server for server in SERVERS if is_among(server, SHARE, "another model")] != CHOSEN
    assert all(is_among(server, 1.0, SALT) for server in SERVERS)
    assert not any(is_among(server, 0.0, SALT) for server in SERVERS)
    assert not is_among("the page", 1.0, SALT)
    assert not is_among(None, 1.0, SALT)
    pinned = [is_among(server << 22, 0.5, "ff" * 32) for server in (1, 2, 3, 4)]
    assert pinned == [True, False, False, True], "or processes of two versions would differ"


async def test_a_model_that_waits_answers_nobody(start):
    async with await start() as classifier:
        await classifier.staged.prepare("v3")
        assert await models_of(classifier, SERVERS) == {"v0"}
        await classifier.staged.drop()
        with pytest.raises(ReloadRefused, match="No model waits"):
            await classifier.staged.promote()


async def test_a_canary_answers_its_servers_and_no_others(trying):
    for priority in Priority:
        assert await models_of(trying, CHOSEN, priority) == {"v3"}
        assert await models_of(trying, OTHERS, priority) == {"v0"}
    assert await models_of(trying, ["the page", None]) == {"v0"}
    assert trying.info.version == "v0"
    answers = await trying.classify_many([f"text {number}" for number in range(300)], origin=CHOSEN[0])
    assert {answer.model for answer in answers} == {"v3"}
    explanation = await trying.explain("what a lovely evening", origin=CHOSEN[0])
    assert explanation.verdict.model == "v3"
    report = trying.staged.report()
    assert (report.failed, report.trouble) == (0, "")
    assert report.texts > 300


async def test_after_it_is_promoted_it_answers_everybody_and_the_model_before_is_kept(trying):
    change = await trying.staged.promote()
    assert (change.before.version, change.now.version) == ("v0", "v3")
    assert await models_of(trying, SERVERS) == {"v3"}
    assert trying.staged.canary is None
    assert (await trying.rollback()).now.version == "v0"


async def test_after_it_is_dropped_the_model_before_answers_everybody(trying):
    await trying.staged.drop()
    assert await models_of(trying, SERVERS) == {"v0"}
    with pytest.raises(ReloadRefused, match="no earlier model"):
        await trying.rollback()


@pytest.mark.parametrize(("end", "model"), [("promote", "v3"), ("drop", "v0")])
async def test_what_waits_for_the_canary_when_it_ends_is_answered_by_what_comes_after_it(trying, make, end, model):
    """One is in its hand, one waits; both are of a server that the new model answers."""
    backend = make.backends[-1]
    backend.hold.clear()
    first = asyncio.ensure_future(trying.classify("in hand", origin=CHOSEN[0]))
    await until(lambda: trying.staged.canary.worker._supervisor.current.in_hand)
    later = asyncio.ensure_future(trying.classify("waits", origin=CHOSEN[0]))
    await until(lambda: trying.staged.canary.worker.stats().queued == 2)
    ending = asyncio.ensure_future(getattr(trying.staged, end)())
    await until(lambda: trying.staged.canary is None or trying.staged.canary.worker.closing)
    newest = asyncio.ensure_future(trying.classify("comes last", origin=CHOSEN[0]))
    await asyncio.sleep(0)
    backend.hold.set()
    await ending
    assert (await first).model == "v3", "it finishes where it began"
    assert {(await later).model, (await newest).model} == {model}


@pytest.mark.parametrize("end", ["promote", "drop"])
async def test_texts_that_come_all_through_are_answered_once_each_and_a_server_never_goes_to_and_fro(start, end):
    async with await start() as classifier:
        over = asyncio.Event()
        seen = {server: [] for server in (*CHOSEN[:4], *OTHERS[:4])}

        async def ask(server):
            while not over.is_set():
                seen[server].append((await classifier.classify(f"{len(seen[server])}", origin=server)).model)

        asking = [asyncio.ensure_future(ask(server)) for server in seen]
        for step in (partial(classifier.staged.prepare, "v3"), partial(classifier.staged.begin_canary, SHARE, SALT)):
            await until(lambda: all(seen.values()))
            await step()
        lengths = {server: len(models) for server, models in seen.items()}
        await until(lambda: all(len(models) > lengths[server] + 5 for server, models in seen.items()))
        await getattr(classifier.staged, end)()
        lengths = {server: len(models) for server, models in seen.items()}
        await until(lambda: all(len(models) > lengths[server] + 5 for server, models in seen.items()))
        over.set()
        await asyncio.gather(*asking)
    for server, models in seen.items():
        runs = [model for place, model in enumerate(models) if place == 0 or models[place - 1] != model]
        wanted = ["v0", "v3"] if end == "promote" else ["v0", "v3", "v0"] if server in CHOSEN else ["v0"]
        assert runs == wanted


async def test_what_it_fails_on_the_live_model_answers_and_it_is_reported(trying, make, monkeypatch):
    monkeypatch.setattr(make.backends[-1], "predict", lambda batch: 1 / 0)
    assert await models_of(trying, CHOSEN[:3]) == {"v0"}
    monkeypatch.undo()
    assert await models_of(trying, CHOSEN[:3]) == {"v0"}, "nothing is asked of it any more"
    report = trying.staged.report()
    assert (report.texts, report.failed) == (0, 1)
    assert "failed on 1 of 1 texts" in report.trouble


async def test_a_text_on_which_both_fail_does_not_tell_against_it(trying, make, monkeypatch):
    from model.errors import InferenceFailed

    for backend in make.backends:
        monkeypatch.setattr(backend, "predict", lambda batch: 1 / 0)
    with pytest.raises(InferenceFailed):
        await trying.classify("hello", origin=CHOSEN[0])
    assert trying.staged.report().failed == 0


async def test_what_it_has_no_room_for_the_live_model_reads_and_it_is_reported(start, make):
    async with await start() as classifier:
        await classifier.staged.prepare("v3")
        classifier.staged._queue_limit = 200
        await classifier.staged.begin_canary(SHARE, SALT)
        make.backends[-1].hold.clear()
        texts = [
            asyncio.ensure_future(classifier.classify(f"text {number}", Priority.PASSIVE, origin=CHOSEN[0]))
            for number in range(300)
        ]
        await until(lambda: classifier.staged.report().shed > MOST_SHED)
        trouble = classifier.staged.report().trouble
        make.backends[-1].hold.set()
        answers = await asyncio.gather(*texts)
    assert {answer.model for answer in answers} == {"v0", "v3"}
    assert trouble.startswith("it can't keep up: for ")


async def test_what_it_comes_to_too_late_is_reported(trying, make):
    backend = make.backends[-1]
    backend.hold.clear()
    first = asyncio.ensure_future(trying.classify("in hand", origin=CHOSEN[0]))
    await until(lambda: trying.staged.canary.worker._supervisor.current.in_hand)
    late = [
        asyncio.ensure_future(trying.classify(f"{number}", origin=CHOSEN[0], within=0.0))
        for number in range(MOST_SHED + 1)
    ]
    await until(lambda: trying.staged.canary.worker.stats().queued == MOST_SHED + 2 or all(one.done() for one in late))
    backend.hold.set()
    answers = await asyncio.gather(*late, return_exceptions=True)
    assert {type(answer) for answer in answers} == {DeadlinePassed}
    await first
    report = trying.staged.report()
    assert (report.shed, report.texts) == (MOST_SHED + 1, 1)
    assert "can't keep up" in report.trouble


async def test_a_few_texts_that_it_was_too_slow_for_are_no_trouble(trying):
    canary = trying.staged.canary
    for _ in range(MOST_SHED):
        canary.count(shed=True)
    assert canary.report().trouble == ""
    canary.count(shed=True)
    assert "can't keep up" in canary.report().trouble
    for _ in range(20 * MOST_SHED):
        canary.count()
    assert canary.report().trouble == "", "of many"


async def test_what_was_given_up_while_it_loads_is_waited_for_before_another_is_loaded(make, monkeypatch):
    monkeypatch.setattr(manager_module, "plain_examples", list)
    may_load, loaded, at_once = threading.Event(), [], []

    def load(source):
        loaded.append(source)
        at_once.append(source)
        assert source == "v0" or may_load.wait(PATIENCE)
        engine = make(source)
        assert at_once == [source]
        at_once.remove(source)
        return engine

    async with await Classifier.start(partial(load, "v0"), reload=load) as classifier:
        given_up = asyncio.ensure_future(classifier.staged.prepare("v3"))
        await until(lambda: "v3" in loaded)
        given_up.cancel()
        await asyncio.wait((given_up,))
        again = asyncio.ensure_future(classifier.staged.prepare("v4"))
        await asyncio.sleep(0.1)  # it would begin
        assert loaded == ["v0", "v3"]
        may_load.set()
        assert (await again).version == "v4"
        assert loaded == ["v0", "v3", "v4"]


async def test_there_is_one_model_beside_the_live_one_at_a_time(start):
    async with await start() as classifier:
        await classifier.start_shadow("v3")
        with pytest.raises(ReloadRefused, match="already running"):
            await classifier.staged.prepare("v4")
        await classifier.stop_shadow()
        await classifier.staged.prepare("v4")
        for other in (classifier.staged.prepare, classifier.start_shadow, classifier.reload):
            with pytest.raises(ReloadRefused, match="is being released"):
                await other("v5")
        await classifier.staged.drop()
        await classifier.start_shadow("v3")


async def test_the_model_before_is_not_loaded_again(make, monkeypatch):
    monkeypatch.setattr(manager_module, "plain_examples", list)

    def load(source):
        engine = make(source)
        return replace(engine, checkpoint=replace(engine.checkpoint, sha256=f"sha of {source}"))

    async with await Classifier.start(partial(load, "v0"), reload=load) as classifier:
        await classifier.staged.prepare("v3")
        await classifier.staged.promote()
        assert len(make.backends) == 2
        info = await classifier.staged.prepare("v0", known="sha of v0", compare=False)
        assert (info.version, len(make.backends)) == ("v0", 2)
        assert (await classifier.staged.promote()).now.version == "v0"
        await classifier.staged.prepare("v3", known="sha of another", compare=False)
        assert len(make.backends) == 3


async def test_the_end_of_the_classifier_is_that_of_the_canary_too(start, make):
    classifier = await start()
    await classifier.staged.prepare("v3")
    await classifier.staged.begin_canary(1.0, SALT)
    canary = classifier.staged.canary
    make.backends[-1].hold.clear()
    asked = [asyncio.ensure_future(classifier.classify("in hand", origin=SERVERS[0]))]
    await until(lambda: canary.worker._supervisor.current.in_hand)
    asked += [asyncio.ensure_future(classifier.classify(f"text {number}", origin=SERVERS[0])) for number in range(2)]
    await until(lambda: canary.worker.stats().queued == 3)
    closing = asyncio.ensure_future(classifier.close())
    await until(asked[-1].done)
    make.backends[-1].hold.set()
    await closing
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers[1:]] == [ClassifierClosed, ClassifierClosed]
    await asyncio.wait_for(asyncio.wrap_future(canary.worker.ended), PATIENCE)
