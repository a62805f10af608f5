"""Where a command writes: a place that cannot be written to is refused before the work, not after it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


class NewFolder(click.Path):
    """A folder that is there or can be made."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The folder's path; fails for a file, for a place within one, and where nothing may be written."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if reason := _cannot_be_made(path):
            self.fail(reason, param, ctx)
        return path


class NewFile(click.Path):
    """A file that may be written, with one of `endings`, such as ".md", if any are given."""

    def __init__(self, *endings: str) -> None:
        super().__init__(dir_okay=False, path_type=Path)
        self._endings = endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The file's path; fails for a folder, another ending, and where nothing may be written."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if self._endings and path.suffix not in self._endings:
            self.fail(f"'{path}' should end in {' or '.join(self._endings)}.", param, ctx)
        if reason := _cannot_be_made(path.parent):
            self.fail(reason, param, ctx)
        return path


def _cannot_be_made(folder: Path) -> str:
    """Why there cannot be such a folder to write into, or ""."""
    nearest = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), Path())
    if not nearest.is_dir():
        return f"'{nearest}' isn't a folder, so I can't write into '{folder}'."
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"I'm not allowed to write into '{nearest}'."
    return ""
