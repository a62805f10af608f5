"""docs/benchmarks.md's table of speed is that of docs/bench, and a loaded machine is told from a quiet one."""

import json
import time

import pytest

from tests.bench import machine
from tests.bench.machine import Moment, described, others_share, slug
from tests.bench.table import PAGE, REPORTS, reports, table, with_table

ROWS = [
    {"what": "a ratio", "value": 1234.5, "unit": "x", "floor": "2", "aim": "3", "time": False},
    {"what": "a time", "value": 0.25, "unit": "ms", "floor": "", "aim": "", "time": True},
]


def report(*rows, loaded=False, name="A"):
    return {"quick": False, "machine": {"processor": name, "cores": 2, "loaded": loaded}, "rows": list(rows)}


def test_the_page_shows_what_the_reports_say():
    page = PAGE.read_text("utf-8")
    assert reports()
    assert with_table(page, table(reports())) == page


@pytest.mark.parametrize("path", sorted(REPORTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_report_is_named_after_its_processor_and_holds_no_place_of_its_machine(path):
    kept = json.loads(path.read_text("utf-8"))
    assert path.stem == slug(kept["machine"]["processor"])
    assert "/home/" not in json.dumps(kept)
    assert not kept["quick"]


def test_each_processor_is_a_column_and_a_row_that_one_lacks_is_empty_there():
    made = table([report(*ROWS), report(ROWS[1], name="B")])
    assert made.splitlines() == [
        "| | 2 cores of A | 2 cores of B | floor | aim |",
        "|---|---:|---:|---:|---:|",
        "| a ratio | 1,234.50\u00d7 |  | 2 | 3 |",
        "| a time | 0.25 ms | 0.25 ms |  |  |",
    ]


def test_times_of_a_loaded_machine_are_marked_and_ratios_are_not():
    made = table([report(*ROWS, loaded=True)])
    assert "| a ratio | 1,234.50\u00d7 |" in made
    assert "| a time | 0.25 ms\\* |" in made
    assert "Others used the machine meanwhile" in made


def test_a_quick_run_is_no_report(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({**report(*ROWS), "quick": True}), "utf-8")
    assert reports(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "intel-xeon-platinum-8481c"),
        ("AMD EPYC 9R14 96-Core Processor", "amd-epyc-9r14"),
        ("../../etc", "etc"),
        ("", "unknown"),
    ],
)
def test_a_processors_name_becomes_that_of_a_file(name, file):
    assert slug(name) == file


def test_what_others_used_is_the_machines_time_less_ours(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert others_share(Moment(100, 10, 0), Moment(130, 20, 10)) == pytest.approx(0.5)
    assert others_share(Moment(100, 10, 0), Moment(110, 20, 10)) == 0
    assert others_share(Moment(0, 10, 0), Moment(0, 20, 10)) == 0  # a system that does not tell


@pytest.mark.parametrize(("others", "loaded"), [(0.01, False), (0.5, True)])
def test_a_report_names_the_machine_its_versions_and_its_load(monkeypatch, others, loaded):
    monkeypatch.setattr(machine, "others_share", lambda before, after: others)
    found = described(Moment(0, 0, time.perf_counter()), 1.234)
    assert found["loaded"] is loaded
    assert found["load_before"] == 1.23
    assert found["cores"] >= 1
    assert {"numpy", "onnxruntime"} <= found["versions"].keys()
    assert found["processor"]
