"""Each command of docs/operations.md is run by a test, or its program is named there as one that was not run."""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from bot.cli.main import main
from tests.bot.storage.postgres import find_binaries, running_postgres

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HERE = "tests/docs/test_operations_commands.py"

RUN = {
    r"git clone|install -|cp |mkdir |openssl rand|cat |echo |cd |chmod |rm -rf build/lib": HERE,
    r"make -C \S+ \.venv/core|make \.venv/core": ".ci/run",
    r"python3 -m venv|pip install": ".ci/run",
    r"pip uninstall|git pull|git checkout": "",
    r"CREATE (ROLE|DATABASE)|DROP DATABASE|pg_dump|pg_restore": HERE,
    r"MODEL=bundled\+": "tests/model/test_two_models.py",
    r"vibecheck check": "tests/bot/cli/test_check.py",
    r"vibecheck run|python -m bot run": "tests/discord/test_process.py",
    r"INFERENCE_URL=|vibecheck score-server|curl http://score": "tests/bot/app/test_score_server.py",
    r"make \.venv-ray/made": ".ci/run",
    r"(\.venv-ray/bin/)?python -m bot\.app\.ray_app": "tests/bot/app/test_ray_app.py",
    r"vibecheck health": "tests/discord/test_health.py",
    r"vibecheck move-store": "tests/bot/cli/test_move_store.py",
    r"vibecheck backup-key|vibecheck backup|vibecheck restore": "tests/bot/cli/test_backup_of_both.py",
    r"vibecheck rotate-key": "tests/bot/cli/test_rotate_key.py",
    r"vibecheck web": "tests/pages/test_web.py",
    r"vibecheck invite": "tests/bot/cli/test_main.py",
    r"systemd-analyze security": "tests/deploy/test_units.py",
    r"make deploy-check": "tests/deploy/test_by_their_own_tools.py",
    r"litestream ": "tests/bot/cli/test_litestream.py",
    r"python -m tests\.\w+": "the command is itself a try",
    r"python -c ": HERE,
}
"""What runs a command, by its beginning; "": git's and pip's own doing, with nothing of ours in it."""


def not_run():
    """The programs that the page says were not run."""
    (said,) = re.findall(r"but for ((?:`[\w-]+`(?:, | and )?)+),? which weren't run", " ".join(PAGE.split()))
    return set(re.findall(r"`([\w-]+)`", said))


def simple(line):
    """The commands that a line of shell consists of, without comments and settings before them."""
    line = re.sub(r"\s+#.*", "", line)
    parts = (part.strip() for part in re.split(r"\s&&\s", line))
    return [re.sub(r"^(?:[A-Z_]+=\S+ )?(?:\S*/?\.venv/bin/)?", "", part) for part in parts if part]


def commands():
    """All of the page: those of the blocks, and in sentences whatever begins as a command with arguments."""
    for language, block in BLOCK.findall(PAGE):
        if language == "ini" or block.startswith("snapshot:") or re.match(r"[A-Z_]+=\S+ +#", block):
            continue
        for line in block.splitlines():
            yield from simple(line)
    programs = not_run() | {"git", "make", "litestream", "systemd-analyze", "openssl", "python", "vibecheck"}
    for inline in re.findall(r"(?<!`)`([^`]+)`(?!`)", BLOCK.sub("", PAGE)):
        words = " ".join(inline.split()).removeprefix("* * * * * ").removeprefix(".venv/bin/")
        words = re.sub(r"^[A-Z_]+=\S+ ", "", words)
        if words.split(" ")[0] in programs and " " in words:
            yield from simple(words)


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_it_is_run_by_a_test_or_named_as_not_run(command):
    if command.split(" ")[0] in not_run():
        return
    where = next((told for beginning, told in RUN.items() if re.match(beginning, command)), None)
    assert where is not None, "say in RUN which test runs it, or on the page that its program was not run"
    if where.startswith("tests/"):
        assert (ROOT / where).is_file()


def four(heading):
    """The lines of one of the blocks that lead from nothing to a service."""
    part = PAGE.split("## From nothing to a service")[1].split("\n## ")[0]
    (block,) = (block for _, block in BLOCK.findall(part) if heading in block)
    lines = block.splitlines()
    assert len(lines) == 4
    return lines


@pytest.fixture
def standing_in(tmp_path, monkeypatch):
    """Puts programs that only note how they were called before the real ones; what they were called with."""
    folder, noted = tmp_path / "programs", tmp_path / "called"
    folder.mkdir()
    noted.touch()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def stand_in(name, does=""):
        file = folder / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> {noted}\n{does}\n')
        file.chmod(0o755)

    def called():
        return noted.read_text().splitlines()

    return stand_in, called


@pytest.fixture
def ready():
    """Where a bot would answer that it is ready, after it was not at first."""

    class Answers(BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self):
            Answers.asked += 1
            well = Answers.asked > 1
            body = json.dumps({"ok": well, "checks": {"model": {"ok": well, "said": f"asked {self.path}"}}}).encode()
            self.send_response(200 if well else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def run(lines, folder, given="", **environment):
    """Runs the lines as somebody who pastes them; returns what was said."""
    ran = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=folder,
        env={**os.environ, **environment},
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="it begins in a checkout")
def test_with_systemd(tmp_path, standing_in, ready):
    stand_in, called = standing_in
    stand_in("systemctl")
    command = f'exec {sys.executable} -m bot "$@"'
    made = "$2/.venv/bin"
    stand_in(
        "make", f"mkdir -p {made} && printf '#!/bin/sh\\n%s\\n' '{command}' > {made}/vibecheck && chmod +x {made}/*"
    )
    units = tmp_path / "etc" / "systemd" / "system"
    units.mkdir(parents=True)
    lines = [
        line.replace("git clone . ", f"git clone --quiet {ROOT} ").replace("9464", str(ready))
        for line in re.sub(r"(?<= )/(?=opt|etc)", f"{tmp_path}/", "\n".join(four("systemctl"))).splitlines()
    ]
    (tmp_path / "opt").mkdir()
    said = run(lines, tmp_path, "a-token", PYTHONPATH=str(ROOT))
    assert said == "model: asked /readyz\n"
    token, settings = tmp_path / "etc/vibecheck/discord_token", tmp_path / "etc/vibecheck/settings"
    assert (token.read_text(), token.stat().st_mode & 0o777, token.parent.stat().st_mode & 0o777) == (
        "a-token",
        0o600,
        0o700,
    )
    assert settings.read_text() == f"METRICS_PORT={ready}\n"
    unit = (units / "vibecheck.service").read_text("utf-8")
    for file in (token, settings):
        assert f"/{file.relative_to(tmp_path)}\n" in unit
    made_by, enabled = called()
    assert made_by == f"make -C {tmp_path}/opt/vibecheck .venv/core"
    program, *options = shlex.split(enabled.removeprefix("systemctl enable --now "))
    assert all((units / name).is_file() for name in [f"{program}.service", *options])
    assert options == ["vibecheck-backup.timer"]
    assert (units / "vibecheck-backup.service").is_file()


def test_with_compose(tmp_path, standing_in):
    stand_in, called = standing_in
    stand_in("docker")
    cron = tmp_path / "cron"
    lines = [line.replace("/etc/cron.d/vibecheck-backup", str(cron)) for line in four("docker")]
    run(lines, tmp_path, "a-token")
    composition = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    secrets = {name: (tmp_path / one["file"]).read_text().strip() for name, one in composition["secrets"].items()}
    assert secrets["discord_token"] == "a-token"
    assert len(secrets["database_password"]) == 48
    user = composition["services"]["database"]["environment"]["POSTGRES_USER"]
    assert secrets["database_url"] == f"postgresql://{user}:{secrets['database_password']}@database/vibecheck"
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    ((when, account, daily),) = re.findall(r"^(@\w+) (\w+) cd \S+ && (.+)\n$", cron.read_text())
    assert (when, account) == ("@daily", "root")
    up, *inside = [line.removeprefix("docker compose ") for line in [*called(), daily]]
    assert up == "up --detach --build"
    for line in inside:
        (asked,) = re.findall(r"^exec (?:-T )?(.+)$", line)
        service, program, *words = asked.split()
        assert service in composition["services"]
        assert program == "mkdir" or words[0] in main.commands
    (volume,) = composition["services"]["bot"]["volumes"]
    assert all(
        path.startswith(volume.partition(":")[2]) for line in inside for path in re.findall(r"\S*/backups", line)
    )


def test_with_kubernetes(tmp_path, standing_in):
    stand_in, called = standing_in
    stand_in("kubectl")
    run(four("kubectl"), ROOT)
    folder = ROOT / "deploy" / "kubernetes"
    stateful = yaml.safe_load((folder / "statefulset.yaml").read_text("utf-8"))
    volumes = {one["name"]: one for one in stateful["spec"]["template"]["spec"]["volumes"]}
    lines = " ".join(called())
    assert f"create secret generic {volumes['secrets']['secret']['secretName']} " in lines
    environment = stateful["spec"]["template"]["spec"]["containers"][0]["env"]
    needed = {Path(one["value"]).name for one in environment if one["name"].endswith("_FILE")}
    assert set(re.findall(r"--from-file=(\w+)", lines)) == needed
    for path in re.findall(r"--(?:kustomize|filename) (\S+)", lines):
        assert (ROOT / path).exists()
    assert f"rollout status statefulset/{stateful['metadata']['name']}" in lines
    namespace = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["namespace"]
    assert set(re.findall(r"--namespace (\w+)", lines)) == {namespace}


@pytest.mark.postgres
@pytest.mark.skipif(find_binaries() is None, reason="PostgreSQL is not installed")
def test_a_postgresql_is_made_dumped_and_put_back_as_it_says(tmp_path):
    binaries = find_binaries()
    (made,) = (block for language, block in BLOCK.findall(PAGE) if language == "sql")
    inline = {" ".join(one.split()) for one in re.findall(r"(?<!`)`([^`]+)`(?!`)", PAGE)}
    (dump,) = (one for one in inline if one.startswith("pg_dump --"))
    (restore,) = (one for one in inline if one.startswith("pg_restore --"))
    again = [one for one in ("DROP DATABASE vibecheck", "CREATE DATABASE vibecheck OWNER vibecheck") if one in inline]
    assert len(again) == 2
    with running_postgres(binaries) as url:
        path = f"{binaries}:{os.environ['PATH']}"

        def sql(statement, where=url):
            return run(
                [f"psql --no-psqlrc --quiet --tuples-only -v ON_ERROR_STOP=1 {where}"], tmp_path, statement, PATH=path
            )

        sql(made)
        ours = url.rpartition("/")[0] + "/vibecheck"
        sql("CREATE TABLE kept (number integer); INSERT INTO kept VALUES (7);", ours)
        run([dump.replace("DATABASE", ours).replace("FILE", "copy")], tmp_path, PATH=path)
        for statement in again:
            sql(statement)
        run([restore.replace("DATABASE", ours).replace("FILE", "copy")], tmp_path, PATH=path)
        assert sql("SELECT number FROM kept", ours).strip() == "7"


def test_a_token_of_the_page_is_made_as_it_says():
    (code,) = re.findall(r"`python (-c \"[^\"]+\")`", PAGE)
    assert len(run([f"{sys.executable} {code}"], ROOT).strip()) >= 32
