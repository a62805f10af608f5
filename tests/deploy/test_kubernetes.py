"""The manifests fit each other, the image and the settings."""

from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from bot.app.shutdown import SHUTDOWN_SECONDS
from bot.cli.main import main
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
FILES: dict[str, Any] = {
    file.stem: next(iter(yaml.safe_load_all(file.read_text("utf-8")))) for file in FOLDER.glob("*.yaml")
}
POD = FILES["statefulset"]["spec"]["template"]
(BOT,) = POD["spec"]["containers"]
PATHS = {"/livez", "/healthz", "/readyz"}


def test_what_is_applied_is_there_and_the_rest_says_how():
    applied = {name.removesuffix(".yaml") for name in FILES["kustomization"]["resources"]}
    assert FILES.keys() - applied == {"kustomization", "servicemonitor", "backup"}
    assert [one["name"] for one in FILES["kustomization"]["images"]] == [BOT["image"]]


@pytest.mark.parametrize("name", ["service", "disruption", "network", "servicemonitor", "statefulset"])
def test_all_are_about_the_same_pods(name):
    spec = FILES[name]["spec"]
    selector = spec.get("podSelector") or spec["selector"]
    assert selector.get("matchLabels", selector) == POD["metadata"]["labels"]


def test_what_is_set_is_a_setting_and_secrets_are_files_of_the_secret():
    names = {one["name"]: one["value"] for one in BOT["env"]}
    assert {name.lower() for name in names} <= Settings.model_fields.keys()
    (mounted,) = (one["mountPath"] for one in BOT["volumeMounts"] if one["name"] == "secrets")
    files = {value for name, value in names.items() if name.endswith("_FILE")}
    assert len(files) == 3
    assert all(Path(file).parent == Path(mounted) for file in files)
    told = (FOLDER / "kustomization.yaml").read_text("utf-8")
    assert all(f"--from-file={Path(file).name}=" in told for file in files)


def test_it_is_the_image_that_is_built_here():
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    security = POD["spec"]["securityContext"]
    assert f"USER {security['runAsUser']}:{security['runAsGroup']}" in dockerfile
    (port,) = (one["containerPort"] for one in BOT["ports"])
    assert f"METRICS_PORT={port}" in dockerfile
    assert FILES["service"]["spec"]["ports"][0]["port"] == port
    assert {one["mountPath"] for one in BOT["volumeMounts"]} >= {"/data", "/tmp"}
    assert BOT["securityContext"]["readOnlyRootFilesystem"] is True


def test_it_is_asked_what_it_answers_and_has_the_time_that_it_needs():
    probes = {name: BOT[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {probe["httpGet"]["path"] for probe in probes.values()} == PATHS
    assert probes["livenessProbe"]["httpGet"]["path"] == "/livez", "a database that is gone is not mended by a restart"
    startup = probes["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] > 300, "that long a database is waited for"
    assert POD["spec"]["terminationGracePeriodSeconds"] > SHUTDOWN_SECONDS


def test_a_backup_is_a_command_of_ours_with_what_it_needs_and_no_more():
    pod = FILES["backup"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (backup,) = pod["containers"]
    assert backup["image"] == BOT["image"]
    command, folder = backup["args"]
    assert command in main.commands
    assert pod["securityContext"] == POD["spec"]["securityContext"]
    assert backup["securityContext"] == BOT["securityContext"]
    names = {one["name"]: one["value"] for one in backup["env"]}
    assert names.keys() == {"DATABASE_URL_FILE", "DATA_DIR"}, "no token, and no key that would lie beside the backups"
    assert {folder, names["DATA_DIR"], "/tmp"} <= {one["mountPath"] for one in backup["volumeMounts"]}
