"""The command `vibecheck` as a whole: its help, its versions, and what it passes on."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bot.cli.main import main
from model import open_checkpoint
from model.__main__ import main as score
from model.installation import DISTRIBUTION, needs_extra
from training.__main__ import main as train

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def commands(command, name):
    """The command and all below it, with the names that lead there."""
    yield name, command
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        yield from commands(below, f"{name} {below.name}")


OURS = dict([*commands(main, "vibecheck"), *commands(train, "vibecheck train"), ("vibecheck score", score)])


def call(*arguments, before):
    """Runs the command in a process of its own after that line of Python."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", f"{before}\nfrom bot.cli.main import entry; entry()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)


def test_the_commands_are_these():
    assert sorted(main.commands) == [
        "backup",
        "backup-key",
        "check",
        "demo",
        "health",
        "invite",
        "move-store",
        "restore",
        "rotate-key",
        "run",
        "score",
        "score-server",
        "train",
        "web",
    ]


@pytest.mark.parametrize("name", OURS)
def test_no_help_is_cut_in_a_terminal_of_80_columns(name):
    shown = CliRunner().invoke(OURS[name], ["--help"], prog_name=name, terminal_width=80)
    if isinstance(OURS[name], click.Group):
        for below in OURS[name].commands.values():
            (line,) = (line for line in shown.output.splitlines() if line.startswith(f"  {below.name} "))
            assert line.endswith((".", "?")) and not line.endswith("..."), line
    assert max(map(len, shown.output.splitlines())) <= 80


@pytest.mark.parametrize("name", OURS)
def test_every_option_says_what_it_is_for(name):
    assert [option.name for option in OURS[name].params if isinstance(option, click.Option) and not option.help] == []


def test_the_versions_are_the_projects_and_the_bundled_models():
    shown = CliRunner().invoke(main, ["--version"]).output
    assert shown == f"vibecheck {PROJECT['version']}, bundled model {open_checkpoint().version}\n"


def test_the_distribution_is_called_what_the_project_is_called():
    assert PROJECT["name"] == DISTRIBUTION
    assert needs_extra("The page", "web") == 'The page needs the extra "web": pip install "vibecheck-bot[web]".'


def in_process(*arguments):
    shown = CliRunner().invoke(main, arguments, prog_name="vibecheck")
    return shown.exit_code, shown.output


@pytest.mark.parametrize(("name", "option"), [("score", "--csv"), ("train", "field-cases"), ("train imdb", "--recipe")])
def test_what_is_passed_on_has_its_own_help_under_our_name(name, option):
    code, shown = in_process(*name.split(), "--help")
    assert code == 0
    assert shown.startswith(f"Usage: vibecheck {name} [OPTIONS]")
    assert option in shown


def test_score_reads_texts_also_those_that_look_like_options():
    code, shown = in_process("score", "--", "i love this", "--awful")
    assert code == 0
    assert [line.split()[-1] for line in shown.splitlines()] == ["text", "this", "--awful"]


@pytest.mark.parametrize("name", ["score", "train"])
def test_a_wrong_option_of_what_is_passed_on_is_named(name):
    code, shown = in_process(name, "--no-such-thing")
    assert code == 2
    assert shown.startswith(f"Usage: vibecheck {name} ")
    assert "No such option '--no-such-thing'" in shown


def test_a_model_that_is_not_there_is_one_sentence_and_code_1():
    code, shown = in_process("score", "--model", "./nowhere", "hello")
    assert (code, shown.count("\n")) == (1, 1)
    assert "nowhere" in shown


def test_without_the_extra_training_says_in_one_sentence_how_to_get_it():
    ended = call("train", "imdb", before="import sys; sys.modules['torch'] = None")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == 'Training with torch needs the extra "training": pip install "vibecheck-bot[training]".\n'


def test_a_module_of_ours_that_is_missing_is_no_missing_extra():
    ended = call("train", "imdb", before="import sys; sys.modules['training.recipe'] = None")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Traceback") and "training.recipe" in ended.stderr


def test_without_the_extra_the_demo_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert in_process("demo") == (1, f"{needs_extra('The demo', 'demo')}\n")


@pytest.mark.parametrize("module", ["bot", "model", "training"])
def test_python_m_still_leads_to_the_commands(module):
    command = [sys.executable, "-m", module, "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True).stdout
    assert shown.startswith(f"Usage: python -m {module} [OPTIONS]")
