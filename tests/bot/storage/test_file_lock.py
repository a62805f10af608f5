"""A lock that ends with its file or its process."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.storage.file_lock import lock_file

ROOT = Path(__file__).parents[3]

HOLD = """
import sys
from pathlib import Path
from bot.storage.file_lock import lock_file
try:
    lock_file(Path(sys.argv[1]))
except BlockingIOError:
    print("refused", flush=True)
else:
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "some.lock"


def another_process(file):
    """A process that holds the lock until its input ends, or was refused; and which of the two."""
    command = [sys.executable, "-c", HOLD, str(file)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def test_the_file_is_this_accounts_only_and_empty(file):
    os.close(lock_file(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() == b""


def test_whoever_comes_second_is_refused_at_once_until_the_file_is_closed(file):
    held = lock_file(file)
    with pytest.raises(BlockingIOError):
        lock_file(file)
    process, said = another_process(file)
    process.communicate()
    assert said == "refused"
    os.close(held)
    os.close(lock_file(file))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_of_a_process_that_was_ended_is_free(file, end):
    process, said = another_process(file)
    assert said == "held"
    with pytest.raises(BlockingIOError):
        lock_file(file)
    process.send_signal(end)
    process.communicate()
    assert process.returncode == -end
    os.close(lock_file(file))


def test_a_refusal_leaves_no_file_open(file):
    held = lock_file(file)
    following = os.dup(held)
    os.close(following)
    for _ in range(3):
        with pytest.raises(BlockingIOError):
            lock_file(file)
    again = os.dup(held)
    assert again == following
    os.close(again)
    os.close(held)


def test_where_no_file_can_be_made_there_is_no_lock(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        lock_file(tmp_path / "file" / "some.lock")


def test_where_the_system_has_no_locks_none_is_pretended(file):
    """As it was on Windows."""
    code = f"import sys; sys.modules['fcntl'] = None\n{HOLD}"
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    assert "OSError" in done.stderr
