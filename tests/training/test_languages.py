"""Our own chat in other languages: as the English one, and what is made of it."""

import csv
from collections import Counter

import pytest
from datasets import Dataset

from training.data import load_split
from training.errors import DataError
from training.evaluation.suites import FINAL, MULTILINGUAL, load_suites
from training.languages import FOLDER, LANGUAGES, golden_texts, read_languages
from training.mixture import key
from training.multilingual_release import Language

COLUMNS = ["text", "label", "kind", "term", "pair", "brief", "labels", "debatable", "split"]
LABELS = {"negative": "-", "neutral": "0", "positive": "+"}


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture
def rows(language):
    return [row for row in read_languages() if row["language"] == language]


def test_every_row_has_a_text_and_a_label_that_all_readers_gave(language, rows):
    for name in (f"{language}.csv", f"{language}_test.csv"):
        with (FOLDER / name).open(encoding="utf-8", newline="") as file:
            assert csv.DictReader(file).fieldnames == COLUMNS
    for row in rows:
        assert row["text"].strip() == row["text"] != ""
        assert len(row["labels"]) >= 3
        assert row["labels"].count(LABELS[row["label"]]) >= len(row["labels"]) - 1
        assert row["debatable"] == str(int(len(set(row["labels"])) > 1))


def test_there_is_enough_of_each_label_to_train_and_to_measure(rows):
    for split, least in (("train", 800), ("validation", 150), ("test", 300)):
        counts = Counter(row["label"] for row in rows if row["split"] == split)
        assert counts.total() >= least
        assert min(counts.values()) >= 0.6 * max(counts.values())


def test_no_text_comes_twice_and_none_of_the_test_trains(rows):
    own = [row for row in rows if row["split"] != "test"]
    assert len({key(row["text"]) for row in own}) >= 0.995 * len(own)
    test = {key(row["text"]) for row in rows if row["split"] == "test"}
    assert not [row["text"] for row in own if len(row["text"].split()) > 2 and key(row["text"]) in test]


def test_rows_of_a_pair_differ_in_label_and_are_in_one_split(rows):
    pairs = {}
    for row in rows:
        if row["pair"]:
            pairs.setdefault((row["split"] == "test", row["pair"]), []).append(row)
    whole = [pair for pair in pairs.values() if len(pair) == 2]
    assert len(whole) > 250
    for pair in whole:
        assert len({row["split"] for row in pair}) == 1
    assert sum(len({row["label"] for row in pair}) > 1 for pair in whole) >= 0.97 * len(whole)


def test_a_language_is_a_part_of_the_set(language, rows):
    loaded = load_split(f"languages:{language}", "train", None)
    assert 0 < len(loaded) <= sum(row["split"] == "train" for row in rows)
    with pytest.raises(DataError, match="has none in 'xx'"):
        load_split("languages:xx", "train", None)


def test_of_a_set_that_says_in_which_language_its_texts_are_one_can_be_had(tmp_path):
    folder = tmp_path / "multilingual" / "umsab"
    folder.mkdir(parents=True)
    some = {"text": ["hola", "bonjour", "adios"], "label3": [2, 1, 0], "lang": ["es", "fr", "es"]}
    Dataset.from_dict(some).to_parquet(folder / "train.parquet")
    assert load_split("umsab:es", "train", tmp_path)["text"][:] == ["hola", "adios"]
    assert load_split("umsab:neutral", "train", tmp_path)["text"][:] == ["bonjour"]
    with pytest.raises(DataError, match=r"umsab has no part 'de'; its parts are negative, neutral, positive, es, fr"):
        load_split("umsab:de", "train", tmp_path)


def test_suites_of_other_languages_are_asked_of_models_for_them_alone(language):
    assert f"{language}_chat" in MULTILINGUAL
    assert f"{language}_chat" not in FINAL
    (suite,) = load_suites((f"{language}_chat",), None)
    assert len(suite.texts) >= 300
    assert set(suite.truth.tolist()) == {0, 1, 2}


def test_golden_texts_are_one_of_each_label_in_each_language():
    assert len(golden_texts()) == 3 * len(LANGUAGES)


@pytest.mark.parametrize(("recall", "wrong", "released"), [(0.7, 0.08, True), (0.69, 0.01, False), (0.9, 0.09, False)])
def test_a_language_is_released_where_it_is_read_well_and_not_surely_wrong(recall, wrong, released):
    one = Language("es", 100, 1.2, recall, wrong)
    assert one.released is released
    assert ("not released" in str(one)) is not released
