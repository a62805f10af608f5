"""What `COPY . .` takes into an image beside somebody's secrets: asked of Docker's library, and of Docker if there.

No daemon is needed: what the command sends goes to a stand-in that keeps it.
"""

import io
import os
import shutil
import subprocess
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from docker.utils.build import exclude_paths

from tests.package.stray import PACKAGES, ROOT, littered_copy, strays_in


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return littered_copy(tmp_path_factory.mktemp("checkout"))


class Daemon(BaseHTTPRequestHandler):
    """As much of Docker's API as a build needs until its files are sent."""

    protocol_version = "HTTP/1.1"
    server: "Listening"

    def do_GET(self):
        self.reply(b"OK")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self):
        sent = io.BytesIO()
        while size := int(self.rfile.readline(), 16):
            sent.write(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        sent.seek(0)
        with tarfile.open(fileobj=sent) as archive:
            self.server.taken = frozenset(member.name for member in archive if member.isfile())
        self.reply(b'{"stream": "taken"}')

    def reply(self, body):
        self.send_response(200)
        self.send_header("Api-Version", "1.43")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Listening(ThreadingHTTPServer):
    taken: frozenset[str] = frozenset()


def by_the_library(folder):
    patterns = (folder / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in patterns if line and not line.startswith("#")]
    return {name for name in exclude_paths(str(folder), rules) if (folder / name).is_file()}


def by_docker(folder):
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . .\n", "utf-8")
    daemon = Listening(("127.0.0.1", 0), Daemon)
    threading.Thread(target=daemon.serve_forever, daemon=True).start()
    where = {"DOCKER_HOST": f"tcp://127.0.0.1:{daemon.server_port}", "DOCKER_BUILDKIT": "0", "HOME": str(folder)}
    try:
        command = ["docker", "build", str(folder)]
        ran = subprocess.run(command, env={**os.environ, **where}, capture_output=True, text=True, check=False)
    finally:
        daemon.shutdown()
        daemon.server_close()
        (folder / "Dockerfile").unlink()
    if not daemon.taken:
        pytest.skip(f"this docker sends nothing to a stand-in: {ran.stderr[-200:]}")
    return set(daemon.taken)


@pytest.mark.parametrize("taken_by", [by_the_library, pytest.param(by_docker, marks=pytest.mark.process)])
def test_no_secret_and_nothing_of_the_operators_gets_into_the_image(checkout, taken_by):
    taken = {name for name in taken_by(checkout) if name not in ("Dockerfile", ".dockerignore")}
    assert [name for name in strays_in(checkout) if name in taken] == []
    program = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert program <= taken
    assert {"pyproject.toml", "README.md", "LICENSE", "constraints.txt", "locks/core.txt", ".env.example"} <= taken


def test_without_the_file_they_would(checkout, tmp_path):
    """The strays are such that Docker would take them."""
    copy = shutil.copytree(checkout, tmp_path / "copy")
    (copy / ".dockerignore").write_text("", "utf-8")
    assert set(strays_in(copy)) <= by_the_library(copy)
