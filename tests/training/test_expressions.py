import csv
from collections import Counter, defaultdict

import pytest

from model.text.cleaning import clean, is_readable
from training.data import EXPRESSIONS

COLUMNS = ["term", "sentence", "label3", "kind", "pair", "split"]
SAME_LABEL_PAIRS = {"39", "40", "46", "53", "57"}
"""Pairs of two plain sentences from the first edition of the file; they are no contrast and no new one may join."""

KINDS = {"slang", "literal", "neutral", "mixed", "lukewarm", "negation", "swearing", "sarcasm", "review"}


@pytest.fixture(scope="module")
def rows():
    with EXPRESSIONS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def pairs(rows):
    groups = defaultdict(list)
    for row in rows:
        if row["pair"]:
            groups[row["pair"]].append(row)
    return groups


def terms_of(rows):
    return Counter(row["term"] for row in rows if row["term"])


def in_test(pairs):
    return [pair for number, pair in pairs.items() if pair[0]["split"] == "test" and number not in SAME_LABEL_PAIRS]


def holds_emoji(term):
    return any(ord(char) > 0x2000 for char in term)


def test_the_columns_are_the_ones_the_readme_names():
    with EXPRESSIONS.open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == COLUMNS


def test_every_row_is_whole_and_uses_known_values(rows):
    for row in rows:
        assert set(row) == set(COLUMNS), row
        assert None not in row.values(), row
        assert row["label3"] in {"0", "1", "2"}, row
        assert row["kind"] in KINDS, row
        assert row["split"] in {"train", "validation", "test"}, row


def test_at_least_400_terms_have_three_sentences_each(rows):
    counts = terms_of(rows)
    assert sum(count >= 3 for count in counts.values()) >= 400
    assert [term for term, count in counts.items() if count < 2] == []


def test_no_term_has_two_spellings_that_differ_only_in_case(rows):
    spellings = Counter(term.casefold() for term in terms_of(rows))
    assert set(spellings.values()) == {1}, spellings.most_common(3)


def test_a_test_term_is_in_no_other_split_and_a_validation_term_is_trained_on(rows):
    splits = defaultdict(set)
    for row in rows:
        if row["term"]:
            splits[row["term"]].add(row["split"])
    assert {frozenset(found) for found in splits.values()} == {
        frozenset({"train"}),
        frozenset({"test"}),
        frozenset({"train", "validation"}),
        frozenset({"validation"}),  # words that other terms' training sentences hold
    }


def test_the_test_split_holds_at_least_80_terms_and_100_pairs(rows, pairs):
    assert len(terms_of([row for row in rows if row["split"] == "test"])) >= 80
    assert len(in_test(pairs)) >= 100


def test_a_pair_contrasts_labels_within_one_split(pairs):
    for number, pair in pairs.items():
        assert len(pair) >= 2, number
        assert len({row["split"] for row in pair}) == 1, number
        assert (len({row["label3"] for row in pair}) >= 2) != (number in SAME_LABEL_PAIRS), number


def test_no_sentence_is_there_twice_in_or_across_splits(rows):
    counts = Counter(row["sentence"].casefold() for row in rows)
    assert [text for text, count in counts.items() if count > 1] == []
    splits = defaultdict(set)
    for row in rows:
        splits[clean(row["sentence"]).casefold()].add(row["split"])
    assert [text for text, found in splits.items() if len(found) > 1] == []


def test_every_sentence_is_readable_after_cleaning_but_for_bare_links_labelled_neutral(rows):
    for row in rows:
        cleaned = clean(row["sentence"])
        assert is_readable(cleaned) or (cleaned == "http" and row["label3"] == "1"), row


def test_the_test_split_has_emoji_negation_and_sarcasm_pairs(pairs):
    tested = in_test(pairs)
    assert any(holds_emoji(pair[0]["term"]) for pair in tested)
    assert any(pair[0]["kind"] == "negation" for pair in tested)
    assert any(pair[0]["kind"] == "sarcasm" for pair in tested)
