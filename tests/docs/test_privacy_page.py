"""docs/privacy.md says of every table and column what it is: one that it does not name fails."""

import re
from pathlib import Path

import pytest

from bot.commands.monitor import languages, preview
from bot.domain.recent_texts import REMEMBERED_SECONDS, REMEMBERED_TEXTS
from bot.domain.records import FEWEST_AUTHORS
from bot.settings import Settings
from bot.storage.database_url import BACKING_UP, BACKUP_LOCK, FILE, LOCK, RESTORING
from bot.storage.erasure_log import FILE as LOG
from bot.storage.erasure_log import KEPT_DAYS
from bot.storage.pseudonyms import KEY_FILE
from bot.storage.pseudonyms import LOCK as KEY_LOCK
from bot.storage.retention import LONGEST_DAYS
from bot.storage.schema import Base
from bot.storage.unread import FEWEST_MESSAGES

PAGE = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)


def described():
    """What the page says: a dictionary of columns and their meaning for each table."""
    sections = re.split(r"^### `(\w+)`$", PAGE, flags=re.MULTILINE)[1:]
    return {name: dict(ROW.findall(text)) for name, text in zip(sections[::2], sections[1::2], strict=True)}


def test_the_page_describes_exactly_the_tables_there_are():
    assert described().keys() == Base.metadata.tables.keys()


@pytest.mark.parametrize("table", Base.metadata.tables)
def test_the_page_gives_every_column_its_meaning(table):
    columns = described()[table]
    assert list(columns) == list(Base.metadata.tables[table].columns.keys())
    assert all(len(meaning.strip()) > 3 for meaning in columns.values())


@pytest.mark.parametrize("table", ["message_scores", "hour_authors", "opt_outs", "audit"])
def test_the_page_says_that_people_are_hashes(table):
    (person,) = (name for name in described()[table] if name in {"author", "actor"})
    assert "as a hash" in described()[table][person]


def test_the_page_names_every_file_of_the_store():
    for name in (FILE, LOCK, KEY_FILE, KEY_LOCK, LOG, RESTORING, BACKING_UP, BACKUP_LOCK):
        assert f"`{name}`" in PAGE


def test_the_pages_numbers_are_those_of_the_code():
    assert f"{Settings.model_fields['retention_days'].default} days (the" in PAGE
    assert f"chooses, {LONGEST_DAYS} at most" in PAGE
    assert f"A line goes after {KEPT_DAYS} days" in PAGE
    assert f"fewer than {FEWEST_AUTHORS} people are hidden" in PAGE
    assert f"at most {REMEMBERED_SECONDS / 60:.0f} minutes" in PAGE
    assert f"at most {REMEMBERED_TEXTS} of them" in PAGE
    assert f"in which at least {FEWEST_AUTHORS} people wrote, from {FEWEST_MESSAGES} messages on" in PAGE
    assert f"the last {preview.MESSAGES} messages of a channel" in PAGE
    assert f"the last {languages.MESSAGES} of a channel that they have watched" in PAGE
