"""Local days out of whole hours, in all zones there are."""

import os
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest

from bot.analytics.buckets import Size, edges
from bot.commands.mood.time_range import read_since
from bot.digests.periods import latest_due
from bot.domain.local_hours import begins_at, first_hour, known_zone
from bot.domain.records import DigestKind, GuildSettings

ROOT = Path(__file__).parents[3]
YEAR = 2026
START = int(datetime(YEAR, 1, 1, tzinfo=UTC).timestamp() // 3600)


def different_zones():
    """One zone of each kind: two that never show different times this year are of one."""
    kinds = {}
    for name in sorted(available_timezones() - {"localtime"}):
        zone = ZoneInfo(name)
        shown = tuple(datetime.fromtimestamp((START + 6 * step) * 3600, zone).utcoffset() for step in range(366 * 4))
        kinds.setdefault(shown, name)
    return sorted(kinds.values())


ZONES = different_zones()


def test_there_are_zones_of_every_kind():
    offsets = [datetime(YEAR, 1, 1, tzinfo=ZoneInfo(name)).utcoffset() or timedelta() for name in ZONES]
    assert {offset.total_seconds() / 60 % 60 for offset in offsets} >= {0, 30, 45}


@pytest.mark.parametrize("name", ZONES)
def test_each_hour_of_a_year_is_of_the_day_in_which_it_begins_whoever_asks(name):
    zone = ZoneInfo(name)
    days = edges(START, START + 366 * 24, Size.DAY, zone)
    assert all(22 <= end - begin <= 26 for begin, end in pairwise(days))
    weeks, quarters = (edges(START, START + 366 * 24, size, zone) for size in (Size.WEEK, Size.QUARTER))
    assert set(weeks[1:-1]) <= set(days) <= {*quarters, days[0], days[-1]}
    for begin, end in pairwise(days):
        day = begins_at(begin, zone).date()
        assert begins_at(begin - 1, zone).date() < day == begins_at(end - 1, zone).date()
        assert first_hour(day, zone) == begin
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone).timestamp()
        assert read_since("today", zone, noon).first_hour == begin
        told = latest_due(DigestKind.DAILY, 0, zone, noon + 24 * 3600)
        assert (told.first_hour, told.end) == (begin, end)
        assert told.due >= end * 3600


@pytest.mark.parametrize("name", ["US/Eastern", "Asia/Calcutta", "Europe/Kiev", "Asia/Kathmandu", "Australia/LHI"])
def test_zones_are_known_where_the_machine_has_none(name):
    code = f"from bot.domain.records import GuildSettings; print(GuildSettings(1, {name!r}).zone.key)"
    environment = {**os.environ, "PYTHONTZPATH": "", "PYTHONPATH": str(ROOT)}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == name


def test_the_zones_come_with_the_program_on_every_system():
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    (zones,) = [one for one in needed if one.startswith("tzdata")]
    assert ";" not in zones


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "Europe", "../../etc/passwd", "/etc/localtime", "right/Europe/Berlin", "localtime"]
)
def test_what_is_no_place_is_no_zone_and_told_in_utc(name):
    assert known_zone(name) is None
    settings = GuildSettings(1, timezone=name)
    assert settings.lost_zone
    assert settings.zone.key == "UTC"


def test_a_whole_day_that_a_zone_has_skipped_has_no_hours():
    apia = ZoneInfo("Pacific/Apia")
    assert first_hour(date(2011, 12, 30), apia) == first_hour(date(2011, 12, 31), apia)
