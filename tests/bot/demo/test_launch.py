"""The bot's own process, started where somebody has packages that are called like ours."""

import os
import subprocess
from pathlib import Path

from bot.demo.launch import python_command, without_secrets
from tests.package.hostile import hostile


def run(module, folder, *arguments, **settings):
    return subprocess.run(
        [*python_command(module), *arguments],
        cwd=folder,
        env={**without_secrets(os.environ), **settings},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_module_of_ours_is_run_whatever_the_working_directory_holds(tmp_path):
    ended = run("bot.demo.bot_process", hostile(tmp_path))
    assert (ended.returncode, ended.stdout) == (64, "")
    assert ended.stderr.startswith("Usage: python -m bot.demo.bot_process")


def test_a_setting_that_cannot_be_is_one_sentence_and_the_exit_code(tmp_path):
    for settings, sentence in (
        (
            {"DISCORD_TOKEN_FILE": "gone"},
            "DISCORD_TOKEN_FILE names a file that I can't read (No such file or directory).",
        ),
        ({"LOG_LEVEL": "LOUD"}, "The setting LOG_LEVEL can't be used: "),
    ):
        ended = run("bot.demo.bot_process", tmp_path, "http://127.0.0.1:1", str(tmp_path), **settings)
        assert (ended.returncode, ended.stdout) == (78, "")
        assert ended.stderr.startswith(sentence)
        assert len(ended.stderr.splitlines()) == 1


def test_it_is_the_program_that_runs_here_and_no_other_that_is_installed(tmp_path, monkeypatch):
    import bot.demo.launch

    (tmp_path / "another").mkdir()
    (tmp_path / "another" / "whoever.py").write_text("import sys; print(sys.argv[1:])", "utf-8")
    monkeypatch.setattr(bot.demo.launch, "_OURS", tmp_path / "another")
    assert run("whoever", tmp_path).stdout == "[]\n"


def test_every_process_of_ours_is_started_that_way():
    root = Path(__file__).parents[3]
    files = [path for name in ("bot", "model", "training") for path in (root / name).rglob("*.py")]
    starting = [path for path in files if "sys.executable" in path.read_text("utf-8")]
    assert {path.relative_to(root).as_posix() for path in starting} == {
        "bot/app/page_supervisor.py",
        "bot/demo/launch.py",
        "model/backends/choice.py",
        "model/checkpoints/trial.py",
    }


def test_the_operators_secrets_are_not_for_the_demo():
    given = {"PATH": "/bin", "discord_token": "x", "DATABASE_URL": "x", "Hash_Key_File": "x", "WEB_PORT": "1"}
    assert without_secrets(given) == {"PATH": "/bin", "WEB_PORT": "1"}
