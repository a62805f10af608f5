"""The file that outlives a database: lines are whole or passed over, and none is older than a backup may be."""

import os
import stat

import pytest

from bot.storage.erasure_log import FILE, Entry, ErasureLog, Kind
from tests.bot.storage.scenes import author

DAY = 24 * 3600
ENTRIES = [
    Entry(1, 100 * DAY, Kind.ERASED, 12345, (author(1), author(2)), "0a1b2c3d"),
    Entry(2, 120 * DAY, Kind.SERVER, 100),
    Entry(3, 140 * DAY, Kind.OPTED_OUT, 140 * DAY, (author(3),), "0a1b2c3d"),
]


def opened(folder):
    log = ErasureLog(folder)
    log.read()
    return log


@pytest.fixture
def log(tmp_path):
    log = opened(tmp_path)
    log.append(ENTRIES[:2])
    log.append(ENTRIES[2:])
    return log


def test_what_was_added_is_there_for_the_next_process_and_for_this_account_alone(log, tmp_path):
    again = opened(tmp_path)
    assert again.entries == log.entries == ENTRIES
    assert (again.damaged, again.gone) == (0, 0)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_line_holds_numbers_a_word_and_hashes_only(log, tmp_path):
    words = {word for line in (tmp_path / FILE).read_text().splitlines()[1:] for word in line.split()}
    hashes = {one.hex() for entry in ENTRIES for one in entry.authors}
    assert not {
        word
        for word in words
        if not word.isdigit() and word not in {*Kind, "-", "0a1b2c3d"} and not hashes.issuperset(word.split(","))
    }


@pytest.mark.parametrize("kept", range(1, len(ENTRIES[2].line())))
def test_a_line_torn_anywhere_is_passed_over_and_the_next_one_is_whole(log, tmp_path, kept):
    file = tmp_path / FILE
    whole = file.read_bytes()
    os.truncate(file, len(whole) - len(ENTRIES[2].line()) + kept)
    torn = opened(tmp_path)
    assert torn.entries == ENTRIES[:2]
    assert torn.damaged == 1
    torn.append([ENTRIES[2]])
    assert opened(tmp_path).entries == ENTRIES


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00", b"2 2 server 100", b"x 2 server 100 - -", b"2 2 erased 5 k zz"])
def test_a_damaged_line_costs_no_other(log, tmp_path, damage):
    lines = (tmp_path / FILE).read_bytes().split(b"\n")
    lines[2] = damage
    (tmp_path / FILE).write_bytes(b"\n".join(lines))
    again = opened(tmp_path)
    assert again.entries == [ENTRIES[0], ENTRIES[2]]
    assert again.damaged == 1


def test_old_lines_go_and_their_numbers_are_not_given_again(log, tmp_path):
    assert log.forget(130 * DAY, up_to=3)
    assert not log.forget(130 * DAY, up_to=3)
    again = opened(tmp_path)
    assert (again.entries, again.gone) == (ENTRIES[2:], 2)
    assert again.forget(150 * DAY, up_to=3)
    assert (opened(tmp_path).entries, opened(tmp_path).gone) == ([], 3)
    assert author(1).hex() not in (tmp_path / FILE).read_text()
    assert sorted(file.name for file in tmp_path.iterdir()) == [FILE]


def test_an_old_line_that_is_not_done_yet_stays(log):
    assert log.forget(150 * DAY, up_to=1)
    assert log.entries == ENTRIES[1:]


def test_without_a_file_there_is_nothing_and_reading_makes_none(tmp_path):
    assert opened(tmp_path / "data").entries == []
    assert not (tmp_path / "data").exists()


def test_a_rule_is_read_as_it_was_written_and_a_damaged_one_is_passed_over(folder):
    folder.mkdir()
    exempt, gone = (
        Entry(1, DAY, Kind.EXEMPT, 7, about="role", guild_id=100),
        Entry(2, DAY, Kind.NO_RULE, 101, about="channel", guild_id=100),
    )
    ErasureLog(folder).append((exempt, gone))
    with (folder / FILE).open("a") as file:
        file.write("3 5 exempt 7 everybody 100\n4 5 no-rule 7 role -\n")
    log = ErasureLog(folder)
    log.read()
    assert (log.entries, log.damaged) == ([exempt, gone], 2)
