"""Terms that a fold leaves out are in nothing of ours that it trains on."""

import json
import re

import pytest
from datasets import Dataset

from model.text.cleaning import clean
from training.data import load_raw, read_expressions, split_validation
from training.evaluation.suites import has_emoji
from training.mixture import load_mixture, terms_in
from training.mixture import test_terms as our_test_terms
from training.recipe import Recipe, Source
from training.term_folds import FOLDS, REPORT, fold_suite, fold_terms, run_folds

pytestmark = pytest.mark.filterwarnings("ignore")


def test_each_term_is_in_one_fold_and_no_fold_is_small():
    folds = [fold_terms(fold) for fold in range(FOLDS)]
    assert frozenset().union(*folds) == our_test_terms()
    assert sum(map(len, folds)) == len(our_test_terms())
    assert min(map(len, folds)) >= 10


def test_each_pair_is_read_by_one_fold_and_is_about_its_terms():
    suites = [fold_suite(fold) for fold in range(FOLDS)]
    texts = [text for suite in suites for text in suite.texts]
    assert len(texts) == len(set(texts))
    terms = {row["sentence"]: row["term"] for row in read_expressions()}
    for fold, suite in enumerate(suites):
        assert suite.pair is not None
        assert len(suite.texts) == len(suite.truth) == len(suite.pair)
        about = {terms[text] for text in suite.texts} - {""}
        assert about & fold_terms(fold)


@pytest.mark.parametrize("name", ["chat", "expressions"])
@pytest.mark.parametrize("fold", [0, 4])
def test_what_a_fold_trains_on_has_none_of_its_terms(name, fold, tmp_path):
    """Looked for in what people wrote: cleaned, an emoji is an ordinary word."""
    terms = fold_terms(fold)
    has_one = terms_in(terms)
    every = load_raw(name, "train", tmp_path)["text"]
    about = {clean(text) for text in every if has_one(text)}
    if name == "chat":
        assert about
        assert any(has_emoji(term) for term in fold_terms(4))
    found = load_mixture((Source(name, vary=1),), tmp_path, 1, terms)
    kept = {clean(text) for text in every if not has_one(text)}
    assert not (about - kept) & {*found.rows["text"], *found.copies["text"]}
    assert found.counts[name]["overlaps"] >= len(about - kept)


def test_five_are_trained_and_scored_and_not_trained_again(tiny_base, tmp_path, monkeypatch):
    recipe = Recipe(
        phase="slang",
        sources=(Source("expressions"),),
        labels=("negative", "neutral", "positive"),
        learning_rate=1e-3,
        batch_size=16,
        epochs=1,
        max_length=16,
    )
    report = run_folds(recipe, str(tiny_base), tmp_path, tmp_path / "folds", tmp_path / "report", max_rows=60)
    assert report["sentences"] == sum(len(fold_suite(fold).texts) for fold in range(FOLDS))
    assert 0 <= report["pairs_right"] <= report["right"] <= 1
    assert json.loads((tmp_path / "report" / REPORT).read_text("utf-8")) == report
    monkeypatch.setattr("training.term_folds.run_phase", None)
    assert run_folds(recipe, str(tiny_base), tmp_path, tmp_path / "folds", tmp_path / "report", max_rows=60) == report


def test_copies_are_of_texts_that_train_and_are_not_measured_by(tmp_path):
    (tmp_path / "tweet_eval").mkdir()
    texts = [f"what number {number} was is not known to anybody here" for number in range(200)]
    for split in ("train", "validation", "test"):
        some = texts if split == "train" else [f"{split} only"]
        Dataset.from_dict({"text": some, "label": [1] * len(some)}).to_parquet(
            tmp_path / "tweet_eval" / f"{split}.parquet"
        )
    found = load_mixture((Source("tweet_eval", vary=2),), tmp_path, 3, validation_share=0.25)
    held_out = set(split_validation(found.rows, 0.25, 3)["validation"]["text"])
    numbers = {number for number in range(200) if texts[number] in held_out}
    assert len(found.rows) == 200
    assert 30 < len(numbers) < 70
    assert len(found.copies) == found.counts["tweet_eval"]["copies"] == 2 * (200 - len(numbers))
    assert not any(re.search(rf"\b{number}\b", text) for text in found.copies["text"] for number in numbers)
