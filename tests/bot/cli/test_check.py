from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from bot.app.connecting import NO_DISCORD, WRONG_TOKEN
from bot.app.runtime import NO_TOKEN
from bot.cli.check import application_id
from bot.cli.main import main
from bot.permissions import PORTAL, invite_permissions
from bot.settings import SettingsError
from model import open_checkpoint

TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"


@pytest.fixture
def check():
    """Runs `python -m bot check` over that .env; returns its code and its lines."""

    def check(*lines):
        Path(".env").write_text("\n".join(("THREADS=2", *lines)), "utf-8")
        result = CliRunner().invoke(main, ["check"])
        assert TOKEN not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.output.splitlines()

    return check


def test_all_in_order_is_code_0_and_a_tick_on_each_line(check, login_server):
    code, lines = check(f"DISCORD_TOKEN={TOKEN}")
    assert code == 0
    assert [line.split(":")[0] for line in lines] == ["✓ settings", "✓ model", "✓ token", "✓ intents"]
    assert "it belongs to Vibecheck" in lines[2]


def test_message_content_that_is_off_is_named_with_what_to_click(check, login_server):
    login_server.flags = 0
    code, lines = check(f"DISCORD_TOKEN={TOKEN}")
    assert code == 1
    assert lines[3].startswith("✗ intents: message content is off: commands work, /monitor doesn't.")
    assert PORTAL in lines[3]
    assert "Message Content Intent" in lines[3]


def test_the_models_line_names_its_version_and_reads_a_text(check, login_server):
    _, lines = check(f"DISCORD_TOKEN={TOKEN}")
    assert f"version {open_checkpoint('bundled').version}," in lines[1]
    assert "reads “what a wonderful day” as positive" in lines[1]


@pytest.mark.parametrize(
    ("amx", "installed", "said"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_where_the_extra_would_pay_it_is_said(check, login_server, monkeypatch, amx, installed, said):
    monkeypatch.setattr("bot.cli.check.has_amx", lambda: amx)
    monkeypatch.setattr("bot.cli.check.is_installed", lambda backend: installed)
    monkeypatch.setenv("BACKEND", "auto")
    monkeypatch.setattr("model.backends.choice.is_installed", lambda backend: False)
    _, lines = check(f"DISCORD_TOKEN={TOKEN}", "DEVICE=cpu")
    pays = 'this processor multiplies in tiles (AMX); what uses that needs the extra "openvino": pip install'
    assert (pays in lines[1]) is said


def test_a_backend_that_is_not_installed_is_named(check, monkeypatch):
    monkeypatch.setattr("model.backends.engine.is_installed", lambda backend: backend != "openvino")
    monkeypatch.setenv("BACKEND", "openvino")
    code, lines = check()
    assert code == 1
    assert lines[1].startswith('✗ model: BACKEND=openvino needs the extra "openvino": pip install')


def test_a_missing_token_is_named_and_the_model_checked_all_the_same(check):
    code, lines = check()
    assert code == 1
    assert lines[1].startswith("✓ model: ")
    assert lines[2:] == [f"✗ token: {NO_TOKEN}"]


def test_a_refused_token_is_named(check, login_server):
    login_server.accepts = False
    code, lines = check(f"DISCORD_TOKEN={TOKEN}")
    assert (code, lines[2:]) == (1, [f"✗ token: {WRONG_TOKEN}"])


def test_a_missing_network_is_named(check, no_network):
    code, lines = check(f"DISCORD_TOKEN={TOKEN}")
    assert (code, lines[2:]) == (1, [f"✗ token: {NO_DISCORD}"])


def test_a_missing_model_is_named(check):
    code, lines = check("MODEL=./nowhere")
    assert code == 1
    assert lines[1].startswith("✗ model: ")
    assert "nowhere" in lines[1]


def test_a_model_whose_hub_is_away_is_named_with_what_answers_instead(check, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    code, lines = check("MODEL=org/name@1a2b3c4")
    assert code == 1
    assert lines[1].startswith("✗ model: I couldn't get org/name@1a2b3c4 (the hub can't be reached); the bundled")


def test_a_wrong_setting_is_the_only_line(check):
    code, (line,) = check("DEVICE=toaster")
    assert code == 1
    assert line.startswith("✗ settings: The setting DEVICE can't be used: ")


def test_invite_prints_both_links_without_asking_discord(no_network):
    result = CliRunner().invoke(main, ["invite", "--client-id", "80351110224678912"])
    server, account = result.output.splitlines()
    assert result.exit_code == 0
    assert "client_id=80351110224678912&scope=bot+applications.commands&permissions=274879073344" in server
    assert "client_id=80351110224678912&scope=applications.commands" in account
    assert account.endswith("&integration_type=1")


def test_the_invite_asks_for_what_monitoring_needs_and_no_more():
    granted = {name for name, value in invite_permissions() if value}
    reading = {"read_messages", "read_message_history"}  # the library's first name for View Channel
    writing = {"send_messages", "send_messages_in_threads", "embed_links", "attach_files", "add_reactions"}
    assert granted == reading | writing | {"connect"}


async def test_the_application_is_found_by_its_token(settings, login_server):
    given = settings.model_copy(update={"discord_token": SecretStr(TOKEN)})
    assert await application_id(given) == 80351110224678912


async def test_an_application_without_a_token_is_a_sentence(settings):
    with pytest.raises(SettingsError, match="Or give --client-id"):
        await application_id(settings)
