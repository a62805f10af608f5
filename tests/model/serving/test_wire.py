"""What is said over the route: values there and back, and nothing else is taken for one."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from model import (
    ClassifierClosed,
    DeadlinePassed,
    Explanation,
    InferenceFailed,
    Influence,
    Missed,
    ModelInfo,
    NothingToRead,
    Overloaded,
    Sentiment,
    TextTooLong,
    Unreadable,
    Verdict,
)
from model.serving.wire import MOST_TEXTS, Asked, Replied, asked_out, reply_out

VERDICT = Verdict(Sentiment.POSITIVE, (0.1, 0.2, 0.7), 2, "0123456789", 3, danger=False, temperature=1.25)
ERRORS = [
    NothingToRead(),
    Unreadable("Russian"),
    Unreadable("Russian", reads=("English", "Spanish")),
    Unreadable(),
    TextTooLong(200_001, 200_000),
    Overloaded(2.5),
    DeadlinePassed(),
    ClassifierClosed(),
]
CANARY = "xylophonic marmalade"


def replied(**changed):
    (answer,) = json.loads(reply_out([VERDICT]))["answers"]
    return json.dumps({"answers": [answer | changed], "info": None}).encode()


def test_a_verdict_comes_back_as_it_was():
    third = (1 / 3, 0.1 + 0.2, 1 - 1 / 3 - (0.1 + 0.2))
    verdicts = [VERDICT, replace(VERDICT, danger=True, probabilities=third), replace(VERDICT, language="es")]
    assert Replied.model_validate_json(reply_out(verdicts)).values() == verdicts


def test_an_error_comes_back_with_its_sentence_and_what_is_known_of_it():
    values = Replied.model_validate_json(reply_out(ERRORS)).values()
    assert [type(value) for value in values] == [type(error) for error in ERRORS]
    assert list(map(str, values)) == list(map(str, ERRORS))
    assert list(map(vars, values)) == list(map(vars, ERRORS))


def test_an_error_with_words_in_it_leaves_them_behind():
    sent = reply_out([InferenceFailed(CANARY), ModelErrorOfAStranger(CANARY)])
    assert CANARY.encode() not in sent
    assert all(isinstance(value, InferenceFailed) for value in Replied.model_validate_json(sent).values())


class ModelErrorOfAStranger(InferenceFailed):
    """A kind that the route has no code for."""


def test_an_explanation_and_what_answers_come_back():
    explanation = Explanation(VERDICT, "good day", (Influence(0, 4, 0.5), Influence(5, 8, -0.1)))
    info = ModelInfo(
        "1", "bundled", "onnxruntime", "cpu", (Sentiment.NEGATIVE,), {"a": 0.5}, 0, 64, Missed("me/it", "no")
    )
    for one in (info, replace(info, version="1+2", source="bundled+multilingual", languages=("en", "es"))):
        back = Replied.model_validate_json(reply_out([explanation], one))
        assert back.values() == [explanation]
        assert replace(back.info.value(), since=0) == one


def test_a_server_of_an_earlier_version_says_nothing_of_languages():
    info = ModelInfo("1", "bundled", "onnxruntime", "cpu", (), {}, 0, 64)
    reply = json.loads(reply_out([VERDICT, Unreadable("Russian", reads=("English", "Spanish"))], info))
    verdict, refusal = reply["answers"]
    del reply["info"]["languages"], verdict["language"], refusal["reads"]
    back = Replied.model_validate_json(json.dumps(reply))
    assert back.info.value().languages == ()
    assert list(map(repr, back.values())) == list(map(repr, [VERDICT, Unreadable("Russian")]))


def test_what_is_asked_says_nothing_of_languages_so_that_an_earlier_server_takes_it():
    (text,) = json.loads(asked_out([{"text": "good"}]))["texts"]
    assert text == {"text": "good"}


@pytest.mark.parametrize(
    "changed",
    [
        {"probabilities": [float("nan"), 0.5, 0.5]},
        {"probabilities": [float("inf"), 0.0, 0.0]},
        {"probabilities": [-0.5, 0.5, 1.0]},
        {"probabilities": [0.5, 0.5]},
        {"probabilities": [0.5, 0.6, 0.5]},
        {"probabilities": ["0.1", 0.2, 0.7]},
        {"sentiment": "angry"},
        {"temperature": 0},
        {"temperature": float("nan")},
        {"windows": -1},
        {"danger": "no"},
        {"model": 7},
        {"error": "no such code"},
        {"language": "Spanish"},
        {"language": None},
    ],
)
def test_what_is_no_verdict_is_not_taken(changed):
    with pytest.raises(ValidationError):
        Replied.model_validate_json(replied(**changed))


def test_what_a_newer_server_says_besides_is_no_matter():
    info = ModelInfo("1", "bundled", "onnxruntime", "cpu", (), {}, 0, 64, Missed("me/it", "no"))
    reply = json.loads(reply_out([VERDICT, Overloaded(2.5), Explanation(VERDICT, "good", ())], info))
    for shape in (reply, reply["info"], reply["info"]["missed"], *reply["answers"], reply["answers"][2]["verdict"]):
        shape["more"] = 1
    values = Replied.model_validate_json(json.dumps(reply)).values()
    assert list(map(repr, values)) == list(map(repr, [VERDICT, Overloaded(2.5), Explanation(VERDICT, "good", ())]))


def test_a_server_that_is_busy_for_very_long_spoils_no_list():
    sent = reply_out([Overloaded(5000.0), VERDICT])
    assert json.loads(sent)["answers"][0]["retry_after"] == 3600
    busy, verdict = Replied.model_validate_json(sent).values()
    assert (busy.retry_after, verdict) == (3600, VERDICT)
    older = json.dumps({"answers": [{"error": "overloaded", "retry_after": 5000}], "info": None})
    assert Replied.model_validate_json(older).values()[0].retry_after == 3600


@pytest.mark.parametrize(
    "asked",
    [
        b"",
        b"[]",
        b'{"texts": "good"}',
        b'{"texts": [7]}',
        b'{"texts": [{"text": 7}]}',
        b'{"texts": [{"text": "good", "priority": 3}]}',
        b'{"texts": [{"text": "good", "priority": -1}]}',
        b'{"texts": [{"text": "good", "within": NaN}]}',
        b'{"texts": [{"text": "good", "within": -1}]}',
        b'{"texts": [{"text": "good", "pieces": 25}]}',
        b'{"texts": [{"text": "good", "pieces": true}]}',
        b'{"texts": [{"text": "good", "more": 1}]}',
        asked_out([{"text": "good", "origin": "x" * 65}]),
        asked_out([{"text": "good"}] * (MOST_TEXTS + 1)),
        asked_out([{"text": "good", "pieces": 24}] * 3),
        b"[" * 100_000,
        b'{"texts": [{"text": "\xff"}]}',
    ],
)
def test_what_is_no_list_of_texts_is_not_taken(asked):
    with pytest.raises(ValueError):
        Asked.model_validate_json(asked)


def test_half_of_a_surrogate_pair_does_not_keep_the_others_from_being_sent():
    asked = Asked.model_validate_json(asked_out([{"text": "\ud83d"}, {"text": "good 🔥"}]))
    assert [text.text for text in asked.texts] == ["?", "good 🔥"]
