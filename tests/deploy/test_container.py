"""The image and the composition say of the program what is so; no engine builds them here."""

import re
import shlex
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from click.testing import CliRunner

from bot.app.shutdown import SHUTDOWN_SECONDS
from bot.cli.health import ask
from bot.cli.main import main
from bot.i18n.languages import LANGUAGES
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
FINAL = DOCKERFILE.rsplit("FROM ", 1)[1]


def names_in(text):
    (block,) = re.findall(r"^ENV (.+?(?:\\\n.+?)*)$", text, re.MULTILINE)
    return dict(part.split("=", 1) for part in shlex.split(block.replace("\\\n", " ")))


def test_the_image_runs_the_program_as_nobody_who_can_write_anywhere_else():
    assert re.search(r"^USER 10001:10001$", FINAL, re.MULTILINE)
    assert "--uid 10001" in FINAL
    assert "STOPSIGNAL SIGTERM" in FINAL
    assert 'ENTRYPOINT ["vibecheck"]' in FINAL
    assert not re.search(r"\b(gcc|build-essential|apt-get|pip install)\b", FINAL)


def test_the_image_sets_what_is_a_setting():
    given = names_in(FINAL)
    ours = {name: value for name, value in given.items() if name.lower() in Settings.model_fields}
    assert ours == {"DATA_DIR": "/data", "METRICS_PORT": "9464"}
    assert given.keys() - ours == {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "MPLCONFIGDIR"}
    assert f"EXPOSE {ours['METRICS_PORT']}" in FINAL


def test_the_health_check_is_a_command_of_ours():
    (command,) = re.findall(r"HEALTHCHECK .+ CMD (\[.+\])", FINAL)
    assert command == '["vibecheck", "health"]'
    assert "health" in main.commands


def test_what_is_copied_is_let_in_and_what_is_installed_is_locked():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    for source in re.findall(r"^COPY (locks/\S+) (locks/\S+) ", DOCKERFILE, re.MULTILINE)[0]:
        assert (ROOT / source).is_file()
        assert source.partition("/")[0] in allowed
    for command in re.findall(r"pip install (--.+)", DOCKERFILE):
        assert "--require-hashes" in command or "--no-deps" in command


def test_every_language_that_is_spoken_keeps_its_dates_and_numbers():
    (kept,) = re.findall(r"-not -regex '\.\*/\(root\|([\w|]+)\)\[\._\]\.\*' -delete", DOCKERFILE)
    assert set(kept.split("|")) == {language.partition("_")[0] for language in LANGUAGES}


def test_nothing_that_fails_while_it_is_built_is_passed_over():
    assert "|| true" not in DOCKERFILE


def test_no_words_can_go_to_a_disk_as_swap_and_the_log_has_an_end():
    bot = COMPOSE["services"]["bot"]
    assert bot["memswap_limit"] == bot["mem_limit"]
    assert bot["logging"]["options"].keys() == {"max-size", "max-file"}


def test_the_composition_keeps_secrets_in_files_and_waits_for_the_database():
    bot, database = COMPOSE["services"]["bot"], COMPOSE["services"]["database"]
    for service in (bot, database):
        for name, value in service["environment"].items():
            assert ("PASSWORD" in name or "TOKEN" in name or "URL" in name) <= name.endswith("_FILE"), name
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]
        assert service["restart"] == "unless-stopped"
    assert {name.lower() for name in bot["environment"]} <= Settings.model_fields.keys()
    assert bot["depends_on"]["database"]["condition"] == "service_healthy"
    assert int(bot["stop_grace_period"].removesuffix("s")) > SHUTDOWN_SECONDS
    assert bot["read_only"] is True
    assert set(bot["secrets"]) | set(database["secrets"]) == COMPOSE["secrets"].keys()


@pytest.mark.parametrize(("listens", "asked"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("127.0.0.9", "127.0.0.9")])
def test_health_is_asked_where_the_bot_listens(listens, asked):
    answer = ask(Settings(_env_file=None, metrics_host=listens, metrics_port=9), "/healthz")
    assert answer.said.startswith(f"Nothing answers at {asked}:9 (")


def test_health_without_a_port_or_without_a_bot_is_not_well(monkeypatch):
    asked = CliRunner().invoke(main, ["health"])
    assert (asked.exit_code, asked.output) == (1, "METRICS_PORT isn't set, so there's nothing to ask.\n")
    monkeypatch.setenv("METRICS_PORT", "9")
    asked = CliRunner().invoke(main, ["health", "--ready"])
    assert asked.exit_code == 1
    assert asked.output.startswith("Nothing answers at 127.0.0.1:9 (")
