"""Labels as people write them: understood by the set's own scheme, or the whole set is refused with what was met."""

import pandas
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from training.data import load_labelled, load_split
from training.datasets_catalog import CORPORA
from training.errors import DataError
from training.labels import LABEL3, THREE, TWO, Valence, read_labels
from training.mixture import held_out_keys, key


@pytest.fixture
def stored(tmp_path):
    """A folder with one split of a set, its labels as given and its texts numbered."""

    def store(name, labels, split="train", features=None):
        corpus = CORPORA[name]
        file = corpus.file(tmp_path, split)
        file.parent.mkdir(parents=True, exist_ok=True)
        texts = [f"text {number}" for number in range(len(labels))]
        column = corpus.scheme.column if corpus.scheme else "label"
        Dataset.from_dict({corpus.text: texts, column: labels}, features=features).to_parquet(file)
        return tmp_path

    return store


def labels_of(name, data, split="train"):
    return list(load_split(name, split, data)["label3"])


@pytest.mark.parametrize(
    "labels",
    [
        ["neg", "pos", "Negative", "POSITIVE", " pos "],
        ["0", "1", "0.0", "1", "1.0"],
        ["0", "pos", "neg", "positive", "1"],
        [0.0, 1.0, 0.0, 1.0, 1.0],
        [0, 1, 0, 1, 1],
    ],
)
def test_two_classes_are_read_however_they_are_written(stored, labels):
    assert labels_of("imdb", stored("imdb", labels)) == [0, 2, 0, 2, 2]


@pytest.mark.parametrize(
    "labels",
    [
        ["negative", "Neutral", "POS"],
        ["neg", "neu", "positive"],
        ["0", "1", "2"],
        ["0.0", "1.0", "2.0"],
        [0.0, 1.0, 2.0],
    ],
)
@pytest.mark.parametrize("name", ["tweet_eval", "senti4sd"])
def test_three_classes_are_read_however_they_are_written(stored, name, labels):
    assert labels_of(name, stored(name, labels)) == [0, 1, 2]


def test_words_in_one_split_and_numbers_in_another_give_the_same(stored):
    stored("tweet_eval", ["negative", "positive"])
    data = stored("tweet_eval", [0, 2], split="test")
    assert labels_of("tweet_eval", data) == labels_of("tweet_eval", data, "test") == [0, 2]


def test_named_classes_are_read_by_their_names_whatever_their_order(stored):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["pos", "neg"])})
    assert labels_of("imdb", stored("imdb", [0, 1], features=features)) == [2, 0]


def test_named_classes_without_a_name_for_a_row_are_unlabelled_where_a_set_has_such_rows(stored):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    found = load_labelled("imdb", "train", stored("imdb", [1, -1], features=features))
    assert (list(found.rows["label3"]), found.left_out) == ([2], {"unlabelled": 1, "unreadable": 0})


def test_named_classes_with_other_names_are_refused_by_their_names(stored):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["1 star", "5 stars"])})
    with pytest.raises(DataError, match=r"2 of 2 rows hold something else: '1 star' \(1 row\), '5 stars' \(1 row\)"):
        labels_of("imdb", stored("imdb", [0, 1], features=features))


def test_a_categorical_column_of_pandas_is_read(tmp_path):
    (tmp_path / "imdb").mkdir()
    table = pandas.DataFrame({"text": ["so bad", "so good"], "label": pandas.Categorical(["neg", "pos"])})
    table.to_parquet(tmp_path / "imdb" / "train.parquet")
    assert labels_of("imdb", tmp_path) == [0, 2]


@pytest.mark.parametrize(
    ("name", "labels", "met"),
    [
        ("imdb", [0, 1, 2, 3, 4, 4], r"4 of 6 rows hold something else: 4 \(2 rows\), 2 \(1 row\), 3 \(1 row\)\."),
        ("imdb", [1, 2, 3, 4, 5], "4 of 5 rows hold something else"),
        ("imdb", ["1", "2", "3", "4", "5"], r"4 of 5 rows hold something else: '2' \(1 row\)"),
        ("imdb", ["neg", "neutral", "pos"], r"'neutral' \(1 row\)"),
        ("imdb", [True, False], r"2 of 2 rows hold something else: True \(1 row\), False \(1 row\)"),
        ("imdb", [0.5, 1.0], r"0\.5 \(1 row\)"),
        ("imdb", [float("inf"), 1.0], r"inf \(1 row\)"),
        ("imdb", [[0], [1]], r"\[0\] \(1 row\), \[1\] \(1 row\)"),
        ("imdb", ["bad", "good", "bad"], r"3 of 3 rows hold something else: 'bad' \(2 rows\), 'good' \(1 row\)"),
        ("tweet_eval", [0, 1, 2, 3, 4], r"2 of 5 rows hold something else: 3 \(1 row\), 4 \(1 row\)"),
        ("tweet_eval", [1, 2, 3, 4, 5], "3 of 5 rows"),
        ("tweet_eval", [-1, 0, 1], r"-1 \(1 row\)"),
        ("tweet_eval", ["-1", "0", "1"], r"'-1' \(1 row\)"),
        ("tweet_eval", [0, None, 2], r"nothing \(1 row\)"),
        ("tweet_eval", ["positive", "", "neutral"], r"'' \(1 row\)"),
        ("tweet_eval", [0.0, float("nan"), 2.0], r"nan \(1 row\)"),
        ("senti4sd", [0, 1, 7], r"7 \(1 row\)"),
        ("vader_lexicon", [1.5, None], r"should hold a number from -4 to 4, but .* nothing \(1 row\)"),
        ("vader_lexicon", [1.5, 9.0], r"9\.0 \(1 row\)"),
        ("vader_lexicon", [1.5, float("nan")], r"nan \(1 row\)"),
        ("afinn", ["good", "bad"], r"from -5 to 5.* 'good' \(1 row\)"),
    ],
)
def test_a_value_that_is_none_of_the_sets_refuses_the_whole_set(stored, name, labels, met):
    with pytest.raises(DataError, match=met) as refused:
        labels_of(name, stored(name, labels))
    assert f"of {name}/train should hold" in str(refused.value)


def test_a_refusal_says_what_the_set_should_hold(stored):
    with pytest.raises(DataError) as refused:
        labels_of("tweet_eval", stored("tweet_eval", [3, 0]))
    assert str(refused.value) == (
        "The column 'label' of tweet_eval/train should hold 0 (negative), 1 (neutral), 2 (positive) or these words, "
        "but 1 of 2 rows hold something else: 3 (1 row)."
    )


def test_a_refusal_stays_short_whatever_the_column_holds(stored):
    with pytest.raises(DataError) as refused:
        labels_of("imdb", stored("imdb", [f"{number} " + "long " * 50 for number in range(500)]))
    message = str(refused.value)
    assert "500 of 500 rows" in message
    assert message.endswith("and 492 more.")
    assert len(message) < 600


@pytest.mark.parametrize("labels", [[1, -1, 0], ["pos", "-1", "neg"], ["pos", None, "neg"], [1.0, float("nan"), 0.0]])
def test_rows_without_a_label_are_counted_where_a_set_has_such_rows(stored, labels):
    found = load_labelled("imdb", "train", stored("imdb", labels))
    assert list(found.rows["label3"]) == [2, 0]
    assert found.left_out == {"unlabelled": 1, "unreadable": 0}


def test_a_weak_valence_is_no_label_and_counted(stored):
    found = load_labelled("afinn", "train", stored("afinn", ["3", "-1", "0", "0.5"]))
    assert list(found.rows["label3"]) == [2, 0]
    assert found.left_out["unlabelled"] == 2


def test_texts_that_are_none_are_refused(tmp_path):
    (tmp_path / "imdb").mkdir()
    Dataset.from_dict({"text": [1, 2], "label": [0, 1]}).to_parquet(tmp_path / "imdb" / "train.parquet")
    with pytest.raises(DataError, match=r"'text' of imdb/train should hold texts, but 2 of 2 rows .* 1 \(1 row\)"):
        labels_of("imdb", tmp_path)


def test_a_held_out_split_counts_whatever_its_labels_are(stored):
    assert key("text 1") in held_out_keys(stored("imdb", ["good", "bad"], split="test"))


def test_every_set_states_what_its_labels_mean_or_that_it_has_none():
    without = {name for name, corpus in CORPORA.items() if corpus.scheme is None}
    assert without == {
        "imdb_unsupervised", "emoji_tweets", "genz_terms", "genz_emojis", "film_slang", "field_cases",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        (TWO, "0 (negative), 1 (positive) or these words"),
        (CORPORA["imdb"].scheme, "0 (negative), 1 (positive), -1 or nothing (no label) or these words"),
        (LABEL3, "0 (negative), 1 (neutral), 2 (positive) or these words"),
        (Valence(4), "a number from -4 to 4"),
    ],
)
def test_a_scheme_says_itself(scheme, words):
    assert scheme.words == words


def test_labels_keep_their_order_and_number():
    rows = Dataset.from_dict({"label": ["2", "neg", "1.0"]})
    assert read_labels(rows, THREE, "a file") == [2, 0, 1]
