"""Hard short texts: what counts as right, as surely wrong and as refused, with the bundled model."""

import pytest
from click.testing import CliRunner
from datasets import Dataset

from model import NothingToRead, Overloaded, Sentiment, Unreadable, Verdict
from training.__main__ import main
from training.errors import DataError
from training.evaluation.field_cases import FieldCase, Tally, judge, load_cases, measure
from training.mixture import held_out_keys, key

CASES = {
    "text": ["i love this so much", "this is horrible", "the bus leaves at nine", "https://a.b", "https://c.d"],
    "kind": ["praise", "blame", "blame", "links", "links"],
    "allowed": ["P", "NU", "N", "NUP", "U"],
    "may_refuse": [False, False, False, True, False],
}


@pytest.fixture
def folder(tmp_path):
    def write(**columns):
        (tmp_path / "evaluate").mkdir()
        Dataset.from_dict({**CASES, **columns}).to_parquet(tmp_path / "evaluate" / "field_cases.parquet")
        return tmp_path

    return write


def case(*allowed, may_refuse=False):
    return FieldCase("a text", "a kind", frozenset(allowed), may_refuse)


def verdict(sentiment, confidence, *, danger=False):
    rest = (1 - confidence) / 2
    probabilities = tuple(confidence if one is sentiment else rest for one in Sentiment)
    return Verdict(sentiment, probabilities, 1, "x", danger=danger)


async def test_the_bundled_model_is_asked_for_the_raw_texts(folder):
    report = await measure("bundled", folder())
    assert report.total == Tally(cases=5, right=3, sure=1, refused=2)
    assert report.kinds == {
        "blame": Tally(cases=2, right=1, sure=1),
        "links": Tally(cases=2, right=1, refused=2),
        "praise": Tally(cases=1, right=1),
    }


@pytest.mark.parametrize("refusal", [Unreadable("Spanish"), NothingToRead()])
def test_a_refusal_is_right_only_where_it_is_allowed(refusal):
    assert judge(case(Sentiment.NEUTRAL, may_refuse=True), refusal) == Tally(cases=1, right=1, refused=1)
    assert judge(case(Sentiment.NEUTRAL), refusal) == Tally(cases=1, right=0, refused=1)


def test_every_allowed_label_is_right_also_where_a_refusal_would_be():
    either = case(Sentiment.NEGATIVE, Sentiment.NEUTRAL, may_refuse=True)
    assert judge(either, verdict(Sentiment.NEUTRAL, 0.95)) == Tally(cases=1, right=1)
    assert judge(either, verdict(Sentiment.POSITIVE, 0.95)) == Tally(cases=1, sure=1)
    assert judge(either, verdict(Sentiment.POSITIVE, 0.85)) == Tally(cases=1)


def test_a_text_taken_for_one_of_danger_is_negative_and_never_surely_wrong():
    danger = verdict(Sentiment.NEGATIVE, 0.99, danger=True)
    assert judge(case(Sentiment.NEGATIVE), danger) == Tally(cases=1, right=1)
    assert judge(case(Sentiment.POSITIVE), danger) == Tally(cases=1)


def test_an_error_that_says_nothing_of_the_text_ends_the_measurement():
    with pytest.raises(Overloaded):
        judge(case(Sentiment.NEUTRAL), Overloaded(1))


def test_the_command_prints_all_and_each_kind(folder):
    ran = CliRunner().invoke(main, ["field-cases", "--data", str(folder())])
    assert ran.exit_code == 0, ran.output
    lines = ran.stdout.splitlines()
    assert lines[2].startswith("| all | 5 | 60.0 [")
    assert lines[3] == "| blame | 2 | 50% | 1 | 0 |"
    assert lines[-1].startswith("model ")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"allowed": ["P", "NX", "N", "U", "U"]}, r"field_cases\.parquet allows 'NX'; the letters are N, U, P"),
        ({"allowed": ["P", "", "N", "U", "U"]}, "allows ''"),
        ({name: [] for name in CASES}, r"field_cases\.parquet"),
    ],
)
def test_cases_that_are_none_are_refused_by_name(folder, columns, message):
    with pytest.raises(DataError, match=message):
        load_cases(folder(**columns))


def test_missing_cases_and_columns_are_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"should be at .*evaluate/field_cases\.parquet"):
        load_cases(tmp_path)
    (tmp_path / "evaluate").mkdir()
    Dataset.from_dict({"text": ["hi"], "kind": ["a"]}).to_parquet(tmp_path / "evaluate" / "field_cases.parquet")
    with pytest.raises(DataError, match="lacks the column 'allowed'; it needs text, kind, allowed, may_refuse"):
        load_cases(tmp_path)


def test_field_cases_never_train(folder):
    assert key("I love this so much!") in held_out_keys(folder())
