"""What is logged and where: kinds of errors and what was done, never a word of anybody."""

from __future__ import annotations

import logging
import re
import sys

import discord

from bot.error_handler import TOO_LATE

_log = logging.getLogger(__name__)

_ID = re.compile(r"[0-9]{15,20}")
"""An id of Discord's, of whatever."""


def set_up_logging(level: str) -> None:
    """Everything from `level` on goes to the standard error. Loggers of libraries that would tell too much are held."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
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
