"""The wheel as somebody has it who never saw the checkout: built, installed, and run from a folder of their own.

The environment it is installed into is new. It finds the libraries of the running one, so that nothing is fetched, but
neither the checkout nor its editable installation: those are found by a hook that only the running environment starts.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from model import open_checkpoint
from tests.bot.cli.test_main import PROJECT
from tests.package.hostile import hostile
from tests.package.stray import PACKAGES, ROOT, littered_copy, strays_in

NOT_PACKED = {
    "training/train_model_colab.ipynb",
    *(path.relative_to(ROOT).as_posix() for path in (ROOT / "bot").rglob("*.po")),
    *(path.relative_to(ROOT).as_posix() for path in (ROOT / "model" / "multilingual").rglob("*")),
}
"""Opened from the repository, in the browser; what catalogues are made of; and a model that only a clone has."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder that holds the sdist and the wheel, which is built from it, as `make dist` does it.

    Of a copy with stray files in it: in the checkout itself what an earlier build left would be packed as well.
    """
    folder = littered_copy(tmp_path_factory.mktemp("checkout"))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(folder)]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(built):
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """The folder of the new environment's commands."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=os.name != "nt")
    paths = {name: Path(sysconfig.get_path(name, "venv", {"base": str(folder)})) for name in ("purelib", "scripts")}
    # A path that a .pth adds is searched for modules, and the .pth files in it are not read.
    (paths["purelib"] / "libraries.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    pip(paths["scripts"], "--no-deps", "--ignore-installed", str(wheel))
    return paths["scripts"]


def pip(scripts, *arguments):
    python = [sys.executable, "-m", "pip", "--python", str(scripts / "python"), "--disable-pip-version-check"]
    done = subprocess.run([*python, "install", "--no-index", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def elsewhere(tmp_path):
    """Somebody's own folder, with packages in it that are called like ours."""
    return hostile(tmp_path / "elsewhere")


@pytest.fixture
def start(environment, elsewhere, tmp_path):
    """Starts a command of the new environment there; whatever is to be read of it is text."""
    running = []

    def start(name, *arguments):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        clean |= {"HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1", "DISCORD_TOKEN": "", "NO_COLOR": "1"}
        clean |= {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
        process = subprocess.Popen(
            [environment / name, *arguments],
            cwd=elsewhere,
            env=clean,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        with process:
            process.kill()


@pytest.fixture
def run(start):
    """Runs a command of the new environment there; returns its exit code, its output and its errors."""

    def run(*command):
        process = start(*command)
        out, errors = process.communicate(timeout=120)
        assert "Traceback" not in errors
        return process.returncode, out, errors

    return run


def test_every_file_of_the_packages_is_in_it_and_nothing_else(wheel):
    files = {path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*")}
    expected = {name for name in files if (ROOT / name).is_file() and "__pycache__" not in name} - NOT_PACKED
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == expected
    assert {f"{name}/py.typed" for name in PACKAGES} <= packed


def test_nothing_that_lay_about_where_it_was_built_is_in_it_or_in_the_sdist(built, tmp_path):
    for archive in (*built.glob("*.whl"), *built.glob("*.tar.gz")):
        shutil.unpack_archive(archive, tmp_path / archive.name, "zip" if archive.suffix == ".whl" else "gztar")
    assert len(list(tmp_path.iterdir())) == 2
    assert strays_in(tmp_path) == []


def test_it_is_the_wheel_that_is_run_and_not_the_checkout(start, environment):
    probe = "import bot.cli.main, model, training; print(bot.cli.main.__file__, model.__file__, training.__file__)"
    out, errors = start("python", "-P", "-c", probe).communicate(timeout=60)
    assert errors == ""
    assert all(Path(name).is_relative_to(environment.parent) for name in out.split())


def test_its_libraries_are_those_it_asks_for_extras_included(environment):
    large = {"serve", "teacher", "multilingual"}  # up to half a gigabyte each
    extras = ",".join(sorted(PROJECT["optional-dependencies"].keys() - large))
    said = pip(environment, f"{PROJECT['name']}[{extras}]")
    assert "Requirement already satisfied" in said
    assert "Installing" not in said


def test_its_version_is_the_projects(run):
    expected = f"vibecheck {PROJECT['version']}, bundled model {open_checkpoint().version}\n"
    assert run("vibecheck", "--version") == (0, expected, "")


def test_its_help_names_the_commands(run):
    code, out, errors = run("vibecheck", "--help")
    assert (code, errors) == (0, "")
    assert out.startswith("Usage: vibecheck [OPTIONS] COMMAND [ARGS]...")


def test_it_scores_a_text(run):
    code, out, errors = run("vibecheck", "score", "i love this, wonderful")
    assert (code, errors) == (0, "")
    assert out.splitlines()[1].startswith("positive ")


def test_its_recipes_are_found_from_anywhere(run):
    code, _, errors = run("vibecheck", "train", "imdb", "--recipe", "nowhere")
    assert code == 1
    assert "the bundled ones are: chat, chat-hub, imdb" in errors


def test_its_space_is_found_from_anywhere(run):
    code, out, errors = run("vibecheck", "train", "publish", "space", "--repo", "owner/space", "--dry-run")
    assert (code, errors) == (0, "")
    assert "app.py" in out and "bot/web/page.css" in out


def test_without_a_token_check_says_so_and_where_files_go(run, tmp_path):
    code, out, errors = run("vibecheck", "check")
    assert (code, errors) == (1, "")
    settings, model, token = out.splitlines()
    assert settings.endswith(f"from the environment; files go to {tmp_path / 'data' / 'vibecheck'}")
    assert model.startswith("✓ model: bundled, version ")
    assert token.startswith("✗ token: There's no bot token. ")


def test_the_demo_comes_online_and_ends_when_it_is_told_to(start):
    demo = start("vibecheck", "demo", "--no-browser", "--port", "0")
    said = []
    while line := demo.stdout.readline():
        said.append(line)
        if re.search(r"is online: http://127\.0\.0\.1:\d+", line):
            break
    else:
        pytest.fail("".join(said) + demo.stderr.read())
    demo.send_signal(signal.SIGTERM)
    _, errors = demo.communicate(timeout=30)
    assert (demo.returncode, errors) == (0, "")
