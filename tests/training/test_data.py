import csv
import os

import pytest
from datasets import Dataset

from model.text.cleaning import clean
from model.verdict import SENTIMENTS
from training.data import (
    fingerprint,
    load_labelled,
    load_raw,
    load_split,
    read_expressions,
    split_validation,
    without_duplicates,
)
from training.datasets_catalog import CORPORA
from training.errors import DataError
from training.mixture import held_out_terms, load_mixture
from training.moods import ISARCASM, mood_rows
from training.recipe import RECIPES, Source, read_recipe


def kept_rows():
    return [row for row in read_expressions() if row["split"] == "test" and row["term"]]


def rows_of(*pairs):
    return Dataset.from_dict({"text": [text for text, _ in pairs], "label3": [label for _, label in pairs]})


@pytest.fixture
def folder(tmp_path):
    """A folder of data sets; call it with a corpus folder, a split's file and columns."""

    def write(place, split, **columns):
        (tmp_path / place).mkdir(exist_ok=True)
        Dataset.from_dict(columns).to_parquet(tmp_path / place / f"{split}.parquet")
        return tmp_path

    return write


def test_an_unknown_set_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(DataError, match="no data set named 'imbd'; known sets are imdb, imdb_unsupervised"):
        load_split("imbd", "train", tmp_path)


def test_an_unknown_split_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(DataError, match="imdb has no validation split; it has train, test"):
        load_split("imdb", "validation", tmp_path)


def test_a_missing_folder_says_where_the_file_should_be(tmp_path):
    with pytest.raises(DataError, match=r"imdb/train should be at .*imdb/train\.parquet; .*--data"):
        load_split("imdb", "train", tmp_path / "nowhere")


def test_a_set_without_a_hub_asks_for_a_folder():
    with pytest.raises(DataError, match="figure_eight isn't read from the hub"):
        load_split("figure_eight", "train", None)


def test_every_source_of_the_bundled_recipes_is_a_known_set():
    named = {source.name.partition(":")[0] for file in RECIPES.glob("*.toml") for source in read_recipe(file).sources}
    assert {name for name in named if not name.endswith(".parquet")} <= set(CORPORA)


def test_texts_are_cleaned_as_the_bot_cleans_and_unreadable_rows_go(folder):
    data = folder(
        "imdb",
        "train",
        text=["Sooooo good<br />yes", "https://a.b/c", "", None, "bad \U0001f602"],
        label=[1, 1, 0, 0, 0],
    )
    rows = load_split("imdb", "train", data)
    assert rows["text"] == ["Sooo good yes", "bad (amused)"]
    assert rows["label3"] == [2, 0]
    assert all(clean(text) == text for text in rows["text"])


def test_unlabelled_rows_are_left_out(folder):
    data = folder("imdb", "test", text=["one", "two", "three"], label=[-1, 0, 1])
    assert load_split("imdb", "test", data)["text"] == ["two", "three"]
    data = folder("goemotions", "train", text=["one", "two"], label3=[None, 1])
    assert load_split("goemotions", "train", data)["text"] == ["two"]


def test_rows_that_are_left_out_are_counted_and_said(folder, caplog):
    data = folder(
        "goemotions", "train", text=["one", "two", "three", "https://a.b", None], label3=[None, 1, None, 0, 2]
    )
    assert load_labelled("goemotions", "train", data).left_out == {"unlabelled": 2, "unreadable": 2}
    assert caplog.messages == ["goemotions/train: of 5 rows are left out: 2 unlabelled, 2 unreadable."]
    counts = load_mixture((Source("goemotions"),), data, seed=1).counts["goemotions"]
    assert counts == {"rows": 1, "duplicates": 0, "overlaps": 0, "unlabelled": 2, "unreadable": 2}


def test_a_set_of_which_nothing_is_left_is_refused_with_the_reasons(folder):
    data = folder("goemotions", "train", text=["one", "two", ""], label3=[None, None, 1])
    with pytest.raises(DataError, match="Of the 3 rows of goemotions/train none is left: 2 unlabelled, 1 unreadable"):
        load_split("goemotions", "train", data)


def test_a_set_without_labels_cannot_train(folder):
    with pytest.raises(DataError, match="isarcasm has no labels of negative, neutral and positive"):
        load_split("isarcasm", "test", folder("isarcasm", "test_en", text=["hi"]))


def test_sarcastic_tweets_and_their_rephrases_have_the_moods_that_two_readers_gave(folder):
    with ISARCASM.open(encoding="utf-8", newline="") as file:
        moods = list(csv.DictReader(file))
    most = max(int(row["row"]) for row in moods) + 1
    tweets, plain = [f"tweet number {row}" for row in range(most)], [f"rephrase of {row}" for row in range(most)]
    found = load_split("isarcasm", "train", folder("isarcasm", "train_en", text=tweets, rephrase=plain))
    assert 1500 < len(found) < len(moods) == 1734
    by_text = dict(zip(found["text"], found["label3"], strict=True))
    for row in moods[:200]:
        text = f"{'tweet number' if row['side'] == 'text' else 'rephrase of'} {row['row']}"
        agreed = len(set(row["labels"])) == 1 and "?" not in row["labels"]
        assert by_text.get(text) == ("-0+".index(row["labels"][0]) if agreed else None)


def test_a_split_of_other_tweets_is_refused(folder):
    with pytest.raises(DataError, match=r"isarcasm/train has 1 rows; the one that was labelled has \d+ at least"):
        load_split("isarcasm", "train", folder("isarcasm", "train_en", text=["hi"], rephrase=["hello"]))
    with pytest.raises(DataError, match="isarcasm/train lacks the column 'rephrase'"):
        load_split("isarcasm", "train", folder("isarcasm", "train_en", text=["hi"]))


@pytest.mark.parametrize("name", ["game_chat", "small_talk", "irc", "text_messages"])
def test_messages_of_others_have_the_moods_that_two_readers_gave(folder, name):
    moods = mood_rows(name)
    lengths = {int(row["row"]): int(row["length"]) for row in moods}
    texts = ["x" * lengths.get(number, 1) for number in range(max(lengths) + 1)]
    corpus = CORPORA[name]
    place = folder(corpus.folder, corpus.files["train"], text=texts)
    assert load_raw(name, "train", place)["label3"] == [SENTIMENTS.index(row["label"]) for row in moods]
    with pytest.raises(DataError, match=rf"{name}/train isn't the split that was labelled: row {moods[0]['row']} has"):
        load_split(name, "train", folder(corpus.folder, corpus.files["train"], text=[f"{text}!" for text in texts]))


def test_json_escapes_of_tweets_are_undone(folder):
    data = folder("tweet_eval", "train", text=[r"\u2019tis \"fine\" now"], label=[2])
    assert load_split("tweet_eval", "train", data)["text"] == ['\'tis "fine" now']


def test_our_expressions_load_with_all_three_labels():
    train, test = (load_split("expressions", split, None) for split in ("train", "test"))
    assert set(train["label3"]) == set(test["label3"]) == {0, 1, 2}
    assert min(len(train), len(test)) > 50


def test_a_kind_of_our_expressions_can_be_had_alone():
    every = set(load_split("expressions", "train", None)["text"])
    mixed = load_split("expressions:mixed", "train", None)
    assert set(mixed["text"]) < every
    assert len(mixed) > 50
    with pytest.raises(DataError, match="none of the kind 'nonsense'"):
        load_split("expressions:nonsense", "train", None)


def test_the_part_of_a_set_with_one_label_can_be_had_alone(folder):
    data = folder("tweet_eval", "train", text=["so bad", "a bus", "so good"], label=[0, 1, 2])
    assert load_split("tweet_eval:negative", "train", data)["text"] == ["so bad"]
    mixture = load_mixture((Source("tweet_eval"), Source("tweet_eval:negative")), data, seed=0)
    assert sorted(mixture.rows["text"]) == ["a bus", "so bad", "so bad", "so good"]
    with pytest.raises(DataError, match="no part 'angry'; its parts are negative, neutral, positive"):
        load_split("tweet_eval:angry", "train", data)


def test_a_list_asked_for_in_part_still_leaves_out_test_terms(folder):
    test_term = next(row["term"] for row in kept_rows() if row["term"].isalpha())
    data = folder("lexicons", "vader_lexicon", term=[f"so {test_term}", "awful"], valence=[-2.0, -2.0])
    mixture = load_mixture((Source("vader_lexicon:negative"),), data, seed=0)
    assert mixture.rows["text"] == ["awful"]
    assert mixture.counts["vader_lexicon:negative"]["overlaps"] == 1


def test_no_sentence_of_our_expressions_is_in_both_splits():
    train, test = (
        {text.casefold() for text in load_split("expressions", split, None)["text"]} for split in ("train", "test")
    )
    assert not train & test


def test_equal_texts_of_equal_label_stay_once_and_the_first_stays():
    rows = without_duplicates(rows_of(("Good", 2), ("good", 2), ("good", 1), ("bad", 0), ("GOOD", 2)))
    assert list(zip(rows["text"], rows["label3"], strict=True)) == [("Good", 2), ("good", 1), ("bad", 0)]


def test_a_mixture_samples_repeats_and_names_its_sources(folder):
    folder("imdb", "train", text=[f"film {number}" for number in range(20)] + ["film 0"], label=[0, 1] * 10 + [0])
    data = folder("slang", "seed_49", text=["w rizz", "big l"], label3=[2, 0])
    sources = (Source("imdb", rows=6), Source("slang_list", repeat=3))
    mixture = load_mixture(sources, data, seed=1)
    assert mixture.rows["source"] == ["imdb"] * 6 + ["slang_list"] * 6
    assert len(set(mixture.rows["text"][:6])) == 6
    assert mixture.counts["imdb"] == {
        "rows": 6,
        "duplicates": 1,
        "overlaps": 0,
        "unlabelled": 0,
        "unreadable": 0,
    }
    assert fingerprint(load_mixture(sources, data, seed=1).rows) == fingerprint(mixture.rows)
    assert len(load_mixture((Source("imdb"),), data, seed=1).rows) == 20


def test_what_is_drawn_of_a_source_goes_by_its_own_number_and_what_is_held_out_does_not(folder):
    data = folder("imdb", "train", text=[f"film {number}" for number in range(40)], label=[0, 1] * 20)
    sources = (Source("imdb", rows=12, vary=1),)
    first, other, again = (load_mixture(sources, data, 1, (), 0.25, drawn=drawn) for drawn in (0, 7, 7))
    assert set(first.rows["text"]) != set(other.rows["text"])
    assert list(other.rows["text"]) == list(again.rows["text"])
    held = [set(split_validation(one.rows, 0.25, 1)["validation"]["text"]) for one in (first, other)]
    both = set(first.rows["text"]) & set(other.rows["text"])
    assert both & held[0] == both & held[1]
    assert load_mixture(sources, data, seed=1).rows["text"][:] == first.rows["text"][:]


def test_texts_of_any_held_out_split_do_not_train_and_are_counted(folder):
    folder("imdb", "train", text=["A fine film.", "a dull film", "a long film", "kept"], label=[1, 0, 0, 1])
    folder("imdb", "test", text=["a fine film"], label=[1])
    folder("evaluate", "twitch_2026", text=["A DULL film!"], label3=[0])
    data = folder("tweet_eval", "validation", text=["a long<br />film"], label=[0])
    mixture = load_mixture((Source("imdb"),), data, seed=1)
    assert mixture.rows["text"] == ["kept"]
    assert mixture.counts["imdb"]["overlaps"] == 3


def test_a_list_of_slang_teaches_no_term_that_is_kept_for_the_test(folder):
    kept = next(row["term"] for row in kept_rows() if row["term"].isalpha())
    data = folder("slang", "seed_49", text=[f"honestly {kept.upper()}!", "w rizz"], label3=[2, 2])
    mixture = load_mixture((Source("slang_list"),), data, seed=1)
    assert mixture.rows["text"] == ["w rizz"]
    assert mixture.counts["slang_list"]["overlaps"] == 1


def test_our_own_training_sentences_hold_no_term_that_is_kept_for_the_test():
    holds_test_term = held_out_terms()
    assert holds_test_term(f"what a {kept_rows()[0]['term']}")
    terms = {row["term"] for row in kept_rows() if row["kind"] in ("slang", "literal")}
    assert len(terms) >= 80
    sentences = load_raw("expressions", "train", None)["text"]
    assert [text for text in sentences if holds_test_term(text)] == []


def test_a_file_that_is_no_parquet_and_a_missing_folder_are_one_sentence(tmp_path):
    (tmp_path / "imdb").mkdir()
    (tmp_path / "imdb" / "train.parquet").write_bytes(b"not a table")
    with pytest.raises(DataError, match=r"train\.parquet isn't a Parquet file that I can read"):
        load_split("imdb", "train", tmp_path)
    with pytest.raises(DataError, match="There's no folder"):
        load_mixture((Source("imdb"),), tmp_path / "nowhere", seed=1)


def test_an_emoji_written_as_two_escapes_becomes_one(folder):
    data = folder("tweet_eval", "train", text=[r"so good \ud83d\ude02"], label=[2])
    assert load_raw("tweet_eval", "train", data)["text"] == ["so good \U0001f602"]


def test_a_label_is_a_probability_of_one(folder):
    data = folder("imdb", "train", text=["bad", "good"], label=[0, 1])
    assert load_mixture((Source("imdb"),), data, seed=1).rows["probabilities"] == [[1, 0, 0], [0, 0, 1]]


def test_a_taught_file_brings_its_own_probabilities(folder, tmp_path):
    folder(".", "taught", text=["so so"], label3=[2], probabilities=[[0.4, 0.0, 0.6]], extra=["x"])
    rows = load_mixture((Source(str(tmp_path / "taught.parquet")),), tmp_path, seed=1).rows
    assert rows["probabilities"] == [[0.4, 0.0, 0.6]]


def test_a_taught_file_that_is_missing_or_lacks_a_column_is_refused_by_name(folder, tmp_path):
    with pytest.raises(DataError, match="python -m training teach"):
        load_mixture((Source("nowhere/taught.parquet"),), tmp_path, seed=1)
    folder(".", "taught", text=["so so"], label3=[2])
    with pytest.raises(DataError, match="lacks the column 'probabilities'"):
        load_mixture((Source(str(tmp_path / "taught.parquet")),), tmp_path, seed=1)


@pytest.mark.parametrize(
    ("label3", "probabilities", "message"),
    [
        (["good"], [[0.0, 0.0, 1.0]], r"'label3' of taught\.parquet should hold .* 'good' \(1 row\)"),
        ([2], [[1.0, 0.0, 0.0]], r"1 of the 1 rows of .*taught\.parquet have no three probabilities .* row 1: \[1\.0"),
        ([2], [[0.5, 0.5]], "no three probabilities"),
        ([2], [[0.0, 0.0, float("nan")]], "no three probabilities"),
        ([2], [None], "no three probabilities"),
        ([2], ["0.1"], "no three probabilities"),
    ],
)
def test_a_taught_file_with_anything_but_labels_and_probabilities_is_refused(
    folder, tmp_path, label3, probabilities, message
):
    folder(".", "taught", text=["so so"], label3=label3, probabilities=probabilities)
    with pytest.raises(DataError, match=message):
        load_mixture((Source(str(tmp_path / "taught.parquet")),), tmp_path, seed=1)


def test_a_source_of_which_nothing_is_left_harms_no_other(folder):
    folder("imdb", "test", text=["a fine film"], label=[1])
    folder("imdb", "train", text=["A fine film."], label=[1])
    data = folder("slang", "seed_49", text=["w rizz"], label3=[2])
    mixture = load_mixture((Source("imdb"), Source("slang_list")), data, seed=1)
    assert mixture.rows["source"] == ["slang_list"]
    assert mixture.account == "imdb gave 0 rows, 1 overlaps; slang_list gave 1 rows"


def test_cleaned_texts_are_not_kept_on_disk_where_they_would_outlive_a_change_of_the_cleaning(folder):
    data = folder("imdb", "train", text=["so good", ""], label=[1, 0])
    assert load_split("imdb", "train", data).cache_files == []
    assert load_mixture((Source("imdb"),), data, seed=1).rows.cache_files == []


def test_a_file_with_other_rows_is_read_anew_even_when_its_date_is_the_same(folder):
    data = folder("imdb", "train", text=["so good"], label=[1])
    date = (data / "imdb" / "train.parquet").stat().st_mtime
    assert load_split("imdb", "train", data)["text"] == ["so good"]
    folder("imdb", "train", text=["so bad"], label=[0])
    os.utime(data / "imdb" / "train.parquet", (date, date))
    assert load_split("imdb", "train", data)["text"] == ["so bad"]


def test_a_file_without_the_columns_of_its_set_is_refused_by_name(folder):
    data = folder("tweet_eval", "train", text=["hi"], sentiment=[1])
    with pytest.raises(DataError, match=r"tweet_eval/train lacks the column 'label'; it has text, sentiment"):
        load_split("tweet_eval", "train", data)


def test_copies_of_a_text_go_to_one_side_of_the_split():
    rows = rows_of(
        *[(f"Text {number}", number % 3) for number in range(300)] * 3, *[(f"text {n}", 0) for n in range(300)]
    )
    parts = split_validation(rows, 0.2, seed=3)
    train, validation = ({text.casefold() for text in parts[side]["text"]} for side in ("train", "validation"))
    assert not train & validation
    assert len(train | validation) == 300
    assert 30 < len(validation) < 90


def test_held_out_texts_are_counted_once():
    parts = split_validation(rows_of(*[(f"text {number}", 1) for number in range(100)] * 4), 0.5, seed=3)
    assert len(parts["validation"]["text"]) == len(set(parts["validation"]["text"]))


def test_the_split_depends_on_the_seed_and_on_nothing_else():
    rows = rows_of(*[(f"text {number}", 1) for number in range(200)])
    first, again, other = (split_validation(rows, 0.2, seed)["validation"] for seed in (3, 3, 4))
    assert first["text"] == again["text"] != other["text"]
    shuffled = split_validation(rows.shuffle(seed=9), 0.2, 3)["validation"]
    assert sorted(shuffled["text"]) == sorted(first["text"])


def test_the_fingerprint_changes_with_text_label_and_order():
    base = fingerprint(rows_of(("a", 0), ("b", 1)))
    others = [rows_of(("a", 1), ("b", 1)), rows_of(("a", 0), ("c", 1)), rows_of(("b", 1), ("a", 0))]
    assert base == fingerprint(rows_of(("a", 0), ("b", 1)))
    assert base not in {fingerprint(rows) for rows in others}
