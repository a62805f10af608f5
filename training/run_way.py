"""`vibecheck train all`: every step of the way that is not done yet, as the command that it is."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from model.installation import needs_extra
from training.errors import TrainingError
from training.mpnet import is_installed
from training.way import Progress, missing_sets, way


def run_way(
    commands: click.Group,
    data: Path | None,
    *,
    base: str,
    output: Path,
    max_rows: int = 0,
    again: bool = False,
    dry_run: bool = False,
) -> None:
    """Shows each step and runs it, unless it is done; `again` forgets what is. Raises TrainingError."""
    teacher = dry_run or is_installed()
    if data is not None and not teacher:
        click.echo(f"Phase 3 learns from labels alone: {needs_extra('its teacher', 'teacher')}")
    if data is not None and not dry_run and (missing := missing_sets(data, teacher=teacher)):
        raise TrainingError(f"These sets are missing: {', '.join(missing)}. Without --data the hub's two sets do.")
    file = Path("runs") / "way.json"
    if again and not dry_run:
        file.unlink(missing_ok=True)
    progress = Progress(file)
    for step in way(has_data=data is not None, teacher=teacher, base=base, output=str(output)):
        given = [*step.arguments, *(("--data", str(data)) if data is not None else ())]
        if max_rows:
            given += _few(step.arguments[0], max_rows)
        done = progress.is_done(step, given)
        click.secho(f"vibecheck train {shlex.join(given)}  # {step.purpose}{' (is there already)' if done else ''}")
        if not (done or dry_run):
            commands.main(given, standalone_mode=False)
            progress.done(step)


def _few(command: str, rows: int) -> list[str]:
    """What makes a step short."""
    if command in {"imdb", "slang"}:
        return ["--max-rows", str(rows)]
    if command in {"teach", "soft-labels", "evaluate"}:
        return ["--rows", str(rows)]
    return ["--gate-rows", "0"] if command == "export" else []
