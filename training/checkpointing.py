"""Checkpoints that are whole or not there: written beside and moved in, and only whole ones are gone on from."""

from __future__ import annotations

import errno
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.errors import Interrupted, SavingFailed, TrainingError

_log = logging.getLogger(__name__)

RECORD = "training.json"

_DEFAULT_SHARE, _DEFAULT_SEED = 0.1, 42
BESIDE = "-before"
_STATE = "trainer_state.json"
"""The last file that `transformers.Trainer` writes of a checkpoint."""


def last_state(folder: Path, record: dict[str, Any]) -> str | None:
    """The newest whole state of an interrupted run of the very same recipe, base and data, or None to start afresh.

    Any other run's states are kept beside, in a folder that ends in `BESIDE`, until the next time, and a warning says
    what was different; they are gone on from when that run comes again. A state that was being written when its run
    ended is removed.
    """
    mark = json.dumps(record, sort_keys=True)
    run, beside = folder / "run.json", folder.with_name(f"{folder.name}{BESIDE}")
    if _says(beside / "run.json", mark) and not _says(run, mark):
        aside = folder.with_name(f"{folder.name}-aside")
        shutil.rmtree(aside, ignore_errors=True)
        if folder.exists():
            folder.replace(aside)
        beside.replace(folder)
        if aside.exists():
            aside.replace(beside)
    if _says(run, mark):
        states = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]), reverse=True)
        for state in states:
            if _is_whole(state):
                return str(state)
            shutil.rmtree(state)
        return None
    _put_beside(folder, beside, json.loads(mark))
    folder.mkdir(parents=True)
    run.write_text(mark, "utf-8")
    return None


def _says(file: Path, mark: str) -> bool:
    return file.is_file() and file.read_text("utf-8") == mark


def _put_beside(folder: Path, beside: Path, record: dict[str, Any]) -> None:
    """Nobody's hours of training go because a row or a number was changed meanwhile."""
    if not any(folder.glob("checkpoint-*")):
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        before = read_json(folder / "run.json")
    except (OSError, TrainingError):
        before = {}
    other = [name for name in sorted(record.keys() | before.keys()) if record.get(name) != before.get(name)]
    shutil.rmtree(beside, ignore_errors=True)
    folder.replace(beside)
    _log.warning(
        "%s holds states of a run with another %s; they are kept in %s until the next such time, and training starts "
        "afresh",
        folder,
        ", ".join(other) or "record",
        beside,
    )


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
            f"Stopped. The last saved state is kept in {output}; the same command continues from there."
        ) from None
    except Exception as error:
        if not _is_about_writing(error):
            raise
        raise SavingFailed(
            f"{output} couldn't be written ({error}). Make room; the same command continues from the last whole state."
        ) from error


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object. Raises TrainingError when the file holds none."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{file} couldn't be read as JSON ({error}).") from None
    if not isinstance(found, dict):
        raise TrainingError(f"{file} doesn't hold a JSON object.")
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


def held_out_by(checkpoint: Path) -> tuple[float, int]:
    """The share and the seed by which `split_validation` holds out what no phase of a checkpoint has trained on.

    A larger share holds out all that a smaller one does, as long as the seed is the same. Raises TrainingError when its
    phases have different seeds. A checkpoint without a record was trained elsewhere.
    """
    recipes = [record["recipe"] for record in history(read_record(checkpoint))]
    if len({recipe["seed"] for recipe in recipes}) > 1:
        raise TrainingError(
            f"The phases of {checkpoint} have different seeds; no review is sure to be held out by all."
        )
    share = min((recipe["validation_share"] for recipe in recipes), default=_DEFAULT_SHARE)
    return share, recipes[0]["seed"] if recipes else _DEFAULT_SEED


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
