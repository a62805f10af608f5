"""A model's files, read once: ordinary ones of a bounded size, and what is JSON among them."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Set
from pathlib import Path
from typing import Any

from model.errors import CheckpointError, UnsafeCheckpoint

MOST_FILES = 32
"""What an artefact lists; ours have four."""

MOST_BYTES = 1 << 30
"""Of all files together: a multilingual DistilBERT in floats has half of it."""

_LARGEST = {".onnx": MOST_BYTES, ".safetensors": MOST_BYTES}
_LARGEST_NAMED = {"tokenizer.json": 32 << 20}
_LARGEST_OTHER = 1 << 20
"""Bytes of a file. What is parsed here becomes thirty times as large in memory, and ours have 15 KB."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_UNREAD = {"README.md", "LICENSE", "model-card"}
"""What may stand beside an artefact, as on a hub, with hidden files. It is not read."""


def is_there(path: Path) -> bool:
    """Whether there is an ordinary file. Raises CheckpointError for a folder, a pipe or a broken link in its place.

    Otherwise what has a manifest that cannot be read would be taken for a folder that has none.
    """
    try:
        status = path.stat()
    except OSError as error:
        if path.is_symlink():  # which may lead to itself
            raise CheckpointError(f"{path} leads nowhere.") from None
        if isinstance(error, FileNotFoundError):
            return False
        raise
    if not stat.S_ISREG(status.st_mode):
        raise CheckpointError(f"{path} isn't an ordinary file.")
    return True


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """A whole file of at most `most` bytes. Raises CheckpointError for one that no model has: too large, or a pipe.

    It is opened so that a pipe that took a file's place meanwhile is not waited for.
    """
    most = min(most, _LARGEST_NAMED.get(path.name, _LARGEST.get(path.suffix, _LARGEST_OTHER)))
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise CheckpointError(f"{path} isn't an ordinary file.")
        data = file.read(most + 1) if status.st_size <= most else b""
    if status.st_size > most or len(data) > most:
        raise CheckpointError(f"{path} is larger than the {most / (1 << 20):,.0f} MB that such a file may have.")
    return data


def parse_json(data: bytes) -> Any:
    """What a file holds. Raises ValueError or RecursionError: broken, too deep, too long a number, a key given twice.

    Of two values for one key every reader would take another one.
    """
    return json.loads(data.decode("utf-8"), object_pairs_hook=_once)


def json_object(path: Path, data: bytes) -> dict[str, Any]:
    """A file that holds a JSON object, or CheckpointError."""
    try:
        content = parse_json(data)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"I can't read {path} as JSON: {str(error)[:200]}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} doesn't hold a JSON object.")
    return content


def check_nothing_else(folder: Path, listed: Set[str]) -> None:
    """Raises UnsafeCheckpoint where there is more than what is listed: weights beside a graph, say, or code."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name not in listed and entry.name not in _UNREAD and not entry.name.startswith("."):
                raise UnsafeCheckpoint(
                    f"{folder} holds {entry.name}, which its manifest doesn't list. Remove what doesn't belong to "
                    "the artefact, or export the model again."
                )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found
