"""The connection to SQLite's file, in the driver's thread."""

from __future__ import annotations

import sqlite3
from typing import Any
from weakref import WeakSet


class PromptConnection(sqlite3.Connection):
    """Lets go of the file's locks when it is closed: SQLite keeps them until every statement has ended.

    A statement of which rows are left ends with its cursor, and that of a cancelled task lives on in the task's
    traceback until garbage is collected. Until then nobody else could write.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """As the driver's own; `execute` makes its cursors by it as well."""
        cursor = super().cursor(*args, **kwargs)
        self._cursors.add(cursor)
        return cursor

    def rollback(self) -> None:
        """Ends what is being read, too: it would go on seeing what was there before."""
        self._end_statements()
        super().rollback()

    def close(self) -> None:
        """Ends every statement, and with the last one the transaction."""
        self._end_statements()
        super().close()

    def _end_statements(self) -> None:
        for cursor in tuple(self._cursors):
            cursor.close()
