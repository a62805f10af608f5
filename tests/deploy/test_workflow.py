"""The workflow for forks does what `.ci/run` does, and more only where no machine of ours can."""

import re
from pathlib import Path

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
JOBS = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
RELEASING = (ROOT / "docs" / "releasing.md").read_text("utf-8")


def commands(job):
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_it_runs_what_we_run_and_keeps_what_that_makes():
    assert "bash .ci/run" in commands("all")
    assert "make release" in (ROOT / ".ci" / "run").read_text("utf-8")
    (kept,) = (step["with"]["path"] for step in JOBS["all"]["steps"] if "upload-artifact" in step.get("uses", ""))
    assert kept == "dist"
    made = r"^release: dist sbom .*\n\tcp build/\S+\.cdx\.json dist/\n\tcd dist && sha256sum"
    assert re.search(made, MAKEFILE, re.MULTILINE)


def test_its_quick_tests_are_ours_on_every_python_that_is_promised():
    (ours,) = re.findall(r"^test-quick:.*\n\t\$\(PYTEST\) -m '(.+)' ", MAKEFILE, re.MULTILINE)
    assert f'python -m pytest -m "{ours}"' in commands("pythons")
    pythons = JOBS["pythons"]["strategy"]["matrix"]["python"]
    assert f"Python {pythons[0]} to {pythons[-1]}" in RELEASING
    assert f'requires-python = ">={pythons[0]}"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_windows_is_tried_and_holds_nothing_up():
    (windows,) = (one for one in JOBS["pythons"]["strategy"]["matrix"]["include"] if "windows" in one["system"])
    assert windows["python"] in JOBS["pythons"]["strategy"]["matrix"]["python"]
    assert "windows" in JOBS["pythons"]["continue-on-error"]
    assert "not promised" in RELEASING


def test_the_image_is_built_run_and_weighed():
    said = " ".join(commands("image"))
    assert "docker build" in said
    assert "--read-only" in said
    assert "-lt 450000000" in said


def test_the_image_is_built_on_a_base_that_is_named_by_its_digest():
    said = " ".join(commands("image"))
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    command = f"docker buildx imagetools inspect {base} --format '{{{{.Manifest.Digest}}}}'"
    assert command in said
    assert command in " ".join(RELEASING.split())
    assert f'--build-arg PYTHON_IMAGE="{base}@$digest"' in said
