"""What holds for every test: its marks, the worker it runs on, and an environment of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# The networks of the tests are so small that two threads of one wait for each other longer than they compute, and
# torch's threads wait by turning in circles, on the cores that the other workers need.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# A busy machine is slow, not wrong: how long a case may take is the limit of the whole test.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

TESTS = Path(__file__).parent

PLACES = {
    "gpu": "torch",
    "training": "torch",
    "model/backends/test_backends.py": "torch",
    "pages": "browser",
    "training/test_space.py": "browser",
    "discord": "process",
    "soak": "process",
    "model/test_main.py": "process",
    "bot/commands/test_model_feedback.py": "process",
    "model/scheduling/test_faults.py": "slow",
    "bot/app/test_runtime.py": "process",
    "bot/app/test_score_server.py": "process",
    "bot/app/test_ray_app.py": "ray",
    "bot/storage/test_killed.py": "process",
}
"""The marks of whole folders and files."""

FIXTURES = {"small_model": "torch", "postgres": "postgres"}
"""The marks of the tests that ask for a fixture, directly or through another."""

TOGETHER = {
    "pages": "browser",
    "training/test_space.py": "browser",
    "soak": "soak",
    "discord/test_process.py": "process",
    "discord/test_passing_faults.py": "discord faults",
    "discord/test_blindness.py": "discord faults",
    "discord/test_missed_events.py": "discord faults",
    "discord/test_watching.py": "discord faults",
    "discord": "discord",
    "training/test_notebook.py": "notebook",
    "training/test_smoke.py": "smoke",
    "model/test_reload.py": "small model",
    "model/backends/test_backends.py": "small model",
    "model/checkpoints/test_checkpoint.py": "small model",
    "model/test_fallback.py": "small model",
    "bot/storage/test_write_buffer.py": "storage histories",
    "bot/storage/test_any_order.py": "storage histories",
    "bot/storage/test_adversary.py": "storage histories",
    "bot/storage/test_random_histories.py": "storage histories",
    "bot/storage/test_killed_midway.py": "storage histories",
    "bot/storage": "storage",
}
"""The files that one worker runs, because they share what is costly to make. Any other file is a group by itself.

The groups begin in this order, the longest first, so that no worker is left alone with one at the end."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file of which every test is left out is not imported either: torch alone takes seconds."""
    if not collection_path.is_relative_to(TESTS):
        return None
    marks = _entries(PLACES, collection_path)
    return True if any(f"not {mark}" in config.option.markexpr for mark in marks) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests, and puts those first that take long."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        marks = {*_entries(PLACES, item.path), *(mark for name, mark in FIXTURES.items() if name in names)}
        if _on_postgres(item):
            marks.add("postgres")
        for mark in marks:
            item.add_marker(mark)
    order = list(dict.fromkeys(TOGETHER.values()))
    items.sort(key=lambda item: order.index(_group(item.path)) if _group(item.path) in order else len(order))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several workers, a group goes to one of them whole, and the groups go in their order.

    The plugin's own `xdist_group` does nothing with pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return _group(config.rootpath / nodeid.partition("::")[0])

    config.option.loadscopereorder = False
    return ByGroup(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Where tests with torch are left out, a test that imports it all the same lacks its mark."""
    yield
    if "not torch" in item.config.option.markexpr and "torch" in sys.modules:
        pytest.exit(f"{item.nodeid} imports torch, or one before it: it needs the mark `torch`", 1)


@pytest.fixture(scope="session", autouse=True)
def own_environment() -> Iterator[None]:
    """No setting of this machine reaches a test, nor a process that a test starts."""
    from bot.settings import Settings

    with pytest.MonkeyPatch.context() as patch:
        for field in Settings.model_fields:
            patch.delenv(field.upper(), raising=False)
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # or each process compiles the whole program anew
        patch.setenv("BACKEND", "onnxruntime")  # or each bot that is started tries what is installed, for seconds
        yield


@pytest.fixture
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The test's own folder as the working directory: no file of a test reaches this machine."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _entries(table: dict[str, str], path: Path) -> list[str]:
    """What the table says of a file and of the folders it lies in, the nearest first."""
    inside = path.relative_to(TESTS)
    return [table[place.as_posix()] for place in (inside, *inside.parents) if place.as_posix() in table]


def _group(path: Path) -> str:
    return next(iter(_entries(TOGETHER, path)), path.relative_to(TESTS).as_posix())


def _on_postgres(item: pytest.Item) -> bool:
    """Whether it is the variant for PostgreSQL of a test that runs on every kind of database."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and callspec.params.get("database_url") == "postgresql"
