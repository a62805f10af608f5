"""A PostgreSQL of the tests' own, in a folder of its own, which ends with them."""

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

ACCOUNTS = ("postgres", "nobody")

MEMORY, ROOM = Path("/dev/shm"), 6 * 2**30
"""A folder in memory, and how many bytes must be free there: each database has 300 files, and a disk is slow."""


def find_binaries():
    """The folder of the newest installed version, or None."""
    found = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def _as_another():
    """What to put before a command: the server refuses to run as root."""
    if os.geteuid() != 0:
        return [], None
    import pwd

    for account in ACCOUNTS:
        try:
            person = pwd.getpwnam(account)
        except KeyError:
            continue
        return ["setpriv", f"--reuid={person.pw_uid}", f"--regid={person.pw_gid}", "--clear-groups"], person
    raise RuntimeError("there is no account to run PostgreSQL under")


def _in_memory():
    """Where there is room for all the databases of a run; None: in the usual place."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None


@contextmanager
def running_postgres(binaries):
    """Starts a server on a free port of this machine; yields the address of its `postgres` database."""
    before, person = _as_another()
    folder = Path(tempfile.mkdtemp(prefix="vibecheck-postgres-", dir=_in_memory()))
    try:
        if person is not None:
            os.chown(folder, person.pw_uid, person.pw_gid)
        data = folder / "data"
        _run([*before, binaries / "initdb", "-D", data, "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8"])
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off -c full_page_writes=off"
        _run([*before, binaries / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "-t", "30", "start"])
        try:
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
        finally:
            _run([*before, binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, cwd="/")
