"""The manifests fit each other, the image and the settings."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from bot.app.shutdown import SHUTDOWN_SECONDS
from bot.cli.main import main
from bot.domain.shards import Cluster
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
FILES: dict[str, Any] = {
    file.stem: next(iter(yaml.safe_load_all(file.read_text("utf-8")))) for file in FOLDER.glob("*.yaml")
}
POD = FILES["statefulset"]["spec"]["template"]
(BOT,) = POD["spec"]["containers"]
PATHS = {"/livez", "/healthz", "/readyz"}
CLUSTERS = ROOT / "deploy" / "kubernetes-clusters"


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


# Several processes.


def patched(manifest, patch):
    """A manifest with a JSON patch, of which `replace` needs something to be there and `add` may go on a list."""
    manifest = copy.deepcopy(manifest)
    for step in yaml.safe_load(patch):
        *path, last = step["path"].strip("/").split("/")
        at = manifest
        for name in path:
            at = at[int(name)] if isinstance(at, list) else at[name]
        if step["op"] == "replace":
            assert last in at
        else:
            assert step["op"] == "add"
        if last == "-":
            at.append(step["value"])
        else:
            at[last] = step["value"]
    return manifest


@pytest.fixture
def clusters():
    overlay = yaml.safe_load((CLUSTERS / "kustomization.yaml").read_text("utf-8"))
    assert [(CLUSTERS / one).resolve() for one in overlay["resources"]] == [FOLDER]
    (patch,) = overlay["patches"]
    manifest = FILES["statefulset"]
    assert patch["target"] == {"kind": manifest["kind"], "name": manifest["metadata"]["name"]}
    return patched(manifest, patch["patch"])["spec"]


def test_each_of_several_processes_is_told_which_it_is_and_there_are_all_of_them(clusters):
    (bot,) = clusters["template"]["spec"]["containers"]
    names = [one["name"] for one in bot["env"]]
    assert names.index("INDEX") < names.index("CLUSTER"), "only what stands before is put in"
    assert names[: len(BOT["env"])] == [one["name"] for one in BOT["env"]]
    assert set(map(str.lower, names)) - {"index"} <= Settings.model_fields.keys()
    told = {one["name"]: one for one in bot["env"]}
    assert "pod-index" in told["INDEX"]["valueFrom"]["fieldRef"]["fieldPath"]
    value, count = told["CLUSTER"]["value"], clusters["replicas"]
    found = [Cluster.parse(value.replace("$(INDEX)", str(number))) for number in range(count)]
    assert found == [Cluster(number, count) for number in range(count)]


def test_several_processes_have_what_each_needs_and_do_not_wait_for_each_other(clusters):
    assert clusters["podManagementPolicy"] == "Parallel"
    assert {"DATABASE_URL_FILE", "HASH_KEY_FILE"} <= {one["name"] for one in BOT["env"]}, "the same for all"
    assert [one["metadata"]["name"] for one in clusters["volumeClaimTemplates"]] == ["data"], "one of its own for each"
    labels = clusters["template"]["metadata"]["labels"]
    (spread,) = clusters["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == labels
    disruption = FILES["disruption"]["spec"]
    assert disruption["maxUnavailable"] == 1 < clusters["replicas"]
    assert disruption["selector"]["matchLabels"] == labels
