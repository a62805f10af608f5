"""The plan of the house holds: imports go down only, and what is process-wide has one owner."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "model", "training")

PROCESS_WIDE = {
    "add_signal_handler",
    "basicConfig",
    "freeze",
    "unfreeze",
    "set_num_threads",
    "set_num_interop_threads",
    "setswitchinterval",
    "setrecursionlimit",
    "mallopt",
    "malloc_trim",
}
"""Calls, by their last name, that decide something for the whole process."""

OWNERS = ("bot/app/",)


def lint_imports(folder):
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def copied(folder):
    """The packages without their data."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            folder / package,
            ignore=lambda _, names: [name for name in names if Path(name).suffix not in {"", ".py"}],
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("bot/web/about.py", "import bot.commands.about", "The floors of the bot"),
        ("bot/storage/retention.py", "import bot.charts.ticks", "The floors of the bot"),
        ("model/verdict.py", "import bot.settings", "Three packages, one direction"),
        ("model/verdict.py", "import training.errors", "Three packages, one direction"),
        ("model/text/letters.py", "import model.text.cleaning", "No circles"),
        ("bot/presentation/palette.py", "import discord", "know no Discord"),
        ("bot/analytics/baseline.py", "import sqlalchemy", "know no database"),
        (
            "bot/ui/verdict_card.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bot.client import Vibecheck",
            "names the client",
        ),
    ],
)
def test_a_forbidden_import_is_caught(tmp_path, file, line, contract):
    folder = copied(tmp_path)
    spoiled = folder / file
    spoiled.write_text(spoiled.read_text("utf-8") + f"\n{line}\n", "utf-8")
    found = lint_imports(folder)
    assert found.returncode == 1, found.stdout + found.stderr
    broken = [row for row in found.stdout.splitlines() if "BROKEN" in row]
    assert any(contract in row for row in broken), found.stdout


def test_the_house_as_it_stands_keeps_every_contract_without_an_exception_between_rooms():
    found = lint_imports(ROOT)
    assert found.returncode == 0, found.stdout


def calls(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node.lineno


def test_nothing_but_the_app_changes_what_is_process_wide():
    found = [
        f"{file.relative_to(ROOT)}:{line} {name}"
        for package in PACKAGES
        for file in sorted((ROOT / package).rglob("*.py"))
        for name, line in calls(file)
        if name in PROCESS_WIDE and not file.relative_to(ROOT).as_posix().startswith(OWNERS)
    ]
    assert found == []


def yields_in_a_timeout(file):
    """Lines of `yield` inside `async with asyncio.timeout(...)`: the task that goes on may be another by then."""
    for block in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(block, ast.AsyncWith):
            continue
        limits = {
            node.func.attr
            for item in block.items
            for node in [item.context_expr]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        if limits & {"timeout", "timeout_at"}:
            yield from (node.lineno for node in ast.walk(block) if isinstance(node, ast.Yield | ast.YieldFrom))


def test_no_generator_yields_inside_a_timeout():
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for line in yields_in_a_timeout(file)
    ]
    assert found == []


def test_the_root_of_the_bot_is_a_plan_and_no_store_room():
    loose = [file.name for file in (ROOT / "bot").glob("*.py") if not file.name.startswith("__")]
    assert len(loose) <= 12


def test_no_file_of_the_product_is_longer_than_can_be_read_at_once():
    long = {
        str(file.relative_to(ROOT)): lines
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if (lines := len(file.read_text("utf-8").splitlines())) > 400
    }
    assert long == {}
