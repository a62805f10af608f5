"""The units are valid, rated as promised, and say of the program what is so."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.app.connecting import EX_CONFIG
from bot.app.shutdown import SHUTDOWN_SECONDS
from bot.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = [DEPLOY / "vibecheck.service", DEPLOY / "vibecheck@.service"]
BACKUP = DEPLOY / "vibecheck-backup.service"
MOST_EXPOSED = 1.5


def lines(unit):
    return [line for line in unit.read_text("utf-8").splitlines() if line and not line.startswith("#")]


def test_there_are_one_and_one_of_several():
    assert sorted(DEPLOY.glob("*.service")) == sorted([*UNITS, BACKUP])
    one, several = (unit.read_text("utf-8").splitlines()[2:] for unit in UNITS)
    assert not any("-%i-%i" in line for line in several)
    assert [line.replace("-%i", "").replace(" (%i)", "") for line in several] == one


@pytest.mark.parametrize("unit", [*UNITS, BACKUP], ids=lambda unit: unit.name)
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_its_exposure_is_rated_as_promised(unit):
    ran = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    rated = re.search(r"Overall exposure level for \S+: ([\d.]+)", ran.stdout)
    assert rated, ran.stderr
    assert float(rated[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_it_sets_is_a_setting_and_what_it_does_not_restart_is_a_wrong_one(unit):
    names = [
        line.removeprefix("Environment=").partition("=")[0] for line in lines(unit) if line.startswith("Environment=")
    ]
    assert names == ["DATA_DIR", "DISCORD_TOKEN_FILE"]
    assert {name.lower() for name in names} <= Settings.model_fields.keys()
    assert {"Restart=on-failure", f"RestartPreventExitStatus={EX_CONFIG}"} <= set(lines(unit))
    (stopping,) = (line for line in lines(unit) if line.startswith("TimeoutStopSec="))
    assert float(stopping.partition("=")[2]) > SHUTDOWN_SECONDS
    assert "Type=notify" in lines(unit)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_it_keeps_nothing_from_the_program_that_the_program_needs(unit):
    """Without /proc/cpuinfo the model is slow, and without setrlimit the page and new models have no limits."""
    said = lines(unit)
    assert "ProcSubset=pid" not in said
    assert not any("@resources" in line for line in said)
    assert not any(line.startswith("MemoryDenyWriteExecute") for line in said)


def test_a_backup_is_made_of_what_the_service_writes_by_the_account_that_may_read_it():
    said, service = lines(BACKUP), lines(UNITS[0])
    assert {"DynamicUser=yes", "User=vibecheck", "Type=oneshot"} <= set(said), (
        "named as systemd names the service's own"
    )
    for same in ("WorkingDirectory=%S/vibecheck", "Environment=DATA_DIR=%S/vibecheck", "StateDirectoryMode=0700"):
        assert same in said
        assert same in service
    assert "StateDirectory=vibecheck vibecheck-backups" in said
    (command,) = (line for line in said if line.startswith("ExecStart="))
    words = command.split()
    assert words[1:3] == ["backup", "%S/vibecheck-backups"]
    assert "EnvironmentFile=-/etc/vibecheck/settings" in said


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_the_timer_is_valid_and_makes_up_for_a_day_that_was_missed():
    timer = BACKUP.with_suffix(".timer")
    assert "Persistent=yes" in lines(timer)
    (when,) = (line.partition("=")[2] for line in lines(timer) if line.startswith("OnCalendar="))
    ran = subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_the_drop_in_for_another_secret_is_one(tmp_path):
    page = (DEPLOY.parent / "docs" / "operations.md").read_text("utf-8")
    (drop_in,) = re.findall(r"^```ini\n(\[Service\]\n.+?)^```$", page, re.MULTILINE | re.DOTALL)
    (name, credential) = re.findall(r"^Environment=(\w+)=%d/(\w+)$", drop_in, re.MULTILINE)[0]
    assert name.lower() in Settings.model_fields
    assert f"LoadCredential={credential}:/etc/vibecheck/{credential}\n" in drop_in
    unit = UNITS[0].read_text("utf-8").replace("/opt/vibecheck/.venv/bin/vibecheck", "/bin/true")
    (tmp_path / "vibecheck.service").write_text(unit)
    (tmp_path / "vibecheck.service.d").mkdir()
    (tmp_path / "vibecheck.service.d" / "postgres.conf").write_text(drop_in)
    verified = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "vibecheck.service")]
    ran = subprocess.run(verified, capture_output=True, text=True, check=False, timeout=60)
    assert not re.search(r"vibecheck.service(\.d)?.*(Unknown|Failed|Invalid|Ignoring)|postgres.conf", ran.stderr), (
        ran.stderr
    )
