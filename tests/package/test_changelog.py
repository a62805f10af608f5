"""The changelog and the version hold each other to the truth, so that a release cannot forget one of them."""

import re
from pathlib import Path

from packaging.version import Version

from tests.bot.cli.test_main import PROJECT

HEADINGS = re.findall(r"^## (.+)$", (Path(__file__).parents[2] / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
RELEASES = [
    match.groups() if (match := re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", heading)) else ("", "")
    for heading in HEADINGS[1:]
]


def test_what_is_not_released_stands_first_and_then_each_release_with_its_day_the_newest_first():
    assert HEADINGS[0] == "[Unreleased]"
    assert RELEASES
    assert all(map(all, RELEASES))
    found = [(Version(version), day) for version, day in RELEASES]
    assert found == sorted(found, reverse=True)


def test_the_version_is_the_newest_release_or_one_in_the_making_after_it():
    version, newest = Version(PROJECT["version"]), Version(RELEASES[0][0])
    assert version > newest if version.is_devrelease else version == newest
