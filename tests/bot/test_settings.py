import errno
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load_settings

TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"


def write(text):
    Path(".env").write_text(text, "utf-8")


def complaint():
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_without_a_file_every_setting_has_its_default():
    assert load_settings() == Settings(_env_file=None)
    assert load_settings().discord_token is None


def test_settings_come_from_the_file():
    write("MODEL=someone/some-model@main\nTHREADS=3\nlog_level=debug\n")
    settings = load_settings()
    assert (settings.model, settings.threads, settings.log_level) == ("someone/some-model@main", 3, "DEBUG")


def test_the_environment_wins_over_the_file(monkeypatch):
    write("THREADS=3\n")
    monkeypatch.setenv("THREADS", "5")
    assert load_settings().threads == 5


def test_empty_values_mean_the_default(monkeypatch):
    write("".join(f"{field.upper()}=\n" for field in Settings.model_fields))
    monkeypatch.setenv("QUEUE_LIMIT", "")
    assert load_settings() == Settings(_env_file=None)


def test_an_unknown_setting_is_named_with_the_known_ones():
    write("DISCORD_TOKN=abc\n")
    said = complaint()
    assert "DISCORD_TOKN;" in said
    assert all(field.upper() in said for field in Settings.model_fields)
    assert "abc" not in said


def test_other_programs_variables_are_no_unknown_settings(monkeypatch):
    monkeypatch.setenv("DISCORD_TOKN", "abc")
    assert load_settings().discord_token is None


BAD = [
    ("threads", "many-secret"),
    ("threads", "-77"),
    ("threads", "257999"),
    ("queue_limit", "0.123"),
    ("device", "tpu-secret"),
    ("log_level", "chatty"),
    ("source_url", "javascript:alert(1)"),
    ("support_url", "discord.gg-secret"),
    ("privacy_url", "ftp://secret"),
    ("help_url", "help.example-secret"),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_bad_value_is_named_but_not_repeated(field, value):
    write(f"{field.upper()}={value}\n")
    said = complaint()
    assert said.startswith(f"The setting {field.upper()} cannot be used: ")
    assert said.endswith(".")
    assert value.lower() not in said.lower()
    assert "\n" not in said


def test_the_link_to_help_can_be_left_out_and_is_there_otherwise():
    assert load_settings().help_url == "https://findahelpline.com"
    write("HELP_URL=none\n")
    assert load_settings().help_url == ""


def test_a_bad_link_says_how_a_good_one_begins():
    write("SOURCE_URL=github.com/me/bot\n")
    assert complaint() == "The setting SOURCE_URL cannot be used: it must start with https://."


def test_a_file_that_is_not_text_is_a_sentence():
    Path(".env").write_bytes("MODEL=bundled\n".encode("utf-16"))
    assert complaint() == ".env is not UTF-8 text; save it again as UTF-8."


def test_the_token_is_not_shown_with_the_settings():
    write(f"DISCORD_TOKEN={TOKEN}\n")
    settings = load_settings()
    assert settings.discord_token.get_secret_value() == TOKEN
    assert TOKEN not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize("line", [TOKEN, f"{TOKEN}=", f"DISCORD_TOKEN: {TOKEN}"])
def test_a_token_written_some_other_way_is_no_token_and_is_not_repeated(line, caplog, capsys):
    write(f"{line}\n")
    assert load_settings().discord_token is None
    assert TOKEN not in caplog.text + str(capsys.readouterr())


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    Path(".env").write_bytes(b"\xef\xbb\xbfTHREADS=3\r\nQUEUE_LIMIT=7\r\n")
    settings = load_settings()
    assert (settings.threads, settings.queue_limit) == (3, 7)


def test_a_folder_called_env_is_left_alone():
    Path(".env").mkdir()
    assert load_settings() == Settings(_env_file=None)


def test_a_file_that_may_not_be_read_is_one_sentence(monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", "/etc/secret")

    monkeypatch.setattr("pydantic_settings.sources.providers.dotenv.DotEnvSettingsSource._read_env_files", refuse)
    assert complaint() == ".env cannot be read (Permission denied)."
