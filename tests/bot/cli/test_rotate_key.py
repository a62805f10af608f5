"""`python -m bot rotate-key`: a new key, and nobody who is lost by it."""

import os
import stat
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.app.connecting import EX_CONFIG
from bot.cli.main import main
from bot.cli.rotate_key import last_day
from bot.storage.errors import BadHashKey
from bot.storage.file_lock import lock_file
from bot.storage.pseudonyms import LOCK, HashKey, open_pseudonyms, read_keys

ROOT = Path(__file__).parents[3]
FORMER = "a key of enough characters"
TODAY = date.today()
USER = 80351110224678912


@pytest.fixture
def key_file():
    """The key of a bot that was started once."""
    open_pseudonyms(Path("data"), None)
    return Path("data/hash.key")


def rotate(*options):
    """What is said on standard output, and on standard error."""
    result = CliRunner().invoke(main, ["rotate-key", *options])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


def test_the_file_gets_a_new_key_and_keeps_the_former_one_for_ever(key_file):
    former = key_file.read_text()
    out, said = rotate()
    assert out == ""
    assert "Restart the bot now" in said
    assert "leave the old key where it is: without it" in said
    new, old = read_keys(key_file.read_text())
    assert old == HashKey(former, None)
    assert new.secret not in said + former
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert sorted(file.name for file in key_file.parent.iterdir()) == ["hash.key", "hash.lock"]
    assert (key_file.parent / "hash.lock").read_bytes() == b""


@pytest.mark.parametrize("option", ["--until", "--for-days"])
def test_a_former_key_has_an_end_when_one_is_given_and_the_price_is_said(key_file, option):
    end = TODAY + timedelta(days=91)
    _, said = rotate(option, str(end) if option == "--until" else "90")
    assert [key.until for key in read_keys(key_file.read_text())] == [None, end]
    assert f"Its last day is {end}" in said
    assert "leave the old key where it is, even after that day" in said


def test_people_are_recognised_by_both_keys_after_a_restart(key_file):
    before = open_pseudonyms(Path("data"), None)
    rotate("--for-days", "7")
    after = open_pseudonyms(Path("data"), None)
    assert after.authors(USER) == (after.author(USER), before.author(USER))
    assert after.author(USER) != before.author(USER)


def test_a_key_from_the_environment_is_printed_to_be_set(monkeypatch):
    monkeypatch.setenv("HASH_KEY", FORMER)
    out, said = rotate("--no-end")
    name, _, value = out.strip().partition("=")
    assert name == "HASH_KEY"
    assert read_keys(value)[1] == HashKey(FORMER)
    assert "Nothing has changed yet" in said
    assert value not in said
    assert FORMER not in said
    assert not Path("data").exists()


def test_a_former_key_must_outlive_what_is_kept_under_it(key_file, monkeypatch):
    monkeypatch.setenv("RETENTION_DAYS", "12")
    before, earliest = key_file.read_bytes(), last_day(12, TODAY)
    for options in (["--for-days", "11"], ["--until", str(earliest - timedelta(days=1))], ["--until", "2001-01-01"]):
        with pytest.raises(BadHashKey, match=f"until {earliest} at least"):
            rotate(*options)
    assert key_file.read_bytes() == before
    rotate("--for-days", "12")
    assert read_keys(key_file.read_text())[1].until == earliest


def test_a_score_of_tonight_is_purged_before_the_former_key_ends():
    """Written at 23:59 and kept for a day, it may be there until 00:59 of the day after the next."""
    assert last_day(1, date(2026, 11, 25)) == date(2026, 11, 27)


def test_before_the_first_start_there_is_nothing_to_rotate():
    with pytest.raises(BadHashKey, match="makes one when it first starts"):
        rotate()
    assert not Path("data").exists()


def test_two_at_once_do_not_lose_a_key(key_file):
    lock = lock_file(key_file.parent / LOCK)
    before = key_file.read_bytes()
    with pytest.raises(BadHashKey, match="Another process is changing"):
        rotate()
    assert key_file.read_bytes() == before
    os.close(lock)
    rotate()
    assert key_file.read_bytes() != before


@pytest.mark.parametrize("options", [["--no-end", "--for-days", "9"], ["--until", "tomorrow"], ["--for-days", "0"]])
def test_options_that_make_no_sense_change_nothing(key_file, options):
    before = key_file.read_bytes()
    assert CliRunner().invoke(main, ["rotate-key", *options]).exit_code == 2
    assert key_file.read_bytes() == before


def test_what_is_wrong_is_one_sentence_and_exit_code_78(key_file):
    key_file.write_bytes(b"\xff\xfe")
    command = [sys.executable, "-m", "bot", "rotate-key"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (EX_CONFIG, "", 1)
    assert "is damaged" in done.stderr


def test_a_lost_key_is_given_up_in_so_many_words(monkeypatch, new_postgres_url):
    monkeypatch.setenv("DATABASE_URL", new_postgres_url.get_secret_value())
    monkeypatch.setenv("HASH_KEY", FORMER)
    code = "import asyncio\nfrom bot.settings import load_settings\nfrom bot.storage.open_storage import open_storage\n"
    code += "async def main():\n    async with open_storage(load_settings()):\n        pass\nasyncio.run(main())\n"

    def start():
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
        )

    assert start().returncode == 0
    monkeypatch.setenv("HASH_KEY", "another-key-made-on-another-machine")
    assert "rotate-key --lost" in start().stderr
    out, _ = rotate("--lost")
    assert "tell people, so that they can repeat it" in out
    assert start().returncode == 0
    assert "knows the hash key of these settings already" in rotate("--lost")[0]
    assert CliRunner().invoke(main, ["rotate-key", "--lost", "--no-end"]).exit_code == 2
