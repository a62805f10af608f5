"""docs/log.md has every event that the bot logs, at its level, and no other."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "log.md").read_text("utf-8")
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}


def calls():
    """Each call of a module's logger in what runs as a bot: the file, the level, and the event."""
    files = [file for folder in ("bot", "model") for file in sorted((ROOT / folder).rglob("*.py"))]
    for file in files:
        if "demo" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="_log" | "log" | "logger"), attr=level)) if (
                    level in LEVELS or level == "log"
                ):
                    yield file.relative_to(ROOT), level, node.args[level == "log"]


def logged():
    found = {}
    for _, level, event in calls():
        assert isinstance(event, ast.Constant)
        found.setdefault(event.value, set()).update({LEVELS[level]} if level in LEVELS else ())
    return found


def named():
    rows = re.findall(r"^\| (`+)(.+?)\1 \| ([a-z, ]+) \| (.+) \|$", PAGE, re.MULTILINE)
    return {event: (set(levels.split(", ")), told) for _, event, levels, told in rows}


def test_an_event_is_the_same_sentence_each_time():
    """What is filled in is an argument, or whoever collects logs finds a new event each time."""
    assert [str(file) for file, _, event in calls() if not isinstance(event, ast.Constant)] == []


def test_the_page_names_every_event_at_its_level_and_no_other():
    assert {event: levels for event, (levels, _) in named().items()} == logged()


@pytest.mark.parametrize("event", named())
def test_each_says_what_to_do(event):
    assert named()[event][1].endswith((".", "?"))


def test_alerts_that_are_named_are_there():
    alerts = (ROOT / "deploy" / "alerts.yml").read_text("utf-8")
    assert all(f"alert: {name}\n" in alerts for name in re.findall(r"`(Vibecheck\w+)`", PAGE))
