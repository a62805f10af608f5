"""What is process-wide is changed once, at the start, and by nobody else."""

import asyncio
import gc
import signal
import subprocess
import sys
import weakref
from zoneinfo import ZoneInfo

import pytest

from bot.analytics.buckets import edges, size_for, timeline
from bot.app import page, process_tuning, runtime
from bot.charts.drawing import Line, draw, import_library
from bot.domain.records import Mood
from tests.bot.analytics.test_buckets import hour_of


@pytest.fixture
def frozen():
    """How many objects were frozen when the test began; whatever it freezes is let go of afterwards."""
    before = gc.get_freeze_count()
    yield before
    if gc.get_freeze_count() != before:
        gc.unfreeze()


def test_a_chart_freezes_nothing_that_people_said(frozen):
    """What is frozen is never freed, and the first chart comes in the middle of the run."""
    first = hour_of("2026-03-01T00:00")
    bounds = edges(first, first + 24, size_for(24), ZoneInfo("UTC"))
    import_library()
    draw([Line("#general", timeline(Mood((), (), ()), size_for(24), bounds))], ZoneInfo("UTC"))
    assert gc.get_freeze_count() == frozen
    assert gc.isenabled()


def test_what_is_loaded_is_frozen_without_the_garbage_among_it(frozen):
    class Cycle:
        def __init__(self):
            self.me = self

    watched = weakref.ref(Cycle())
    process_tuning.freeze_what_is_loaded()
    assert watched() is None
    assert gc.get_freeze_count() > frozen


async def test_sigterm_and_sigint_tell_the_process_to_end():
    for number in (signal.SIGTERM, signal.SIGINT):
        stop = process_tuning.stop_on_signals()
        signal.raise_signal(number)
        await stop.wait()


async def test_a_hangup_is_for_reloading_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert not process_tuning.hangup_is_for_reloading()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert process_tuning.hangup_is_for_reloading()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such switch")
def test_no_dump_and_no_other_process_shows_what_is_in_memory():
    """In a process of its own, for it cannot be taken back."""
    probe = (
        "import ctypes, resource\n"
        "from bot.app.process_tuning import keep_memory_private\n"
        "dumpable = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)\n"
        "before = dumpable()\n"
        "keep_memory_private()\n"
        "print(before, dumpable(), *resource.getrlimit(resource.RLIMIT_CORE))"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1", "0", "0", "0"]


@pytest.mark.parametrize("start", [runtime.run_bot, page.serve])
def test_the_bot_and_the_page_keep_their_memory_to_themselves(start):
    assert "keep_memory_private" in start.__code__.co_names


@pytest.fixture
def handlers_come_back():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def test_where_the_loop_knows_no_signals_they_tell_the_process_to_end_and_raise_nothing(
    monkeypatch, handlers_come_back
):
    """As on Windows, where SIGHUP is missing and Ctrl-Break is there."""

    def refuse(*_args):
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    monkeypatch.delattr(signal, "SIGHUP")
    monkeypatch.setattr(process_tuning, "_ENDING", (signal.SIGINT, signal.SIGTERM))
    assert not process_tuning.hangup_is_for_reloading()
    process_tuning.on_hangup(lambda: None)
    for number in (signal.SIGINT, signal.SIGTERM):
        stop = process_tuning.stop_on_signals()
        signal.raise_signal(number)
        async with asyncio.timeout(20):
            await stop.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(("soft", "hard", "got", "said"), [(32, 32, 32, True), (32, 300, 300, False)])
def test_as_many_files_may_be_open_as_the_system_lets_it_and_too_few_are_named(soft, hard, got, said):
    """In a process of its own, for it cannot be taken back."""
    probe = (
        "import logging, resource\n"
        "from bot.app.process_tuning import open_many_files\n"
        "logging.basicConfig()\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
        "open_many_files()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert int(ran.stdout) == got
    assert ("may have only 32 files and connections open" in ran.stderr) == said
    assert ("`ulimit -n` to 256 or more" in ran.stderr) == said
