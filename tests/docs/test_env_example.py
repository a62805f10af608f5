from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from bot.settings import Settings, load_settings

LINES = (Path(__file__).parents[2] / ".env.example").read_text("utf-8").splitlines()
WRITTEN = [line.partition("=") for line in LINES if line.strip() and not line.startswith("#")]


def test_every_setting_appears_once_and_nothing_else():
    assert sorted(name for name, _, _ in WRITTEN) == sorted(field.upper() for field in Settings.model_fields)


def test_every_line_is_a_setting_or_a_comment_or_empty():
    assert all(equals == "=" for _, equals, _ in WRITTEN)


@pytest.mark.parametrize("field", Settings.model_fields)
def test_a_setting_has_its_default(field):
    default = Settings.model_fields[field].default
    expected = "" if default in (None, PydanticUndefined) else str(default)
    assert [value for name, _, value in WRITTEN if name == field.upper()] == [expected]


@pytest.mark.parametrize("field", Settings.model_fields)
def test_a_settings_description_stands_above_it(field):
    (place,) = (number for number, line in enumerate(LINES) if line.startswith(f"{field.upper()}="))
    above = place
    while LINES[above - 1].startswith("#"):
        above -= 1
    comment = " ".join(line.removeprefix("#").strip() for line in LINES[above:place])
    assert (Settings.model_fields[field].description or "no description") in comment


def test_a_copy_of_it_changes_nothing(own_folder):
    (own_folder / ".env").write_text("\n".join(LINES), "utf-8")
    assert load_settings() == Settings(_env_file=None)
