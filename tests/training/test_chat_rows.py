"""Our own chat: whole, labelled by several, and told apart by what it says and not by how it looks."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

import training

FILE = Path(training.__file__).parent / "chat" / "chat.csv"
COLUMNS = ["text", "label", "kind", "term", "pair", "brief", "labels", "debatable", "split"]
LABELS = {"negative": "-", "neutral": "0", "positive": "+"}


@pytest.fixture(scope="module")
def rows():
    with FILE.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS
        return list(reader)


def test_every_row_has_a_text_a_label_and_several_readers(rows):
    for row in rows:
        assert row["text"].strip()
        assert row["label"] in LABELS
        assert row["split"] in {"train", "validation"}
        assert 3 <= len(row["labels"]) <= 4
        assert set(row["labels"]) <= {"-", "0", "+"}


def test_the_label_is_what_all_readers_but_one_say_and_disagreement_is_marked(rows):
    for row in rows:
        agree = row["labels"].count(LABELS[row["label"]])
        assert agree >= len(row["labels"]) - 1
        assert row["debatable"] == str(int(len(set(row["labels"])) > 1))


def test_no_text_comes_twice(rows):
    assert len({row["text"].strip().casefold() for row in rows}) == len(rows)


def test_rows_of_a_pair_differ_in_label_and_are_in_one_split(rows):
    pairs = {}
    for row in rows:
        if row["pair"]:
            pairs.setdefault(row["pair"], []).append(row)
    assert len(pairs) > 1000
    for pair in pairs.values():
        assert len({row["label"] for row in pair}) > 1
        assert len({row["split"] for row in pair}) == 1


def test_no_opening_is_shared_by_many(rows):
    openings = Counter(
        " ".join(words[:3]) for row in rows if len(words := re.sub(r"\d+", "0", row["text"].lower()).split()) > 4
    )
    assert max(openings.values()) <= 3


def test_how_a_row_looks_does_not_tell_its_label(rows):
    """Each share within a quarter of the others': short rows, capitals, calls and questions."""
    looks = (
        lambda text: len(text.split()) <= 3,
        lambda text: re.search(r"\b[A-Z]{3,}\b", text),
        lambda text: re.search(r"[!?]", text),
    )
    for look in looks:
        shares = []
        for label in LABELS:
            texts = [row["text"] for row in rows if row["label"] == label]
            shares.append(sum(bool(look(text)) for text in texts) / len(texts))
        assert min(shares) >= 0.08
        assert max(shares) <= 1.25 * min(shares)


def test_about_as_many_rows_of_each_label(rows):
    counts = Counter(row["label"] for row in rows)
    assert min(counts.values()) >= 0.8 * max(counts.values())
