"""Checkpoints that are whole or not there: written beside and moved in, and only whole ones are gone on from."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.errors import Interrupted, SavingFailed, TrainingError

RECORD = "training.json"
_STATE = "trainer_state.json"
"""The last file that `transformers.Trainer` writes of a checkpoint."""


def last_state(folder: Path, record: dict[str, Any]) -> str | None:
    """The newest whole state of an interrupted run of the very same recipe, base and data, or None to start afresh.

    Any other run's states are removed, and so is one that was being written when its run ended.
    """
    mark = json.dumps(record, sort_keys=True)
    run = folder / "run.json"
    if run.is_file() and run.read_text("utf-8") == mark:
        states = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]), reverse=True)
        for state in states:
            if _is_whole(state):
                return str(state)
            shutil.rmtree(state)
        return None
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run.write_text(mark, "utf-8")
    return None


@contextmanager
def whole_folder(output: Path) -> Iterator[Path]:
    """A folder to write into; what it holds is moved to `output` at the end, or not at all when writing fails."""
    output.mkdir(parents=True, exist_ok=True)
    beside = output / "unfinished"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        yield beside
        for path in sorted(beside.iterdir(), key=lambda path: path.name == RECORD):
            path.replace(output / path.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def explained(output: Path) -> Iterator[None]:
    """Turns Ctrl-C and a disk that takes no more into one sentence that says what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped. The last saved state is kept in {output}; the same command goes on from there."
        ) from None
    except Exception as error:
        if not _is_about_writing(error):
            raise
        raise SavingFailed(
            f"{output} could not be written ({error}). Make room; the same command goes on from the last whole state."
        ) from error


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object. Raises TrainingError when the file holds none."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{file} could not be read as JSON ({error}).") from None
    if not isinstance(found, dict):
        raise TrainingError(f"{file} does not hold a JSON object.")
    return found


def read_record(folder: Path) -> dict[str, Any]:
    """What training wrote of a checkpoint; empty when it was trained elsewhere."""
    return read_json(folder / RECORD) if (folder / RECORD).is_file() else {}


def history(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of all steps, first to last; one that was blended in has its "share" and the blend's "odds"."""
    if "second" in record:
        steps = list(history(record["first"]))
        *earlier, last = history(record["second"])
        yield from steps
        yield from (step for step in earlier if step not in steps)
        yield {**last, "share": record["share"], "odds": record.get("odds", [1.0, 1.0, 1.0])}
        return
    if record.get("base_training"):
        yield from history(record["base_training"])
    if record.get("recipe"):
        yield record


def _is_whole(state: Path) -> bool:
    try:
        read_json(state / _STATE)
    except TrainingError:
        return False
    return True


def _is_about_writing(error: Exception) -> bool:
    """PyTorch and safetensors have errors of their own for a full disk, which name the system's in their text."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO)
    kind = type(error).__name__
    return kind == "SafetensorError" or (isinstance(error, RuntimeError) and "inline_container" in str(error))
