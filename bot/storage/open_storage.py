"""Everything of this package, opened together and closed in order."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from bot.domain.discord_clock import DiscordClock
from bot.domain.shards import Cluster
from bot.settings import Settings
from bot.storage.alert_holds import AlertHolds
from bot.storage.alert_repository import AlertRepository
from bot.storage.backfill_repository import BackfillRepository
from bot.storage.changes import ChangeFollower
from bot.storage.database import Database
from bot.storage.database_url import BACKING_UP, BACKUP_LOCK, FILE, LOCK, RESTORING
from bot.storage.departures import Departures
from bot.storage.erasures import Erasures
from bot.storage.feedback_repository import FeedbackRepository
from bot.storage.file_lock import lock_file
from bot.storage.gap_repository import GapRepository
from bot.storage.guild_repository import GuildRepository
from bot.storage.key_change import notice_new_key, require_known_key
from bot.storage.leases import Leases
from bot.storage.mark_repository import MarkRepository
from bot.storage.model_releases import ModelReleases
from bot.storage.mood_repository import MoodRepository
from bot.storage.neighbours import own_folder, require_company
from bot.storage.notice_repository import NoticeRepository
from bot.storage.opt_outs import OptOuts
from bot.storage.people_repository import PeopleRepository
from bot.storage.pseudonyms import Pseudonyms, open_pseudonyms
from bot.storage.publication import Publication
from bot.storage.sign_of_life import Shard
from bot.storage.strong_messages import StrongMessages
from bot.storage.tag_repository import TagRepository
from bot.storage.webhook_repository import WebhookRepository
from bot.storage.write_buffer import WriteBuffer
from model.concurrency import in_thread

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Storage:
    """The open parts. `write_buffer.start()` makes it write by itself; until then it writes when it is flushed.

    `clock` is what all of it goes by. `leases` and `releases` are there for one process of several. `last_alive` is
    `MoodRepository.last_alive` from before this opening, and `shards_alive` the same of each shard: the buffer soon
    writes signs of life of its own.
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
    holds: AlertHolds
    marks: MarkRepository
    strong: StrongMessages
    webhooks: WebhookRepository
    backfills: BackfillRepository
    changes: ChangeFollower
    leases: Leases | None = None
    releases: ModelReleases | None = None
    last_alive: int | None = None
    shards_alive: Mapping[Shard, int] = field(default_factory=dict)
    clock: DiscordClock = field(default_factory=DiscordClock)

    @property
    def processes(self) -> int:
        """How many share the servers, and with them what Discord takes from one bot."""
        return 1 if self.leases is None else self.leases.cluster.of

    @property
    def leads(self) -> bool:
        """Whether this process does what one does for all."""
        return self.leases is None or self.leases.leads


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[Storage]:
    """Opens the database that the settings name, and closes it with everything written.

    Raises StoreError: a database that is unavailable, in use or too new, or a HASH_KEY that cannot be used.
    """
    cluster = Cluster.parse(settings.cluster)
    with own_folder(settings.data_dir, cluster):
        async with _opened(settings, cluster) as storage:
            yield storage


@asynccontextmanager
async def _opened(settings: Settings, cluster: Cluster | None) -> AsyncIterator[Storage]:
    lost = await in_thread(lambda: _is_lost(settings.data_dir))
    database = await Database.open(settings.data_dir, settings.database_url)
    if lost and database.file is not None:
        _log.warning(
            "%s was missing or empty, and a new one is made: if it was moved away, stop the bot and put it back; "
            "a backup is put back by `vibecheck restore`",
            database.file,
        )
    try:
        await in_thread(lambda: _clear(settings.data_dir))
        key = settings.hash_key.get_secret_value() if settings.hash_key is not None else None
        pseudonyms = open_pseudonyms(settings.data_dir, key)
        await require_known_key(database, pseudonyms)
        await require_company(database, cluster)
        clock = DiscordClock()
        erasures = await Erasures.open(
            database, settings.data_dir, pseudonyms, clock.now, one_of_several=cluster is not None
        )
        await notice_new_key(database, pseudonyms)
        changes = ChangeFollower(database)
        await changes.begin()  # before anything is read that may change
        opt_outs = OptOuts(database, pseudonyms, clock.now, erasures=erasures)
        await opt_outs.load()
        moods = MoodRepository(database)
        leases = None if cluster is None else Leases(database, cluster)
        write_buffer = WriteBuffer(
            database,
            opt_outs,
            retention_days=settings.retention_days,
            clock=clock.now,
            erasures=erasures,
            leases=leases,
        )
        write_buffer.forgotten_too(opt_outs.erased)
        if leases is not None:
            leases.given_up, leases.heard = write_buffer.give_up, changes.tell

            async def learn_of_people() -> None:
                await opt_outs.load()
                write_buffer.forgotten_too(opt_outs.erased)

            changes.people = learn_of_people
            changes.start()
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
                holds=AlertHolds(database, clock.now),
                marks=MarkRepository(database),
                strong=StrongMessages(database, opt_outs),
                webhooks=WebhookRepository(database),
                backfills=BackfillRepository(database, settings.retention_days),
                last_alive=await moods.last_alive(),
                shards_alive=await moods.shards_alive(),
                clock=clock,
                leases=leases,
                releases=None if cluster is None or settings.inference_url else ModelReleases(database, cluster),
                changes=changes,
            )
        finally:
            await changes.close()
            await write_buffer.close()
            if leases is not None:  # only now: whoever takes its shards finds all that was read in them
                await leases.release()
    finally:
        await database.close()


def _clear(folder: Path) -> None:
    """Removes what a restore or a backup that was killed has left: it may hold what people have had erased since."""
    rmtree(folder / RESTORING, ignore_errors=True)
    if not (folder / BACKING_UP).exists():
        return
    try:
        lock = lock_file(folder / BACKUP_LOCK)
    except OSError:  # one is being made
        return
    try:
        rmtree(folder / BACKING_UP, ignore_errors=True)
    finally:
        os.close(lock)


def _is_lost(folder: Path) -> bool:
    """Whether a bot has been here whose database is not."""
    file = folder / FILE
    try:
        return (folder / LOCK).exists() and not (file.exists() and file.stat().st_size)
    except OSError:  # the opening says what is wrong
        return False
