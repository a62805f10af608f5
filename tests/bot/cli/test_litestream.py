"""Litestream as docs/operations.md has it: each change is elsewhere, and what comes back undoes nobody's deletion."""

import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.storage.open_storage import open_storage
from bot.storage.schema import MessageScoreRow
from tests.bot.cli.test_backup import in_thread, settings, write  # noqa: F401 - a fixture
from tests.bot.storage.scenes import rows_of

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text("utf-8")
PATIENCE = 60
ALICE, BOB = 42, 43


def program():
    """Beside this Python, as `make .venv/deploy` installs it, or on the path."""
    beside = Path(sys.executable).with_name("litestream")
    return str(beside) if beside.is_file() else shutil.which("litestream")


pytestmark = pytest.mark.skipif(program() is None, reason="Litestream is not installed (`make .venv/deploy`)")


@contextmanager
def replicating(config):
    """Litestream, for as long as the block lasts; at its end it copies what is left."""
    process = subprocess.Popen([program(), "replicate", "-config", str(config)], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


async def test_what_it_has_copied_comes_back_and_undoes_nothing(settings, tmp_path):  # noqa: F811
    (written,) = re.findall(r"^```\n(snapshot:.+?)^```", PAGE, re.MULTILINE | re.DOTALL)
    database, copies, config = Path("data/mood.db").absolute(), tmp_path / "copies", tmp_path / "litestream.yml"
    to_a_file = re.sub(r"replica: \{.+\}", f"replica: {{type: file, path: {copies}}}", written)
    config.write_text(to_a_file.replace("/var/lib/vibecheck/mood.db", str(database)))
    (days,) = re.findall(r"retention: (\d+)h", written)
    assert int(days) == 24 * settings.retention_days
    async with open_storage(settings) as storage:
        with replicating(config):
            until = time.monotonic() + PATIENCE
            while not list(copies.rglob("*.ltx")):
                assert time.monotonic() < until, "nothing was copied"
                time.sleep(0.1)
            write(storage, ALICE, 1), (kept := write(storage, BOB, 2))
            await storage.write_buffer.flush()
        await storage.opt_outs.add(ALICE)
        await storage.write_buffer.forget(storage.pseudonyms.authors(ALICE), 2**62)
    database.unlink()
    (command,) = re.findall(r"`litestream (restore -o \S+ )\S+`", PAGE)
    words = command.replace("/tmp", str(tmp_path)).split()
    subprocess.run([program(), words[0], "-config", str(config), *words[1:], str(database)], check=True)
    assert not database.exists(), "it writes elsewhere"
    assert "opt-outs: 1" in await in_thread("restore", words[-1])
    async with open_storage(settings) as storage:
        assert [row["message_id"] for row in await rows_of(storage.database, MessageScoreRow)] == [kept]
        assert storage.opt_outs.includes(ALICE)
