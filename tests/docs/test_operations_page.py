"""docs/operations.md is held against the code where an operator would copy from it."""

import re
from pathlib import Path

from click.testing import CliRunner

from bot.app.connecting import EX_CONFIG, EX_OK, EX_UNAVAILABLE
from bot.cli.main import main
from bot.settings import Settings
from bot.storage.erasure_log import KEPT_DAYS
from bot.storage.pseudonyms import SHORTEST_KEY
from bot.storage.write_buffer import FLUSH_SECONDS, LIMIT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")


def test_every_setting_that_is_named_exists():
    named = set(re.findall(r"\b([A-Z]+_[A-Z_]+)\b", PAGE))
    assert named
    rays = {"RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_USAGE_STATS_ENABLED"}
    others = {"FORWARDED_ALLOW_IPS", "PYTHON_IMAGE", "BACKUP_TO", *rays}
    assert named - others <= {field.upper() for field in Settings.model_fields}


def test_every_command_that_is_named_exists_and_has_the_options():
    named = set(re.findall(r"bin/vibecheck ([a-z-]+)", PAGE))
    known = {"backup", "backup-key", "check", "health", "move-store", "restore", "run", "rotate-key"}
    assert named == known <= main.commands.keys()
    help_text = CliRunner().invoke(main, ["rotate-key", "--help"]).output
    assert all(option in help_text for option in [*re.findall(r"rotate-key (--[a-z-]+)", PAGE), "--until"])


def test_the_exit_codes_are_those_of_the_process():
    codes = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert codes == [str(code) for code in (EX_OK, EX_UNAVAILABLE, EX_CONFIG)]


def test_the_numbers_are_those_of_the_code():
    assert f"up to {LIMIT:,} messages wait" in PAGE
    assert f"the last {FLUSH_SECONDS:.0f} seconds of scores" in PAGE
    assert f"{SHORTEST_KEY} characters at least" in PAGE
    assert f"no line of it is older than {KEPT_DAYS} days" in PAGE


def test_what_an_operator_installs_is_locked_with_hashes():
    assert {ROOT / lock for lock in re.findall(r"locks/[a-z]+\.txt", PAGE)} == set((ROOT / "locks").iterdir())
    commands = re.findall(r"pip install (--.+)", PAGE + (ROOT / "Dockerfile").read_text("utf-8"))
    assert len(commands) >= 3 * 2
    assert [one for one in commands if not re.search("--require-hashes|--no-deps|torch", one)] == []


def test_every_page_that_is_linked_exists():
    for page in ("operations", "privacy"):
        text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
        for target, anchor in re.findall(r"\]\(([\w-]+\.md)(?:#([\w-]+))?\)", text):
            linked = (ROOT / "docs" / target).read_text("utf-8")
            headings = [line.lstrip("# ").lower().replace(" ", "-") for line in linked.splitlines() if line[:1] == "#"]
            assert not anchor or anchor in headings


def test_who_installs_without_make_finds_how_to_name_the_folder_of_the_multilingual_model():
    assert "MODEL=bundled+/path/to/clone/model/multilingual" in PAGE
    for page in ("README.md", "docs/settings.md"):
        assert "operations.md#a-model-for-more-languages" in (ROOT / page).read_text("utf-8")
