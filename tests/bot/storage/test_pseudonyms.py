import secrets
import stat
from datetime import date

import pytest

from bot.storage.errors import BadHashKey
from bot.storage.pseudonyms import HashKey, Pseudonyms, open_pseudonyms, read_keys, rotate_file, rotated

KEY, FORMER = "today's key is a long one", "the former one was as long"
TODAY = date(2026, 11, 25)


def test_a_hash_is_16_bytes_and_always_the_same_for_a_person():
    one, other = Pseudonyms([HashKey(KEY)]), Pseudonyms([HashKey(KEY)])
    assert one.author(42) == other.author(42) != one.author(43)
    assert len(one.author(42)) == 16


def test_without_the_key_nobody_can_be_named():
    assert Pseudonyms([HashKey(KEY)]).author(42) != Pseudonyms([HashKey(FORMER)]).author(42)


def test_a_key_is_not_shown_where_it_is_printed():
    assert KEY not in repr(HashKey(KEY))


@pytest.mark.parametrize("end", ["", "@2999-01-01", "@2001-01-01"])
def test_a_former_key_is_recognised_also_after_its_last_day(end):
    """Whoever opted out under it and was never seen since is known by nothing else."""
    former = Pseudonyms([HashKey(FORMER)]).author(42)
    keys = read_keys(f"{KEY},{FORMER}{end}")
    assert Pseudonyms(keys).authors(42) == (Pseudonyms([HashKey(KEY)]).author(42), former)


def test_keys_are_told_apart_by_fingerprints_that_lead_to_none():
    both, former = Pseudonyms([HashKey(KEY), HashKey(FORMER)]), Pseudonyms([HashKey(FORMER)])
    assert both.fingerprints == {both.fingerprint, former.fingerprint}
    assert both.fingerprint != former.fingerprint
    assert len(both.fingerprint) == 8


@pytest.mark.parametrize(
    "text", ["", "short", f"{KEY},short@2027-01-01", f"{KEY},{FORMER}@tomorrow", f"{KEY}@2027-01-01"]
)
def test_a_wrong_setting_is_one_sentence_without_the_key(text):
    with pytest.raises(BadHashKey) as caught:
        read_keys(text)
    assert "HASH_KEY" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("weak", ["a" * 40, "secret" * 5, "0123456" * 4, "abcabcdabcabcdabcabcd", "1111222233334444"])
def test_a_key_that_repeats_itself_is_refused_for_today_and_read_as_a_former_one(weak):
    with pytest.raises(BadHashKey, match="repeats itself"):
        read_keys(weak)
    assert [key.secret for key in read_keys(f"{KEY},{weak}")] == [KEY, weak]


def test_random_keys_are_taken():
    for _ in range(200):
        assert read_keys(secrets.token_hex(32))


def test_rotating_puts_a_new_key_before_the_others():
    new, former = read_keys(rotated(KEY, TODAY))
    assert former == HashKey(KEY, TODAY)
    assert len(new.secret) == 64
    assert [key.until for key in read_keys(rotated(rotated(KEY, TODAY), None))] == [None, None, TODAY]


def test_a_key_is_made_once_and_only_this_account_can_read_it(tmp_path):
    folder = tmp_path / "data"
    first = open_pseudonyms(folder, None)
    assert open_pseudonyms(folder, None).author(42) == first.author(42)
    assert stat.S_IMODE((folder / "hash.key").stat().st_mode) == 0o600
    assert [file.name for file in folder.iterdir()] == ["hash.key"]


def test_the_setting_wins_over_the_file_and_makes_none(tmp_path):
    assert open_pseudonyms(tmp_path, KEY).author(42) == Pseudonyms([HashKey(KEY)]).author(42)
    assert not list(tmp_path.iterdir())


def test_a_rotated_file_knows_people_by_both_keys(tmp_path):
    before = open_pseudonyms(tmp_path, None)
    rotate_file(tmp_path, None)
    after = open_pseudonyms(tmp_path, None)
    assert after.author(42) != before.author(42)
    assert before.author(42) in after.authors(42)
    assert stat.S_IMODE((tmp_path / "hash.key").stat().st_mode) == 0o600


def test_a_key_file_that_cannot_be_made_or_read_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadHashKey, match="HASH_KEY instead"):
        open_pseudonyms(tmp_path / "file" / "data", None)
    (tmp_path / "hash.key").write_bytes(b"\xff\xfe")
    with pytest.raises(BadHashKey, match="damaged"):
        open_pseudonyms(tmp_path, None)
