"""Hours as a CSV file."""

import csv
import io
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.mood import csv_export as export
from bot.commands.mood.csv_export import COLUMNS, TooMuch, harmless, to_csv
from bot.domain.records import HourMood
from tests.bot.analytics.test_buckets import hour_of

BERLIN = ZoneInfo("Europe/Berlin")
AUTUMN = hour_of("2026-10-25T00:00")
"""In Berlin 02:00; the next hour is 02:00 again."""


def read(table):
    return list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline="")))


def test_an_hour_is_a_line_with_both_times():
    rows = read(to_csv([(7, HourMood(AUTUMN, 1, 2, 3, 600, 500_000, 5, 7))], {7: "#general"}, BERLIN))
    times = ["2026-10-25 00:00", "2026-10-25 02:00 +0200"]
    assert [list(row) for row in rows] == [list(COLUMNS)]
    assert list(rows[0].values()) == ["7", "#general", *times, "6", "1", "2", "3", "0.10", "0.12", "5", "7"]


def test_the_hour_that_the_clocks_repeat_is_told_apart():
    hours = [(7, HourMood(AUTUMN + number, 0, 5, 0, 0, 0, 5)) for number in (0, 1)]
    local = [row["hour_local"] for row in read(to_csv(hours, {}, BERLIN))]
    assert local == ["2026-10-25 02:00 +0200", "2026-10-25 02:00 +0100"]


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\uff1d1"])
def test_no_name_becomes_a_formula(name):
    (row,) = read(to_csv([(7, HourMood(AUTUMN, 0, 5, 0, 0, 0, 5))], {7: name}, BERLIN))
    assert row["channel"] == f"'{name}"


@given(st.text(max_size=30))
def test_any_name_comes_back_and_changes_no_other_cell(name):
    (row,) = read(to_csv([(7, HourMood(AUTUMN, 0, 5, 0, -500, 90_000, 5))], {7: name}, BERLIN))
    assert row["channel"] == harmless(name)
    assert (row["channel_id"], row["messages"], row["mean_score"]) == ("7", "5", "-0.10")
    assert not row["channel"].startswith(("=", "+", "-", "@"))


def test_more_than_fits_is_one_sentence(monkeypatch):
    monkeypatch.setattr(export, "LARGEST", 300)
    with pytest.raises(TooMuch, match="Pick a channel, or a shorter time"):
        to_csv([(7, HourMood(AUTUMN + number, 0, 5, 0, 0, 0, 5)) for number in range(9)], {}, BERLIN)
