"""The dashboard asks for what is exported, by labels that it has, in queries that Prometheus takes."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.deploy.test_alerts import PAGE, SAMPLES

DASHBOARD = json.loads((Path(__file__).parents[2] / "deploy" / "grafana.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
OF_PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_start_time_seconds"}
LABELS = {
    label for row in PAGE.splitlines() if row.startswith("| `") for label in re.findall(r"`(\w+)`", row.split("|")[2])
}


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=[f"{title} {target['refId']}" for title, target in TARGETS])
def test_a_query_is_about_what_is_exported(title, target):
    asked = set(re.findall(r"\b((?:vibecheck|process)_\w+)", target["expr"]))
    assert asked
    assert asked <= SAMPLES | OF_PROCESS
    grouped = {label for by in re.findall(r"by \(([\w, ]+)\)", target["expr"]) for label in by.split(", ")}
    assert grouped <= LABELS | {"le"}
    assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= grouped
    assert target["expr"].count('job="$job",instance=~"$instance"') == len(
        re.findall(r"(?:vibecheck|process)_\w+", target["expr"])
    )


def test_nothing_that_is_exported_is_left_out_but_what_the_sums_have():
    shown = " ".join(target["expr"] for _, target in TARGETS)
    missing = {name for name in {re.sub("_(bucket|count|sum)$", "", sample) for sample in SAMPLES} if name not in shown}
    assert missing == {"vibecheck_store_up", "vibecheck_store_last_flush_timestamp_seconds"} | {
        "vibecheck_inference_last_pass_timestamp_seconds"
    }, "what `works` says, and the alerts"


def test_panels_lie_beside_each_other():
    taken = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        cells = {(grid["x"] + x, grid["y"] + y) for x in range(grid["w"]) for y in range(grid["h"])}
        assert not cells & taken
        assert all(0 <= x < 24 for x, _ in cells)
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian's prometheus has it)")
def test_prometheus_takes_the_queries_and_the_alerts(tmp_path):
    queries = [target["expr"] for _, target in TARGETS] + [one["expr"] for one in DASHBOARD["annotations"]["list"]]
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    for checked in (file, Path(__file__).parents[2] / "deploy" / "alerts.yml"):
        ran = subprocess.run(["promtool", "check", "rules", str(checked)], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr + ran.stdout
