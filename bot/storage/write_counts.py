"""What has become of the messages that the write buffer was told of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """What has become of the messages since the start.

    `written`: written, deletions and repetitions included. `refused`: deleted, forgotten, opted out, or of a channel or
    server that is gone or another process's by the time their score came. `late`: older than the retention time.
    `edits`: edited after their hour was over, and never counted in it. `dropped`: there was no room.
    `dropped_deletions`: there was no room for these either; their rows stay until somebody looks which messages are
    still there (`GapRepository.held_messages`), or until they are purged. `failures`: writes that failed, of which
    nothing is lost.
    """

    written: int = 0
    refused: int = 0
    late: int = 0
    edits: int = 0
    dropped: int = 0
    dropped_deletions: int = 0
    failures: int = 0
