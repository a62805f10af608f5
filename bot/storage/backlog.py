"""What is said in the log, and to admins, while the database does not take what is to be written."""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)


class Backlog:
    """From the first write that fails to the next that passes. Each cause is said once, and every loss is counted."""

    def __init__(self) -> None:
        self.trouble = ""
        """Why the last write failed, in a sentence; empty: it passed."""
        self._dropped = 0

    def failed(self, error: Exception, waiting: int) -> None:
        """So many messages wait in memory."""
        if str(error) != self.trouble:
            _log.error("%s %d messages wait in memory.", error, waiting)
        self.trouble = str(error)

    def passed(self) -> None:
        """What waited is written."""
        if self.trouble:
            _log.info("the database works again")
        self.trouble = ""
        self.count_losses()

    def dropped(self, waiting: int) -> None:
        """There was no room for a message beside so many that wait."""
        if not self._dropped:
            _log.error("%d messages wait for the database and no more can: from now on they are dropped", waiting)
        self._dropped += 1

    def count_losses(self) -> None:
        """Says how many were dropped since this was last called, if any."""
        if self._dropped:
            _log.error("%d messages were dropped, for too many waited for the database", self._dropped)
        self._dropped = 0
