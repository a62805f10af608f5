"""The model for other languages, as it lies in the repository."""

from pathlib import Path

import pytest

import training
from model import Classifier
from model.acceptance import golden_examples
from model.backends.engine import load_engine
from model.checkpoints.checkpoint import MULTILINGUAL_FOLDER
from model.errors import Unreadable
from model.verdict import Sentiment

CODES = ("en", "es", "pt", "fr", "de", "it", "tr", "pl")
PLAIN = (
    ("qué partidazo, los quiero", "es", Sentiment.POSITIVE),
    ("obrigado demais mano, salvou", "pt", Sentiment.POSITIVE),
    ("c'est vraiment nul cette maj", "fr", Sentiment.NEGATIVE),
    ("das update ist echt der letzte müll", "de", Sentiment.NEGATIVE),
    ("che schifo di update", "it", Sentiment.NEGATIVE),
    ("çok güzel olmuş eline sağl\u0131k", "tr", Sentiment.POSITIVE),
    ("kurwa znowu lagi, mam dość", "pl", Sentiment.NEGATIVE),
)


def test_it_is_small_enough_to_be_carried():
    assert (MULTILINGUAL_FOLDER / "model.onnx").stat().st_size <= 36_000_000


def test_its_golden_examples_are_of_every_language_and_hold():
    engine = load_engine("multilingual")
    assert tuple(engine.checkpoint.languages) == CODES
    examples = golden_examples(engine.checkpoint)
    assert {example.language for example in examples} == set(CODES)
    for example in examples:
        assert engine.answer(example.text, example.language).sentiment == example.sentiment


@pytest.mark.parametrize("source", ["multilingual", "bundled+multilingual"])
async def test_plain_chat_is_read_in_each_language_and_english_beside_it(source):
    async with await Classifier.open(source, cache=0) as classifier:
        verdicts = await classifier.classify_many([text for text, _, _ in PLAIN])
        found = [(one.language, one.sentiment) for one in verdicts]
        assert found == [(language, sentiment) for _, language, sentiment in PLAIN]
        english = await classifier.classify("what a wonderful day, love it here")
        assert (english.language, english.sentiment) == ("en", Sentiment.POSITIVE)
        with pytest.raises(Unreadable) as refused:
            await classifier.classify("hoe gaat het met jou vandaag jongen")
        assert refused.value.language == "Dutch"


async def test_what_is_plainly_english_is_the_english_models():
    async with await Classifier.open("bundled+multilingual", cache=0) as both, await Classifier.open(cache=0) as alone:
        text = "need one more healer for the raid tonight"
        assert (await both.classify(text)).probabilities == (await alone.classify(text)).probabilities


def test_its_notice_names_where_the_weights_come_from():
    notice = (Path(training.__file__).parent / "multilingual" / "NOTICE").read_text("utf-8")
    assert "multilingual-e5-small" in notice
    assert "MIT" in notice
