"""Edits that change nothing of what a message says."""

import random

import pytest
from datasets import Dataset

from model.text.cleaning import clean
from training.augmentation import (
    addressed,
    edited,
    ironic,
    laughed,
    mistyped,
    other_case,
    other_end,
    stretched,
    varied,
)
from training.data import load_split
from training.mixture import load_mixture
from training.recipe import Source

NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2


def ways(edit, text, tries=60):
    return {edit(text, random.Random(number)) for number in range(tries)}


def test_each_edit_changes_what_it_says_and_no_more():
    assert ways(other_end, "so close") == {"so close.", "so close!", "so close..."}
    assert ways(other_end, "so close!!") == {"so close"}
    assert ways(other_end, "why?") == {"why?"}
    assert ways(addressed, "gg") == {"@user gg", "gg @user"}
    assert ways(other_case, "so close") == {"So close", "SO CLOSE"}
    assert ways(laughed, "rip") == {f"rip {laugh}" for laugh in ("lol", "lmao", "haha", "LOL", "😂", "🤣", "xD")}
    assert ways(stretched, "so bad") == {"so badd" + "d" * more for more in (1, 2, 3)}
    assert all(
        sorted(one) == sorted("terrible") and one[0] == "t" and one[-1] == "e" for one in ways(mistyped, "terrible")
    )


@pytest.mark.parametrize("edit", [stretched, mistyped, other_case])
def test_an_edit_that_does_not_suit_leaves_the_text(edit):
    assert ways(edit, "🔥") == {"🔥"}


@pytest.mark.parametrize(
    "text", ["dead", "no way that worked.", "gg", "why is this game so bad?", "k", "!song", "100%"]
)
def test_an_edited_text_is_another_one_as_the_bot_would_read_it(text):
    for number in range(100):
        other = edited(text, POSITIVE, random.Random(number))
        assert other != text
        assert other == clean(other)


def test_laughter_is_put_after_no_neutral_text():
    """There it may be the only thing that sounds like something."""
    texts = {edited("raid at eight", NEUTRAL, random.Random(number)) for number in range(300)}
    assert len(texts) > 5
    assert not any(text.lower().endswith(("lol", "lmao", "haha")) for text in texts)
    assert any(edited("raid at eight", NEGATIVE, random.Random(number)).endswith("lol") for number in range(300))


def test_copies_keep_their_label_and_are_the_same_for_a_seed():
    rows = Dataset.from_dict({"text": ["so close", "gg", "🔥"], "label3": [NEGATIVE, POSITIVE, POSITIVE]})
    one, again, other = (varied(rows, 3, seed)["text"] for seed in (1, 1, 2))
    assert list(one) == list(again) != list(other)
    assert varied(rows, 3, 1)["label3"] == [*([NEGATIVE, POSITIVE, POSITIVE] * 3)]


def test_our_chat_is_a_set_with_kinds_and_without_what_its_readers_did_not_agree_on():
    train, validation = (load_split("chat", split, None) for split in ("train", "validation"))
    assert len(train) > 10000 > len(validation) > 900
    assert 0 < len(load_split("chat:atom", "train", None)) < len(train)
    assert set(train["label3"]) == {NEGATIVE, NEUTRAL, POSITIVE}
    assert "OMG WE HAVE THE SAME MOUSE" not in [*train["text"], *validation["text"]]  # debatable


def test_a_source_brings_its_copies_and_they_are_counted(tmp_path):
    mixture = load_mixture((Source("chat:rating", repeat=2, vary=3),), tmp_path, seed=1)
    counts = mixture.counts["chat:rating"]
    assert len(mixture.rows) == 2 * counts["rows"]
    assert len(mixture.copies) == counts["copies"]
    assert 2.5 * counts["rows"] < counts["copies"] <= 3 * counts["rows"]


def test_marked_praise_is_blame_and_nothing_else_is_marked():
    rows = Dataset.from_dict(
        {
            "text": ["i love this server", "gg", "so bad", "raid at eight", "what a save"],
            "label3": [POSITIVE, POSITIVE, NEGATIVE, NEUTRAL, POSITIVE],
            "probabilities": [[0.0, 0.0, 1.0]] * 5,
        }
    )
    marked = ironic(rows, 0.999, 1)
    assert marked["text"] == [clean("i love this server /s"), clean("what a save /s")]
    assert marked["label3"] == [NEGATIVE, NEGATIVE]
    assert marked["probabilities"] == [[1.0, 0.0, 0.0]] * 2
    assert len(ironic(rows, 0.0, 1)) == 0
