"""English to the first model, other languages to the second: one queue, and nothing is mixed."""

import asyncio
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from model import model_manager as manager_module
from model.acceptance import Example, golden_examples
from model.backends.choice import BackendChoice
from model.backends.engine import load_engine
from model.checkpoints.trial import Trials
from model.classifier import Classifier
from model.errors import CheckpointError, ReloadRefused, Unreadable
from model.explain import split_pieces, without
from model.scheduling.canary import is_among
from model.scheduling.request import Priority
from model.scheduling.verdict_cache import VerdictCache
from model.verdict import SENTIMENTS, Verdict
from tests.model.conftest import mood_text
from tests.model.spoiling import seal, weights
from tests.model.two_models import ENGLISH, LANGUAGES, SPANISH, add_golden, with_languages

SAME = 1e-5
"""By how much a probability may move with what is computed beside its text: sums are in another order."""

load = partial(load_engine, device="cpu", threads=1, backend="onnxruntime")


@pytest.fixture(scope="module")
def second(small_model, tmp_path_factory):
    """A folder with another network, which reads other languages too."""
    folder = tmp_path_factory.mktemp("second") / "model"
    with_languages(small_model.int8, folder)
    weights(lambda values: values[::-1].copy())(folder)
    (folder / "golden.json").write_text("[]", "utf-8")
    seal(folder)
    for text, language in (("odio a todos", "es"), ("good map", "")):
        add_golden(folder, load(str(folder)), text, language)
    return str(folder)


@pytest.fixture(scope="module")
def first(small_model):
    return str(small_model.int8)


@pytest.fixture(scope="module")
def both(first, second):
    return load(f"{first}+{second}")


@pytest.fixture
def open_both(both, monkeypatch):
    examples = [Example(mood_text(number % 3, number), SENTIMENTS[number % 3], (1.0,)) for number in range(12)]
    monkeypatch.setattr(manager_module, "plain_examples", lambda: examples)
    return lambda **options: Classifier.start(lambda: both, reload=load, **options)


def near(found, expected, **changed):
    """Whether two verdicts are the same but for the order of some sums."""
    close = np.allclose(found.probabilities, expected.probabilities, atol=SAME)
    return close and replace(found, probabilities=()) == replace(expected, probabilities=(), **changed)


async def test_each_text_is_read_by_the_model_for_its_language(open_both, first, second):
    async with await open_both() as classifier:
        answers = await classifier.classify_many([*ENGLISH, *SPANISH])
    english, other = load(first), load(second)
    for text, found in zip(ENGLISH, answers, strict=False):
        assert near(found, english.answer(text), language="en")
    for text, found in zip(SPANISH, answers[len(ENGLISH) :], strict=True):
        assert near(found, other.answer(text, "es"))
        assert (found.language, found.temperature) == ("es", pytest.approx(2.5, rel=0.5))


async def test_no_verdict_depends_on_what_is_read_beside_it(open_both, both, small_model):
    """Long and short texts of both, in an order by which each batch could hold some of either."""
    texts = [text for pair in zip(small_model.texts[:60], SPANISH * 12, strict=True) for text in pair]
    async with await open_both() as classifier:
        together = await classifier.classify_many(texts, Priority.PASSIVE)
        for text, found in list(zip(texts, together, strict=True))[:20]:
            assert near(await classifier.classify(text), found)
    for text, found in zip(texts, together, strict=True):
        assert near(found, both.answer(text, found.language if found.language != "en" else ""))
        assert found.language == ("es" if text in SPANISH else "en")
        assert found.model == both.part("es" if text in SPANISH else "").checkpoint.version


async def test_remembered_verdicts_keep_their_language_and_their_model(open_both):
    async with await open_both(cache=64) as classifier:
        before = [await classifier.classify(text) for text in ("gg", "gracias", "obrigado")]
        after = [await classifier.classify(text) for text in ("gg", "gracias", "obrigado")]
        assert classifier.stats().cached == 3
    assert before == after
    assert [verdict.language for verdict in after] == ["en", "es", "pt"]


def test_the_same_tokens_in_another_language_are_another_verdict(both):
    cache, part = VerdictCache(8), both.part("es")
    rows = part.reader.read("gracias")
    assert len({cache.key(part, rows, language) for language in ("", "es", "pt")}) == 3


def test_a_model_that_answers_alone_remembers_apart_from_the_same_one_beside_another(both, first):
    cache, alone = VerdictCache(8), load(first)
    rows = alone.reader.read("gg")
    assert alone.checkpoint.version == both.part().checkpoint.version
    assert cache.key(alone, rows) != cache.key(both.part(), rows)


async def test_a_model_for_english_alone_is_as_it_was(first):
    async with await Classifier.start(partial(load, first)) as classifier:
        verdict = await classifier.classify("good map")
        assert (verdict.language, classifier.info.languages) == ("", ())
        assert (await classifier.classify("gracias")).model == classifier.info.version
        with pytest.raises(Unreadable, match=r"Spanish\. I only read English\."):
            await classifier.classify("odio a todos ustedes de verdad")


async def test_a_model_for_many_languages_may_answer_alone(second):
    async with await Classifier.start(partial(load, second)) as classifier:
        english, spanish, portuguese = await classifier.classify_many(["good map", "gracias", "obrigado"])
        assert [one.language for one in (english, spanish, portuguese)] == ["en", "es", "pt"]
        assert portuguese.temperature / spanish.temperature == pytest.approx(0.4 / 2.5, rel=0.5)
        assert set(classifier.info.languages) == set(LANGUAGES)
        with pytest.raises(Unreadable) as refusal:
            await classifier.classify("это лучшая игра в мире")
        assert (refusal.value.language, "Spanish" in refusal.value.reads) == ("Russian", True)


def test_each_language_has_its_temperature(second):
    engine = load(second)
    logits, traits = np.array([[0.0, 1.0, 2.0]], dtype=np.float32), engine.traits(engine.reader.read("gracias"))
    engine = replace(engine, checkpoint=replace(engine.checkpoint, register=type(engine.checkpoint.register)()))
    found = {language: engine.decide(logits, traits, language) for language in ("", "es", "nl")}
    assert found["es"].temperature == 2.5
    assert found["nl"].temperature == found[""].temperature == engine.checkpoint.temperature
    assert found[""].confidence > found["es"].confidence


async def test_what_neither_reads_is_unreadable_and_no_failure(open_both):
    async with await open_both() as classifier:
        russian, good = await classifier.classify_many(["это лучшая игра в мире", "good map"])
        assert isinstance(russian, Unreadable)
        assert isinstance(good, Verdict)
        assert classifier.stats().failed == 0


async def test_an_explanation_leaves_words_out_in_the_texts_own_language(open_both, both):
    text = "odio a todos ustedes de verdad"
    async with await open_both() as classifier:
        found = await classifier.explain(text)
    assert found.verdict.language == "es"
    rests = [without(text, span) for span in split_pieces(text)]
    expected = [both.answer(rest, "es").score_at(found.verdict.temperature) for rest in rests]
    assert [found.verdict.score - one.effect for one in found.influences] == pytest.approx(expected, abs=1e-3)


async def test_both_are_asked_their_own_golden_examples(open_both, first, second):
    alone = [len(golden_examples(load(folder).checkpoint)) for folder in (first, second)]
    async with await open_both() as classifier:
        assert await classifier.golden() == (sum(alone), [])


async def test_one_is_reloaded_to_two_and_back(first, second, open_both):
    async with await Classifier.start(partial(load, first), reload=load, cache=64) as classifier:
        assert (await classifier.classify("gg")).language == ""
        change = await classifier.reload(f"{first}+{second}")
        assert change.now.source == f"{first}+{second}"
        assert change.now.versions == tuple(load(one).checkpoint.version for one in (first, second))
        assert (await classifier.classify("gg")).language == "en"
        assert (await classifier.classify("gracias")).language == "es"
        await classifier.reload()
        assert classifier.info.source == f"{first}+{second}"
        await classifier.reload(first)
        with pytest.raises(Unreadable):
            await classifier.classify("odio a todos ustedes de verdad")
        assert (await classifier.rollback()).now.version == change.now.version
        assert (await classifier.classify("odio a todos ustedes de verdad")).language == "es"


async def test_a_second_model_that_fails_its_golden_examples_is_refused(small_model, open_both, tmp_path):
    folder = tmp_path / "other"
    with_languages(small_model.int8, folder)
    add_golden(folder, load(str(folder)), "odio a todos", "pt")
    rows = json.loads((folder / "golden.json").read_text("utf-8"))
    other = "positive" if rows[-1]["sentiment"] == "negative" else "negative"
    rows[-1] |= {"sentiment": other, "probabilities": [0.98, 0.01, 0.01] if other == "negative" else [0.01, 0.01, 0.98]}
    (folder / "golden.json").write_text(json.dumps(rows), "utf-8")
    seal(folder)
    async with await open_both() as classifier:
        before = classifier.info
        with pytest.raises(ReloadRefused, match="golden examples"):
            await classifier.reload(f"{small_model.int8}+{folder}")
        assert classifier.info == before


async def test_a_model_that_reads_no_english_is_told_so(small_model, open_both, tmp_path):
    without = tmp_path / "without"
    with_languages(small_model.int8, without, {"es": 1.0})
    (without / "golden.json").write_text("[]", "utf-8")
    seal(without)
    other = tmp_path / "other"
    with_languages(without, other, {"pt": 1.0})
    async with await open_both() as classifier:
        for source in (str(without), f"{without}+{other}"):
            with pytest.raises(ReloadRefused, match=r"doesn't read English\. Join it to a model that does"):
                await classifier.reload(source)
            await classifier.start_shadow(source)
            with pytest.raises(ReloadRefused, match="doesn't read English"):
                await classifier.promote_shadow()
            await classifier.stop_shadow()


async def test_what_was_identified_for_a_model_that_is_gone_is_refused_by_the_one_that_came(open_both, first):
    async with await open_both() as classifier:
        prepared = await classifier._prepared_alone("gracias", Priority.INTERACTIVE, None)
        await classifier.reload(first)
        with pytest.raises(Unreadable, match="looks like Spanish"):
            await classifier._submit(prepared, Priority.INTERACTIVE, None, float("inf"))
        assert classifier.stats().failed == 0


async def test_a_candidate_reads_along_in_both_languages(open_both, first, second):
    async with await open_both() as classifier:
        await classifier.start_shadow(f"{first}+{second}")
        for text in ("good map", *SPANISH):
            await classifier.classify(text, Priority.PASSIVE)
        for _ in range(200):
            report = classifier.shadow_report()
            if report.texts + report.skipped == 1 + len(SPANISH):
                break
            await asyncio.sleep(0.02)
        assert (report.texts, report.agree, report.skipped) == (1 + len(SPANISH), 1 + len(SPANISH), 0)
        change = await classifier.promote_shadow()
        assert change.now.source == f"{first}+{second}"


async def test_a_release_in_steps_reads_other_languages_where_it_has_come_to(open_both, first, second):
    chosen, other = (next(n for n in range(1, 200) if is_among(n, 0.5, "salt") is wanted) for wanted in (True, False))
    async with await Classifier.start(partial(load, first), reload=load) as classifier:
        info = await classifier.staged.prepare(f"{first}+{second}")
        assert info.sha256 == load(f"{first}+{second}").checkpoint.sha256
        await classifier.staged.begin_canary(0.5, "salt")
        assert (await classifier.classify("odio a todos ustedes de verdad", origin=chosen)).language == "es"
        with pytest.raises(Unreadable):
            await classifier.classify("odio a todos ustedes de verdad", origin=other)
        await classifier.staged.promote()
        assert (await classifier.classify("odio a todos ustedes de verdad", origin=other)).language == "es"


async def test_a_second_model_that_breaks_is_found_out_when_it_is_quiet(first, second, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    engine = load(f"{first}+{second}")
    broken = [engine]
    async with await Classifier.start(lambda: broken.pop() if broken else load(f"{first}+{second}")) as classifier:
        monkeypatch.setattr(engine.parts[1].backend, "predict", lambda batch: 1 / 0)
        while classifier.health().replaced == 0:
            await asyncio.sleep(0.02)
        assert (await classifier.classify("gracias")).language == "es"


def test_each_of_two_has_its_batches_and_the_budget_that_was_set(first, second):
    engine = BackendChoice("cpu", 1, "onnxruntime", budget=1024).load(f"{first}+{second}")
    assert [part.budget for part in engine.each] == [engine.budget] * 2 == [1024] * 2


def test_each_of_two_is_tried_by_itself(first, second):
    tried = []
    BackendChoice("cpu", 1, "onnxruntime", budget=512).load(f"{first}+{second}", lambda one: tried.append(one.source))
    assert tried == [first, second]


def test_a_model_that_reads_nothing_more_is_no_second_one(first, second):
    with pytest.raises(CheckpointError, match=r"reads no language that .* doesn't"):
        load(f"{second}+{first}")
    with pytest.raises(CheckpointError, match=r"reads no language that .* doesn't"):
        load(f"{first}+{first}")


@pytest.mark.process
def test_a_second_model_passes_its_trial(second):
    trials = Trials(60)
    load_engine(second, "cpu", 1, trials.check)
    assert trials._passed
