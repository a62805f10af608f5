"""Each alert asks for a metric that the bot exports, with labels that it has, and for a job that there is."""

import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.discord.test_health import EXPECTED

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = [
    rule for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
EXPORTED = {f"vibecheck_{name}" for name in EXPECTED}
ENDINGS = ("", "_total", "_bucket", "_count", "_sum")


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_is_about_what_is_exported(rule):
    asked = set(re.findall(r"\b((?:vibecheck|process)_\w+)", rule["expr"]))
    assert asked
    for name in asked:
        known = any(name == one + ending for one in EXPORTED for ending in ENDINGS)
        assert known or name == "process_start_time_seconds", name
    assert rule["labels"]["severity"] in {"page", "warn"}
    assert rule["annotations"]["summary"].endswith(".")


def test_the_jobs_that_are_asked_for_are_there():
    asked = {job for rule in RULES for job in re.findall(r'\{job="(\w+)"\}', rule["expr"])}
    code = "".join(file.read_text("utf-8") for file in (DEPLOY.parent / "bot").rglob("*.py"))
    assert asked == {"alerts", "purging"}
    assert asked <= set(re.findall(r'Job\(\s*"([\w ]+)"', code))


def test_operators_are_told_what_to_do_about_each():
    page = (DEPLOY.parent / "docs" / "operations.md").read_text("utf-8")
    told = re.findall(r"^\| `(Vibecheck\w+)` \|", page, re.MULTILINE)
    assert told == [rule["alert"] for rule in RULES]
