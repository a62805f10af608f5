import pytest
from datasets import Dataset

from training.data import load_raw, load_split
from training.errors import DataError
from training.evaluation.suites import FINAL, available, country_texts, load_suites
from training.mixture import key

PAIR_SUITES = ("emoji_validation", "negation_validation", "sarcasm_validation")
CHAT_PAIRS = ("chat_negation", "chat_emoji_pairs", "chat_sarcasm", "chat_constructions")
CHAT = ("chat_atoms", "chat_emoji", "chat_emotes", *CHAT_PAIRS)
PAIRS = ("slang_unseen", "slang_trained", "emoji", "negation", "sarcasm")


def suite(name, data=None, rows=0):
    (found,) = load_suites((name,), data, rows)
    return found


@pytest.fixture
def data(tmp_path):
    (tmp_path / "evaluate").mkdir()
    texts = {"text": ["KEKW \U0001f525 so good", "https://a.b", "mid", "when?"], "label3": [2, 1, 0, 1]}
    Dataset.from_dict(texts).to_parquet(tmp_path / "evaluate" / "twitch_2026.parquet")
    return tmp_path


def test_texts_stay_as_people_wrote_them_and_unreadable_ones_go(data):
    found = suite("twitch", data)
    assert found.texts == ("KEKW \U0001f525 so good", "mid", "when?")
    assert found.truth.tolist() == [2, 0, 1]


def test_a_sample_is_the_same_each_time(data):
    assert len(suite("twitch", data, rows=2).texts) == 2
    assert suite("twitch", data, rows=2).fingerprint() == suite("twitch", data, rows=2).fingerprint()


@pytest.mark.parametrize("name", (*PAIRS, *PAIR_SUITES))
def test_a_pair_holds_two_moods_and_no_trained_sentence(name):
    trained = set(load_split("expressions", "train", None)["text"])
    found = suite(name)
    for number in set(found.pair):
        texts = [text for text, pair in zip(found.texts, found.pair, strict=True) if pair == number]
        assert len(set(found.truth[found.pair == number])) > 1, texts
        assert not trained.intersection(texts)


def test_there_are_enough_pairs_of_terms_never_trained_on():
    assert suite("slang_unseen").pair.max() + 1 >= 100


@pytest.mark.parametrize(
    ("name", "pairs"),
    [("chat_negation", 150), ("chat_sarcasm", 150), ("chat_emoji_pairs", 140), ("chat_constructions", 240)],
)
def test_pairs_of_other_writers_hold_two_moods_and_none_of_their_sentences_trains(name, pairs):
    found = suite(name)
    assert found.pair.max() + 1 >= pairs
    for number in set(found.pair):
        assert len(set(found.truth[found.pair == number])) > 1
    trained = {key(text) for text in load_raw("chat", "train", None)["text"]}
    assert not trained & {key(text) for text in found.texts if len(text.split()) > 2}


@pytest.mark.parametrize(("name", "texts"), [("chat_atoms", 300), ("chat_emoji", 150), ("chat_emotes", 150)])
def test_short_chat_has_all_three_moods(name, texts):
    found = suite(name)
    assert len(found.texts) >= texts
    assert min((found.truth == label).mean() for label in range(3)) > 0.25


def test_only_suites_whose_data_is_there_are_run(data):
    assert available(FINAL, data) == (*CHAT, "twitch", *PAIRS)
    assert available(FINAL, None) == (*CHAT, "imdb", "tweet_eval", *PAIRS)


def test_a_wrong_folder_is_refused_and_not_silently_left_out(tmp_path):
    with pytest.raises(DataError, match="There's no folder"):
        available(FINAL, tmp_path / "typo")
    with pytest.raises(DataError, match="holds none of the labelled sets"):
        available(FINAL, tmp_path)


def test_the_pairs_for_choosing_are_none_of_the_report():
    choosing = {text for name in PAIR_SUITES for text in suite(name).texts}
    reported = {text for name in PAIRS for text in suite(name).texts}
    assert len(choosing) > 100
    assert not choosing & reported


def test_an_unknown_suite_is_named_with_the_known_ones(data):
    with pytest.raises(DataError, match=r"no suite named 'tweets'; known suites are chat_atoms, .*imdb, tweet_eval"):
        suite("tweets", data)


def test_the_country_sentences_differ_in_nothing_else():
    texts = country_texts()
    assert len(set(texts)) == len(texts) >= 190
    assert all(text.startswith("This film was filmed in ") and text.endswith(".") for text in texts)
