"""The messages that people send most, and the gate that holds int8 to floats on them."""

from dataclasses import replace

import pytest
from datasets import Dataset

from model.backends.engine import load_engine
from tests.training.test_export import Opposite
from training import frequent_messages
from training.data import load_labelled
from training.errors import ExportRefused
from training.export import check_frequent
from training.frequent_messages import (
    KEPT,
    MOST_WORDS,
    SETS,
    frequent,
    read_frequent,
    read_frequent_rows,
    write_frequent,
)


def test_the_list_is_what_it_says():
    messages = read_frequent()
    assert len(messages) == KEPT
    assert len(set(messages)) == KEPT
    assert {"lol", "gg", "yeah"} <= set(messages[:50])
    assert max(len(message.split()) for message in messages) <= MOST_WORDS


def test_each_set_counts_by_its_share_and_names_come_last(tmp_path):
    said = {"chitchat_byu": ["Hey!"] * 3 + ["yes"] * 2, "conda": ["gg"] * 90 + ["yes"] * 10, "irc": ["hey!"] * 2,
            "nus_sms": ["see you tomorrow then"] * 5 + ["Nadia"] * 9}  # fmt: skip
    for name, splits in SETS.items():
        (tmp_path / name).mkdir()
        for split in splits:
            texts = said[name] if split == splits[0] else ["ok"]
            Dataset.from_dict({"text": texts}).to_parquet(tmp_path / name / f"{split}.parquet")
    found = frequent(tmp_path)
    assert found[:2] == ["Hey!", "yes"]
    assert {"gg", "Nadia"} <= set(found[2:])
    assert "see you tomorrow then" not in found


TEXTS = ("lol", "that was awful", "I love it", "see you at nine", "thank you so much", "what a mess")


def turned(engine, honest):
    return replace(engine, backend=Opposite(engine.backend, honest))


@pytest.fixture(scope="module")
def engine():
    return load_engine("bundled", "cpu", 1)


def test_two_that_agree_pass_with_their_figures(engine, monkeypatch):
    monkeypatch.setattr("training.export.LEAST_GAP", 0.0)
    found = check_frequent(TEXTS, engine, engine)
    assert found["texts"] == len(TEXTS)
    assert found["same_label"] == 1.0
    assert 0 <= found["least_gap"] < 1


def test_one_that_says_something_else_is_refused_with_what(engine, monkeypatch):
    monkeypatch.setattr("training.export.LEAST_GAP", 0.0)
    with pytest.raises(ExportRefused, match=r"the same label on .*%.*others: '"):
        check_frequent(TEXTS, engine, turned(engine, 0))


def test_a_near_call_is_refused_with_its_text(engine, monkeypatch):
    monkeypatch.setattr("training.export.LEAST_GAP", 0.999)
    with pytest.raises(ExportRefused, match=r"are nearer than 1\.00 between two labels \(at most 5% may be\): '"):
        check_frequent(TEXTS, engine, engine)


def test_what_readers_said_stays_with_its_message(tmp_path, monkeypatch):
    monkeypatch.setattr(frequent_messages, "FILE", tmp_path / "frequent.csv")
    (tmp_path / "frequent.csv").write_text("text,label,labels\ngg,positive,++\nhaha,,0+\n", "utf-8")
    write_frequent(["haha", "new one", "gg"])
    assert [tuple(row.values()) for row in read_frequent_rows()] == [
        ("haha", "", "0+"), ("new one", "", ""), ("gg", "positive", "++"),
    ]  # fmt: skip


def test_messages_whose_readers_agree_can_be_learned():
    rows = load_labelled("frequent", "train", None).rows
    by_text = dict(zip(rows["text"], rows["label3"], strict=True))
    assert by_text["gg"] == 2
    assert by_text["hi"] == 1
    assert "haha" not in by_text
