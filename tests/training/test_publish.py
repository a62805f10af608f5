"""Publishing over real HTTP, as a person runs it: `python -m training publish` against a small hub on loopback."""

import os
import shutil
import subprocess
import sys
import tomllib

import pytest

from model import load_engine, open_checkpoint
from model.checkpoints.checkpoint import BUNDLED_FOLDER
from tests.hub_stand_in import OWNER_TOKEN, READER_TOKEN, StandInHub
from tests.package.stray import ROOT, littered_copy, strays_in
from training import publish as publish_module

REPOSITORY = "owner/vibecheck"


@pytest.fixture
def hub():
    with StandInHub() as hub:
        yield hub


@pytest.fixture
def card(tmp_path):
    (tmp_path / "model-card").mkdir()
    (tmp_path / "model-card" / "slices.png").write_bytes(b"a picture")
    card = tmp_path / "model-card.md"
    card.write_text(f"Version {open_checkpoint().version}\n\n![Slices](model-card/slices.png)\n", "utf-8")
    return card


@pytest.fixture
def run(hub, tmp_path):
    """Runs `python -m training publish` with a token; returns exit code, output and errors."""

    def run(*arguments, token=OWNER_TOKEN):
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        command = [sys.executable, "-m", "training", "publish", *arguments]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
        assert token not in ran.stdout + ran.stderr
        return ran.returncode, ran.stdout, ran.stderr

    return run


@pytest.fixture
def publish(run, card):
    return lambda *more, **given: run("model", "--repo", REPOSITORY, "--card", str(card), *more, **given)


def names(hub):
    return set(hub.files(f"models/{REPOSITORY}"))


def test_a_new_repository_is_made_and_holds_the_whole_artefact(publish, hub):
    code, output, errors = publish()
    assert code == 0, errors
    artefact = {path.name for path in BUNDLED_FOLDER.iterdir()}
    assert names(hub) == artefact | {"README.md", "model-card/slices.png"}
    assert hub.files(f"models/{REPOSITORY}")["model.onnx"] == (BUNDLED_FOLDER / "model.onnx").read_bytes()
    assert f"MODEL={REPOSITORY}@{list(hub.repositories[f'models/{REPOSITORY}'])[-1]}" in output


def test_what_was_published_answers_as_the_bots_model(publish, hub, monkeypatch, tmp_path):
    _, output, _ = publish()
    source = output.strip().splitlines()[-1].removeprefix("MODEL=")
    script = f"from model import load_engine; print(load_engine({source!r}).checkpoint.version)"
    environment = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "fresh")}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert ran.stdout.strip() == load_engine("bundled").checkpoint.version, ran.stderr


def test_publishing_again_changes_nothing_and_sends_no_weights(publish, hub):
    first, second = publish(), publish()
    assert second[0] == 0, second[2]
    assert first[1].splitlines()[-1] == second[1].splitlines()[-1]
    assert len(hub.uploads) == 1


def test_a_new_card_is_a_new_revision(publish, hub, card):
    first = publish()[1].splitlines()[-1]
    card.write_text(card.read_text("utf-8") + "More.\n", "utf-8")
    assert publish()[1].splitlines()[-1] != first
    assert hub.files(f"models/{REPOSITORY}")["README.md"].endswith(b"More.\n")


@pytest.mark.parametrize("token", [READER_TOKEN, "hf_wrong"])
def test_without_the_right_one_sentence_says_so(publish, hub, token):
    code, _, errors = publish(token=token)
    assert code == 1
    assert errors.strip() == f"The hub doesn't let this token write to {REPOSITORY}; check HF_TOKEN and its rights."
    assert hub.repositories == {}


def test_an_upload_cut_midway_is_sent_again_at_once(publish, hub):
    hub.cut_uploads = 1
    code, _, errors = publish()
    assert code == 0, errors
    assert len(hub.uploads) == 2
    assert "model.onnx" in names(hub)


def test_a_broken_run_goes_on_where_it_was_and_sends_nothing_twice(publish, hub):
    hub.cut_commits = 1
    code, _, errors = publish()
    assert code == 1
    assert errors.startswith(f"The upload to {REPOSITORY} broke off")
    assert "Traceback" not in errors
    assert names(hub) == set()
    code, _, errors = publish()
    assert code == 0, errors
    assert "model.onnx" in names(hub)
    assert len(hub.uploads) == 1


def test_a_dry_run_lists_what_would_go_and_sends_nothing(publish, hub):
    code, output, _ = publish("--dry-run")
    assert code == 0
    assert "model.onnx" in output
    assert "README.md" in output
    assert "nothing was sent" in output
    assert hub.repositories == {}


def test_a_missing_card_or_one_of_another_version_stops_it(run, hub, tmp_path):
    code, _, errors = run("model", "--repo", REPOSITORY, "--card", str(tmp_path / "none.md"))
    assert (code, errors.count("\n")) == (1, 1)
    assert "`python -m training card` writes it" in errors
    (tmp_path / "old.md").write_text("Version 0000000000", "utf-8")
    code, _, errors = run("model", "--repo", REPOSITORY, "--card", str(tmp_path / "old.md"))
    assert "isn't the card of version" in errors
    assert hub.repositories == {}


def test_only_what_belongs_to_the_artefact_goes(publish, hub, card, tmp_path):
    folder = shutil.copytree(BUNDLED_FOLDER, tmp_path / "artefact")
    (folder / ".env").write_text("DISCORD_TOKEN=secret", "utf-8")
    code, output, errors = publish("--model", str(folder), "--dry-run")
    assert code == 0, errors
    assert "model.onnx" in output
    assert ".env" not in output
    (card.parent / "model-card" / "slices.png").unlink()
    code, _, errors = publish()
    assert (code, "slices.png, which isn't there" in errors) == (1, True)
    assert hub.repositories == {}


def test_a_name_without_its_owner_is_refused(run, hub, card):
    code, _, errors = run("model", "--repo", "vibecheck", "--card", str(card))
    assert (code, errors.strip()) == (1, "'vibecheck' lacks its owner; write NAME/vibecheck.")
    assert hub.repositories == {}


def test_a_name_that_is_none_is_refused_with_the_rule(run, hub, card):
    code, _, errors = run("model", "--repo", "a/b/c", "--card", str(card))
    assert code == 1
    assert errors.startswith("'a/b/c' isn't a name for a repository")
    code, _, errors = run("model", "--repo", "a/--b", "--card", str(card))
    assert errors.startswith("'a/--b' isn't a name for a repository")


def test_a_space_goes_with_its_files_and_the_program(run, hub):
    code, output, errors = run("space", "--repo", "owner/page", "--model", "owner/vibecheck@1a2b3c4")
    assert code == 0, errors
    sent = hub.files("spaces/owner/page")
    assert {"app.py", "requirements.txt", "README.md", "bot/web/page.css", "model/bundled/model.onnx"} <= set(sent)
    assert not [name for name in sent if "__pycache__" in name or name.startswith(("training/", "tests/"))]
    assert sent["MODEL"] == b"owner/vibecheck@1a2b3c4\n"
    assert output.splitlines()[-1].startswith("revision ")


def test_what_lay_about_is_not_published_with_a_space(tmp_path, monkeypatch):
    copy = littered_copy(tmp_path)
    monkeypatch.setattr(publish_module, "__file__", str(copy / "training" / "publish.py"))
    files = publish_module.space_files(copy / "training" / "space")
    assert {"app.py", "bot/cli/main.py", "bot/web/page.css", "model/bundled/model.onnx"} <= files.keys()
    assert not {path.relative_to(copy).as_posix() for path in files.values()} & set(strays_in(copy))


def test_a_space_gets_the_data_that_the_wheel_has():
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    assert {name: tuple(packed[name]) for name in ("bot", "model")} == publish_module.SPACE_PACKAGES


def test_a_space_without_a_model_starts_from_the_bundled_one(run, hub):
    assert run("space", "--repo", "owner/page")[0] == 0
    assert hub.files("spaces/owner/page")["MODEL"] == b"bundled\n"


def test_a_folder_that_is_no_space_is_refused(run, hub, tmp_path):
    code, _, errors = run("space", "--repo", "owner/page", "--folder", str(tmp_path))
    assert (code, "app.py is missing" in errors) == (1, True)
    assert hub.repositories == {}
