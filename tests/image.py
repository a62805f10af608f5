"""The Dockerfile's own steps without an engine: `python -m tests.image [--tree FOLDER]`, as root, on Linux.

Its RUN steps make the tree in FOLDER that the image would have, with this Python in place of the image's; what it
weighs is printed by package. Then, where all is read-only but /tmp and the bot's own folder, and as the image's
account, the bot runs against a Discord on this machine until `vibecheck health --ready` is content, and ends by the
image's signal.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.demo.launch import wait_until_ready
from bot.demo.local_discord import TOKEN, LocalDiscord
from bot.demo.world import build_world

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PREFIX = "/opt/vibecheck"
ACCOUNT = 10001
LANGUAGES = """
from datetime import date
from bot.i18n import formats, languages
said = set()
for language in languages.LANGUAGES:
    with languages.speaking(language):
        day = date(2026, 5, 3)
        said.add((formats.weekday_and_date(day), formats.listed(["1", "2"]), formats.month(day)))
assert len(said) == len(languages.LANGUAGES), said
"""
"""What is run with the image's libraries: each language still writes its own dates."""

LIMIT = 450_000_000
"""Bytes; the workflow for forks holds the image itself to it."""

BASE = 125_000_000
"""Bytes of python:3.12-slim-bookworm, as its makers' registry says; none can be asked from here."""


def steps(stage: str) -> list[str]:
    """The RUN commands of a stage, each as one line of shell."""
    joined = stage.replace("\\\n", " ")
    return [" ".join(command.split()) for command in re.findall(r"^RUN (.+)$", joined, re.MULTILINE)]


def environment(stage: str) -> dict[str, str]:
    """What ENV sets in a stage."""
    lines = re.findall(r"^ENV (.+)$", stage.replace("\\\n", " "), re.MULTILINE)
    return dict(part.split("=", 1) for line in lines for part in shlex.split(line))


def copied() -> list[str]:
    """What is tracked of what .dockerignore lets in: `COPY . .`."""
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"]
    listed = subprocess.run(["git", "ls-files", *allowed], cwd=ROOT, check=True, capture_output=True, text=True)
    return listed.stdout.splitlines()


def built(tree: Path) -> Path:
    """Does what the stage `build` does; returns the folder that the image gets."""
    source, program = tree / "src", tree / PREFIX.strip("/")
    for name in copied():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    stage = DOCKERFILE.split("FROM ")[1]
    commands = [command for command in steps(stage) if "apt-get" not in command]
    for command in commands:
        here = command.replace(PREFIX, str(program)).replace("RUN ", "")
        here = here.replace("python -m venv", f"{shlex.quote(sys.executable)} -m venv --copies", 1)
        given = {**os.environ, **environment(stage), "PYTHONPATH": ""}
        subprocess.run(["bash", "-eo", "pipefail", "-c", here], cwd=source, env=given, check=True)
    return program


def size(paths: Iterable[Path]) -> int:
    """Bytes of all files, each once."""
    files = {file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()}
    return sum(file.stat().st_size for file in files if not file.is_symlink())


def weigh(program: Path, most: int = 20) -> int:
    """Prints what the tree consists of, largest first; returns its bytes."""
    (packages,) = program.glob("lib/python*/site-packages")
    parts = {path.name: size([path]) for path in packages.iterdir()}
    total = size([program])
    for name, count in sorted(parts.items(), key=lambda part: -part[1])[:most]:
        print(f"{name:<40}{count / 1e6:8.1f} MB")
    print(f"{'all of ' + PREFIX:<40}{total / 1e6:8.1f} MB")
    print(f"{'with the base':<40}{(total + BASE) / 1e6:8.1f} MB, limit {LIMIT / 1e6:.0f}")
    return total


def read_only(writable: Iterable[Path], command: str) -> list[str]:
    """A command line that runs `command` as the image's account, with nothing to write to but `writable`."""
    lines = [
        "mount --make-rprivate /",
        *(f"mount --bind {path} {path}" for path in map(shlex.quote, map(str, writable))),
        "mount -o remount,ro,bind /",
        f"exec setpriv --reuid {ACCOUNT} --regid {ACCOUNT} --clear-groups --no-new-privs --bounding-set=-all {command}",
    ]
    return ["unshare", "--mount", "sh", "-ec", "\n".join(lines)]


async def tried(program: Path, folder: Path) -> None:
    """Runs the bot as the image does. Raises SystemExit when something is not as it should be."""
    data, temporary = folder / "data", folder / "tmp"
    for path in (data, temporary):
        path.mkdir(0o700)
        os.chown(path, ACCOUNT, ACCOUNT)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    final = environment(DOCKERFILE.rsplit("FROM ", 1)[1])
    given: Mapping[str, str] = {
        **{name: value.replace("/tmp", str(temporary)) for name, value in final.items()},
        **{
            "PATH": f"{program}/bin:/usr/bin:/bin",
            "DATA_DIR": str(data),
            "TMPDIR": str(temporary),
            "HOME": "/nonexistent",
        },
        **{"METRICS_PORT": str(port), "DISCORD_TOKEN": TOKEN, "LOG_FORMAT": "json"},
    }
    nowhere = f"sh -c '! touch {program}/here 2>/dev/null && ! touch /var/tmp/here 2>/dev/null && id -u'"
    asked = subprocess.run(read_only([data, temporary], nowhere), env=given, check=True, capture_output=True, text=True)
    assert asked.stdout.strip() == str(ACCOUNT)
    languages = [f"{program}/bin/python", "-c", LANGUAGES]
    subprocess.run(languages, env=given, check=True, cwd=data)
    async with LocalDiscord() as local:
        build_world(local)
        run = f"{program}/bin/python -m bot.demo.bot_process {local.url} {data}"
        bot = await asyncio.create_subprocess_exec(
            *read_only([data, temporary], run), env=given, cwd=data, stdin=asyncio.subprocess.PIPE
        )
        try:
            await wait_until_ready(local, bot)
            health = f"{program}/bin/vibecheck health --ready"
            async with asyncio.timeout(120):
                while True:
                    asking = await asyncio.create_subprocess_exec(
                        *read_only([data, temporary], health), env=given, stdout=asyncio.subprocess.PIPE
                    )
                    said, _ = await asking.communicate()
                    if asking.returncode == 0:
                        break
            print(said.decode())
            bot.send_signal(getattr(signal, re.findall(r"^STOPSIGNAL (\w+)$", DOCKERFILE, re.MULTILINE)[0]))
            code = await bot.wait()
        finally:
            if bot.returncode is None:
                bot.kill()
    print(f"ended with {code}; in {data.name}: {', '.join(sorted(file.name for file in data.iterdir()))}")
    if code:
        raise SystemExit(f"The bot ended with {code}.")


def main() -> None:
    """Builds, weighs, tries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, help="where the tree is made and left; one that is there is tried again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vibecheck-image-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        tree = (arguments.tree or folder / "tree").absolute()
        program = tree / PREFIX.strip("/")
        if not program.is_dir():
            program = built(tree)
        total = weigh(program)
        asyncio.run(tried(program, folder))
    if total + BASE > LIMIT:
        raise SystemExit("It is too large.")


if __name__ == "__main__":
    main()
