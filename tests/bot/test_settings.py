import errno
import os
from pathlib import Path

import pytest
from platformdirs import user_config_path, user_data_path

from bot import settings as settings_module
from bot.settings import SECRETS, Settings, SettingsError, load_settings
from bot.storage.database_url import FILE
from bot.storage.pseudonyms import KEY_FILE

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
    assert "DISCORD_TOKN." in said
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
    assert said.startswith(f"The setting {field.upper()} can't be used: ")
    assert said.endswith(".")
    assert value.lower() not in said.lower()
    assert "\n" not in said


def test_the_link_to_help_can_be_left_out_and_is_there_otherwise():
    assert load_settings().help_url == "https://findahelpline.com"
    write("HELP_URL=none\n")
    assert load_settings().help_url == ""


def test_a_bad_link_says_how_a_good_one_begins():
    write("SOURCE_URL=github.com/me/bot\n")
    assert complaint() == "The setting SOURCE_URL can't be used: it must start with https://."


def test_a_file_that_is_not_text_is_a_sentence():
    Path(".env").write_bytes("MODEL=bundled\n".encode("utf-16"))
    assert complaint() == ".env isn't UTF-8 text. Save it again as UTF-8."


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


@pytest.mark.parametrize("name", SECRETS)
def test_a_file_may_hold_a_secret(name, monkeypatch, tmp_path):
    """With the line end that an editor puts there, and the mark that some do."""
    secret = "postgresql://me:Xy-1_2.3@host/moods" if name == "database_url" else TOKEN
    for held in (secret, f"{secret}\n", f"\ufeff{secret}\r\n"):
        (tmp_path / "secret").write_text(held, "utf-8")
        monkeypatch.setenv(f"{name.upper()}_FILE", str(tmp_path / "secret"))
        settings = load_settings()
        assert getattr(settings, name).get_secret_value() == secret
        assert secret not in f"{settings!r} {settings.model_dump_json()}"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_is_set_twice_is_refused(name, monkeypatch, tmp_path):
    (tmp_path / "secret").write_text(TOKEN, "utf-8")
    monkeypatch.setenv(f"{name.upper()}_FILE", str(tmp_path / "secret"))
    write(f"{name.upper()}={TOKEN}\n")
    said = complaint()
    assert said.startswith(f"{name.upper()} and {name.upper()}_FILE are both set.")
    assert TOKEN not in said


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (b"", "holds nothing"),
        (b" \n\n", "holds nothing"),
        (b"\xff\xfe\x00", "isn't UTF-8 text"),
        (b"x" * 20_000, "is no secret, but large"),
        (None, "I can't read (No such file or directory)"),
    ],
    ids=["empty", "blank", "bytes", "large", "missing"],
)
def test_a_file_without_a_secret_is_one_sentence_that_repeats_nothing(held, said, monkeypatch, tmp_path):
    file = tmp_path / "secret"
    if held is not None:
        file.write_bytes(held)
    monkeypatch.setenv("HASH_KEY_FILE", str(file))
    assert complaint() == f"HASH_KEY_FILE names a file that {said}."


def test_a_folder_or_a_name_that_no_file_can_have_is_no_file_with_a_secret(monkeypatch, tmp_path):
    monkeypatch.setenv("WEB_TOKEN_FILE", str(tmp_path))
    assert complaint() == "WEB_TOKEN_FILE names a file that I can't read (Is a directory)."
    write('WEB_TOKEN_FILE="a\\0b"\n')
    monkeypatch.delenv("WEB_TOKEN_FILE")
    assert complaint().startswith("WEB_TOKEN_FILE names a file that I can't read (")


def test_what_a_file_holds_must_be_good_enough_as_well(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("short", "utf-8")
    monkeypatch.setenv("WEB_TOKEN_FILE", str(tmp_path / "secret"))
    assert complaint().startswith("The setting WEB_TOKEN can't be used: it must have at least 16 characters")


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

    write("THREADS=3\n")
    monkeypatch.setattr("pydantic_settings.sources.providers.dotenv.DotEnvSettingsSource._read_env_files", refuse)
    assert complaint() == "I can't read .env (Permission denied)."


@pytest.fixture
def account():
    """The folders for settings and for data that this account has; neither is there yet."""
    return user_config_path("vibecheck", appauthor=False), user_data_path("vibecheck", appauthor=False)


def write_settings_of(account, text):
    account[0].mkdir(parents=True)
    (account[0] / ".env").write_text(text, "utf-8")


def test_started_anywhere_the_bot_keeps_its_files_in_the_accounts_folder(account, tmp_path):
    assert load_settings().data_dir == account[1]
    (tmp_path / "elsewhere").mkdir()
    os.chdir(tmp_path / "elsewhere")
    assert load_settings().data_dir == account[1]
    assert account[1].is_absolute()


@pytest.mark.parametrize("name", ["mood.db", "hash.key"])
def test_files_of_the_bot_in_data_go_on_being_used(name, account):
    Path("data").mkdir()
    Path("data", name).touch()
    assert load_settings().data_dir == Path("data")


def test_the_files_that_keep_data_in_use_are_called_what_the_store_calls_them():
    assert {FILE, KEY_FILE} == set(settings_module._KEPT)


def test_a_folder_called_data_with_other_things_in_it_is_left_alone(account):
    Path("data").mkdir()
    Path("data", "measurements.csv").touch()
    assert load_settings().data_dir == account[1]


def test_beside_a_file_of_settings_the_bot_keeps_its_files_in_data():
    write("THREADS=3\n")
    assert load_settings().data_dir == Path("data")


def test_a_folder_that_is_named_is_the_one(monkeypatch):
    Path("data").mkdir()
    Path("data", "mood.db").touch()
    monkeypatch.setenv("DATA_DIR", "/srv/vibecheck")
    assert load_settings().data_dir == Path("/srv/vibecheck")


def test_settings_come_from_the_accounts_folder_where_there_is_no_file_here(account):
    write_settings_of(account, "THREADS=3\n")
    assert (load_settings().threads, load_settings().data_dir) == (3, account[1])


def test_a_file_here_is_the_only_one_that_is_read(account):
    write_settings_of(account, "THREADS=3\nQUEUE_LIMIT=7\n")
    write("THREADS=5\n")
    assert (load_settings().threads, load_settings().queue_limit) == (5, 65_536)


def test_what_is_wrong_in_the_accounts_folder_is_named_with_its_path(account):
    write_settings_of(account, "DISCORD_TOKN=abc\n")
    assert complaint().startswith(f"{account[0] / '.env'} has an unknown setting DISCORD_TOKN.")


def test_an_account_whose_folders_cannot_be_looked_into_has_its_defaults(monkeypatch, tmp_path):
    beyond = tmp_path / ("x" * 300)  # refused by the system, root or not
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(beyond))
    assert load_settings().data_dir.is_relative_to(beyond)


def test_an_account_without_a_home_has_its_defaults_and_keeps_its_files_here(monkeypatch):
    """As a container's may be, whose number no file names."""

    def unknown(_number):
        raise KeyError

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert load_settings().data_dir == Path("data")
    assert settings_module.settings_file() is None


@pytest.mark.parametrize("written", ["bundled", "bundled+multilingual", " bundled + multilingual", "me/it@1a2b3c4"])
def test_the_model_is_one_or_two(written, monkeypatch):
    monkeypatch.setenv("MODEL", written)
    assert load_settings().model == written.replace(" ", "")


@pytest.mark.parametrize("written", ["bundled+", "+multilingual", "a+b+c", "bundled++multilingual"])
def test_more_or_less_than_two_models_is_one_sentence(written, monkeypatch):
    monkeypatch.setenv("MODEL", written)
    with pytest.raises(SettingsError, match=r"MODEL can't be used: two models are joined by one \+, like"):
        load_settings()


def test_a_cluster_needs_a_postgresql_and_says_how_to_get_there(monkeypatch):
    monkeypatch.setenv("CLUSTER", "0/4")
    assert complaint().startswith(
        "CLUSTER needs a PostgreSQL that all processes share: set DATABASE_URL (`vibecheck mo"
    )
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/vibecheck")
    assert load_settings().cluster == "0/4"
    for wrong in ("4/4", "0", "first", "0/9999"):
        monkeypatch.setenv("CLUSTER", wrong)
        assert complaint() == "The setting CLUSTER can't be used: it must be like 0/4, and the last of four is 3/4."


@pytest.mark.parametrize(
    ("written", "found", "elsewhere"),
    [
        ("", "", False),
        ("http://score:8000/score", "http://score:8000/score", True),
        ("https://score.example.org/", "https://score.example.org/score", True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/score", False),
        ("http://[::1]:8000/score http://LOCALHOST/a", "http://[::1]:8000/score http://LOCALHOST/a", False),
        ("http://127.0.0.1/score  http://10.0.0.7/score", "http://127.0.0.1/score http://10.0.0.7/score", True),
    ],
)
def test_texts_are_scored_at_addresses_of_which_each_has_the_route(written, found, elsewhere, monkeypatch):
    monkeypatch.setenv("INFERENCE_URL", written)
    settings = load_settings()
    assert (settings.inference_url, settings.scores_elsewhere) == (found, elsewhere)


@pytest.mark.parametrize(
    "written",
    ["score:8000", "ftp://score/score", "http://", "http://me:secret@score/score", "http://score:port/", "x y"],
)
def test_what_is_no_address_of_a_server_of_texts_is_refused(written, monkeypatch):
    monkeypatch.setenv("INFERENCE_URL", written)
    said = complaint()
    assert said.startswith("The setting INFERENCE_URL can't be used: ")
    assert "secret" not in said


def test_the_token_of_a_server_of_texts_fits_into_a_header(monkeypatch):
    monkeypatch.setenv("INFERENCE_TOKEN", "zwölf-zeichen-und-mehr")
    assert complaint().startswith("The setting INFERENCE_TOKEN can't be used: it must be of ASCII letters")
