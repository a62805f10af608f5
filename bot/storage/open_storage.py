"""Everything of this package, opened together and closed in order."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from bot.domain.discord_clock import DiscordClock
from bot.settings import Settings
from bot.storage.alert_repository import AlertRepository
from bot.storage.database import Database
from bot.storage.database_url import FILE, LOCK, RESTORING
from bot.storage.departures import Departures
from bot.storage.erasures import Erasures
from bot.storage.feedback_repository import FeedbackRepository
from bot.storage.gap_repository import GapRepository
from bot.storage.guild_repository import GuildRepository
from bot.storage.key_change import notice_new_key
from bot.storage.mood_repository import MoodRepository
from bot.storage.notice_repository import NoticeRepository
from bot.storage.opt_outs import OptOuts
from bot.storage.people_repository import PeopleRepository
from bot.storage.pseudonyms import Pseudonyms, open_pseudonyms
from bot.storage.publication import Publication
from bot.storage.tag_repository import TagRepository
from bot.storage.write_buffer import WriteBuffer
from model.concurrency import in_thread

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Storage:
    """The open parts. `write_buffer.start()` makes it write by itself; until then it writes when it is flushed.

    `clock` is what all of it goes by. `last_alive` is `MoodRepository.last_alive` from before this opening: the buffer
    soon writes signs of life of its own.
    """

    database: Database
    pseudonyms: Pseudonyms
    opt_outs: OptOuts
    guilds: GuildRepository
    moods: MoodRepository
    people: PeopleRepository
    feedback: FeedbackRepository
    alerts: AlertRepository
    notices: NoticeRepository
    tags: TagRepository
    write_buffer: WriteBuffer
    erasures: Erasures
    departures: Departures
    gaps: GapRepository
    publication: Publication
    last_alive: int | None = None
    clock: DiscordClock = field(default_factory=DiscordClock)


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[Storage]:
    """Opens the database that the settings name, and closes it with everything written.

    Raises StoreError: a database that is unavailable, in use or too new, or a HASH_KEY that cannot be used.
    """
    lost = await in_thread(lambda: _is_lost(settings.data_dir))
    database = await Database.open(settings.data_dir, settings.database_url)
    if lost and database.file is not None:
        _log.warning(
            "%s was missing or empty, and a new one is made: if it was moved away, stop the bot and put it back; "
            "a backup is put back by `vibecheck restore`",
            database.file,
        )
    try:
        # A restore that was killed leaves there what people may have had erased since.
        await in_thread(lambda: rmtree(settings.data_dir / RESTORING, ignore_errors=True))
        key = settings.hash_key.get_secret_value() if settings.hash_key is not None else None
        pseudonyms = open_pseudonyms(settings.data_dir, key)
        clock = DiscordClock()
        erasures = await Erasures.open(database, settings.data_dir, pseudonyms, clock.now)
        await notice_new_key(database, pseudonyms)
        opt_outs = OptOuts(database, pseudonyms, clock.now, erasures=erasures)
        await opt_outs.load()
        moods = MoodRepository(database)
        write_buffer = WriteBuffer(
            database, opt_outs, retention_days=settings.retention_days, clock=clock.now, erasures=erasures
        )
        _log.info("the bot's files are in %s", settings.data_dir.absolute())
        try:
            yield Storage(
                database=database,
                pseudonyms=pseudonyms,
                opt_outs=opt_outs,
                guilds=GuildRepository(database, erasures),
                moods=moods,
                people=PeopleRepository(database),
                feedback=FeedbackRepository(database, clock.now),
                alerts=AlertRepository(database, clock.now),
                notices=NoticeRepository(database),
                tags=TagRepository(database),
                write_buffer=write_buffer,
                erasures=erasures,
                departures=Departures(database),
                gaps=GapRepository(database),
                publication=Publication(database),
                last_alive=await moods.last_alive(),
                clock=clock,
            )
        finally:
            await write_buffer.close()
    finally:
        await database.close()


def _is_lost(folder: Path) -> bool:
    """Whether a bot has been here whose database is not."""
    file = folder / FILE
    try:
        return (folder / LOCK).exists() and not (file.exists() and file.stat().st_size)
    except OSError:  # the opening says what is wrong
        return False
