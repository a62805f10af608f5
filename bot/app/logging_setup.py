"""What is logged and where: kinds of errors and what was done, never a word of anybody."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from traceback import extract_tb

import discord

from bot.domain.shards import shard_of
from bot.error_handler import TOO_LATE

_log = logging.getLogger(__name__)

_EXACT = 2**53
"""From here on, as ids are, many who read JSON round."""

_ID = re.compile(r"[0-9]{15,20}")
"""An id of Discord's, of whatever."""

_FILLED_IN = re.compile(r"%(?:\.\d+)?[sdf]")
_PLACE = re.compile(r"\b(server|channel|[Ss]hard)(?: ID)? $")
_COUNTED = re.compile(r" (?:\w+ )?(\w{3,}s)\b")
"""What is before a value that says where, and what is behind a number that says how many of what."""


class JsonLines(logging.Formatter):
    """Each record as one JSON object a line, for whoever collects logs.

    `event` is the sentence without what was filled in, which is the same every time, and `values` are what was filled
    in. Of these `server`, `channel` and `shard` are told by name as well, and numbers of things in `counts`, such as
    {"messages": 3}. A server's shard is told once it is known how many there are (`shards`). A traceback is told by the
    kind of the error and where it arose: its message may hold somebody's words.
    """

    def __init__(self, cluster: str = "") -> None:
        super().__init__()
        self.shards: int | None = None
        self._cluster = {"cluster": cluster} if cluster else {}

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": str(record.msg),
            "message": record.getMessage(),
            **self._cluster,
        }
        if record.args:
            given = record.args if isinstance(record.args, tuple) else (record.args,)
            told["values"] = [_exact(one) for one in given]
            told.update(self._named(str(record.msg), given))
        if isinstance(record.exc_info, tuple) and record.exc_info[0] is not None:
            told["error"] = record.exc_info[0].__name__
            told["at"] = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(record.exc_info[2])]
        return json.dumps(told)

    def _named(self, event: str, given: tuple[object, ...]) -> dict[str, object]:
        """Which of the values say where, and how many of what."""
        told: dict[str, object] = {}
        counts: dict[str, int] = {}
        for place, value in zip(_FILLED_IN.finditer(event), given, strict=False):
            if not isinstance(value, int):
                continue
            if where := _PLACE.search(event, 0, place.start()):
                told[where[1].lower()] = _exact(value)
                if where[1] == "server" and self.shards:
                    told["shard"] = shard_of(value, self.shards)
            elif counted := _COUNTED.match(event, place.end()):
                counts[counted[1]] = value
        return {**told, "counts": counts} if counts else told


def _exact(value: object) -> int | str:
    return value if isinstance(value, int) and abs(value) < _EXACT else str(value)


def set_up_logging(level: str, form: str = "text", cluster: str = "") -> None:
    """Everything from `level` on goes to the standard error, as lines of text or as JSON, which names the `cluster`.

    Loggers of libraries that would tell too much are held.
    """
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if form == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines(cluster))
    logging.getLogger("alembic").setLevel(logging.WARNING)  # a dozen lines of its own at each start
    if level == "DEBUG":
        # At DEBUG the library logs every event and request in full, and people's words with them.
        logging.getLogger("discord").setLevel(logging.INFO)
        # And that of the database each statement, with the ids and hashes in it.
        logging.getLogger("aiosqlite").setLevel(logging.INFO)
    for name in ("discord.shard", "discord.client", "discord.state", "discord.app_commands.tree", "discord.ui.view"):
        logging.getLogger(name).addFilter(_without_traceback)
    for name in ("discord.http", "discord.webhook.async_"):
        logging.getLogger(name).addFilter(_without_ids)


def is_json() -> bool:
    """Whether lines are objects."""
    return any(True for _ in _json_lines())


def tell_shards(count: int) -> None:
    """From now on lines about a server say which shard of so many it has."""
    for lines in _json_lines():
        lines.shards = count


def _json_lines() -> Iterator[JsonLines]:
    found = (handler.formatter for handler in logging.getLogger().handlers)
    return (formatter for formatter in found if isinstance(formatter, JsonLines))


def say(sentence: str, code: int) -> int:
    """Says in one sentence what ended the process; returns the exit code."""
    if is_json():
        _log.error("%s", sentence)
    else:
        print(sentence, file=sys.stderr)  # noqa: T201
    return code


def quieten_discord() -> None:
    """The library warns of voice packages and of the guild cache; this bot wants neither."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    logging.getLogger("discord.state").setLevel(logging.ERROR)


def _without_ids(record: logging.LogRecord) -> bool:
    """Keeps the record without ids: the address of a request that Discord limits is logged, and may hold a person's."""
    record.msg, record.args = _ID.sub("…", record.getMessage()), None
    return True


def _without_traceback(record: logging.LogRecord) -> bool:
    """Keeps the sentence and the kind of error; whether the record is kept.

    "Attempting a reconnect in 2 s" comes with 50 lines each time a network is down, and what a command, a button or an
    autocomplete failed with may hold what somebody typed. An answer that comes too late is nothing that failed.
    """
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    record.exc_info = None
    if error is None:
        return True
    if isinstance(error, discord.HTTPException) and error.code in TOO_LATE:
        _log.info("an answer came too late (%s)", error.code)
        return False
    record.msg, record.args = f"{record.getMessage()} ({type(error).__name__})", None
    return True
