"""Each alert asks for a metric that the bot exports, with labels that it has, and for a job that there is."""

import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = [
    rule for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
PAGE = (DEPLOY.parent / "docs" / "metrics.md").read_text("utf-8")
NAMED = {
    name for row in PAGE.splitlines() if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split("|")[1])
}
HISTOGRAMS = {
    "event_loop_lag_seconds",
    "gc_pause_seconds",
    "inference_seconds",
    "store_flush_seconds",
    "interactions_seconds",
}
SAMPLES = {f"vibecheck_{name}" for name in NAMED - HISTOGRAMS} | {
    f"vibecheck_{name}_{part}" for name in HISTOGRAMS for part in ("bucket", "count", "sum")
}


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_is_about_what_is_exported(rule):
    asked = set(re.findall(r"\b((?:vibecheck|process)_\w+)", rule["expr"]))
    assert asked
    assert asked <= SAMPLES | {"process_start_time_seconds"}
    assert rule["labels"]["severity"] in {"page", "warn"}
    assert rule["annotations"]["summary"].endswith(".")


def test_no_label_is_one_that_prometheus_puts_over_ours():
    """It calls ours exported_job then, and an alert that asks for it never fires."""
    labels = {
        label
        for row in PAGE.splitlines()
        if row.startswith("| `")
        for label in re.findall(r"`(\w+)`", row.split("|")[2])
    }
    assert "task" in labels
    assert not labels & {"job", "instance"}


def test_the_jobs_that_are_asked_for_are_there():
    asked = {job for rule in RULES for job in re.findall(r'\{task="(\w+)"\}', rule["expr"])}
    code = "".join(file.read_text("utf-8") for file in (DEPLOY.parent / "bot").rglob("*.py"))
    assert asked == {"alerts", "purging"}
    assert asked <= set(re.findall(r'Job\(\s*"([\w ]+)"', code))


def test_operators_are_told_what_to_do_about_each():
    page = (DEPLOY.parent / "docs" / "operations.md").read_text("utf-8")
    told = re.findall(r"^\| `(Vibecheck\w+)` \|", page, re.MULTILINE)
    assert told == [rule["alert"] for rule in RULES]
