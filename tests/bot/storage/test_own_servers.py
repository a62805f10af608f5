"""Of several processes on one database each works for the servers of its own shards, and touches no others."""

from math import inf

import pytest
from pydantic import SecretStr

from bot.domain.backfill import Backfill, BackfillState
from bot.domain.notice import Notice
from bot.domain.records import Absence, DigestKind, GapCause, GuildSettings, Mode, Rule, Tag, TargetKind
from bot.domain.shards import ALL, Cluster, Shards
from bot.storage.alert_repository import AlertRepository
from bot.storage.backfill_repository import BackfillRepository
from bot.storage.departures import Departures
from bot.storage.gap_repository import GapRepository
from bot.storage.notice_repository import NoticeRepository
from bot.storage.publication import Publication
from bot.storage.schema import ToldHourRow
from bot.storage.tag_repository import TagRepository
from bot.storage.webhook_repository import Webhook, WebhookRepository
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import CALM, HOUR, NOW, author, rows_of, say

SHARDS = 4
SERVERS = [(1000 + number) << 22 for number in range(8)]
PROCESSES = [Cluster(number, 2).shards(SHARDS) for number in range(2)]
NOBODY = Shards(SHARDS, frozenset())
OVER = (HOUR + 1) * 3600.0 + 600


def theirs(shards):
    """The servers of these shards, by the formula alone."""
    return {guild for guild in SERVERS if (guild >> 22) % SHARDS in (shards.numbers or ())}


def channel_of(guild):
    return guild + 1


@pytest.fixture
async def crowd(database, buffer, guilds, moods):
    """Something of everything that a job looks through, in each server."""
    tags = TagRepository(database)
    for number, guild in enumerate(SERVERS):
        channel = channel_of(guild)
        await guilds.set_rule(Rule(guild, TargetKind.CHANNEL, channel, Mode.WATCH))
        await guilds.set_settings(GuildSettings(guild, mod_channel_id=channel, digest=DigestKind.DAILY))
        await NoticeRepository(database).post(Notice(guild, channel, 7, int(NOW)))
        await tags.add(Tag(guild + 5, "x", guild, channel, None, author(1)))
        await tags.release(guild + 5)
        await GapRepository(database).begin(Absence(GapCause.OUTAGE, guild), int(NOW))
        await GapRepository(database).add(Absence(GapCause.OUTAGE, guild), int(NOW) - 50, int(NOW) - 9)
        posts = AlertRepository(database, lambda: NOW)
        alert = await posts.start_alert(guild, channel, -500, 100)
        await WebhookRepository(database).set(Webhook(guild, 7, SecretStr("a token")))
        await posts.posted(alert.number, 77)
        await posts.claim_digest(guild, DigestKind.DAILY, "2026-11-25")
        await BackfillRepository(database, 7).begin(Backfill(guild, BackfillState.RUNNING, 7, 1, 9, None, 9, 0, 0, 0))
        for person in range(30):
            say(buffer, 100 * number + person, person, guild=guild, channel=channel)
    await buffer.flush()
    await buffer.close()


@pytest.fixture
def questions(database, guilds, moods):
    """Everything that is asked about all servers, with the servers that the answer is about."""
    posts, gaps, departures = AlertRepository(database), GapRepository(database), Departures(database)

    async def judged():
        return {one.guild_id for one in await moods.hours_to_judge(HOUR, HOUR)}

    return {
        "rules": guilds.rules,
        "servers": guilds.guild_ids,
        "digests": guilds.digest_settings,
        "notices": lambda: NoticeRepository(database).all(),
        "tags": lambda: TagRepository(database).due(99),
        "storms": posts.storms,
        "claims": posts.unfinished_digests,
        "backfills": lambda: BackfillRepository(database, 7).running(),
        "what was away": gaps.unfinished,
        "what was missed": lambda: gaps.to_catch_up(0, [GapCause.OUTAGE], 2),
        "those that were left": departures.all,
        "hours to judge": judged,
    }


def servers_in(answer):
    """The servers that are named in an answer of whatever kind."""
    found = set()
    for one in answer:
        absence = getattr(one, "absence", one)
        number = absence if isinstance(absence, int) else getattr(absence, "guild_id", None)
        found.add(absence[0] if number is None else number)
    return found


@pytest.mark.parametrize("shards", [*PROCESSES, NOBODY], ids=["one", "the other", "none yet"])
async def test_every_question_about_all_servers_is_about_a_process_s_own(database, crowd, questions, shards):
    for guild in SERVERS:
        await Departures(database).add(guild, int(NOW))
    for name, ask in questions.items():
        database.shards = ALL
        everything = servers_in(await ask())
        if name != "digests":  # of a server that was left there are none
            assert everything == set(SERVERS), name
        database.shards = shards
        assert servers_in(await ask()) == everything & theirs(shards), name


async def test_webhooks_and_digests_are_one_process_s(database, guilds, crowd):
    hooks = WebhookRepository(database)
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE webhooks SET last_alert = 0")
    for shards in PROCESSES:
        database.shards = shards
        assert {webhook.guild_id for webhook, _ in await hooks.waiting(0)} == theirs(shards)
        assert servers_in(await guilds.digest_settings()) == theirs(shards)


async def test_hours_are_told_by_the_process_that_fills_them_alone(database, crowd):
    """What the other still reads may change its hours, which are told once."""
    publications = {shards: Publication(database, CALM) for shards in PROCESSES}
    first, second = PROCESSES
    publications[first].hold("it still reads")
    for shards in (second, first):
        database.shards = shards
        await publications[shards].publish(OVER)
    assert {row["guild_id"] for row in await rows_of(database, ToldHourRow)} == theirs(second)
    database.shards = first
    publications[first].release("it still reads")
    await publications[first].publish(OVER)
    assert {row["guild_id"] for row in await rows_of(database, ToldHourRow)} == set(SERVERS)


async def test_the_changed_hours_of_a_process_that_is_away_do_not_stand_before_another_s(database, crowd):
    """Of each portion the limit counts what is a process's own."""
    await Publication(database, CALM).publish(OVER)
    late = WriteBuffer(database, clock=lambda: NOW)
    for number, guild in enumerate(SERVERS):
        for person in range(8):
            edited = int(OVER + 9) * 1000
            say(late, 100 * number + person, person, -0.9, guild=guild, channel=channel_of(guild), edited=edited)
    await late.flush()
    for shards in PROCESSES:
        database.shards = shards
        await Publication(database, CALM).publish(OVER + 60)
        told = {row["guild_id"] for row in await rows_of(database, ToldHourRow) if row["version"] == 2}
        assert told >= theirs(shards)
        if shards is PROCESSES[0]:
            assert told == theirs(shards)


async def test_the_sign_of_all_is_the_earliest_of_the_processes_and_never_one_s_own(database, moods):
    """So a process alone, or with another number of shards, misses nothing of any."""
    now = [float(NOW)]
    buffers = []
    for shards in PROCESSES:
        buffer = WriteBuffer(database, clock=lambda: now[0])
        buffer.sees, numbers = True, shards.numbers or ()
        buffer.unseen_by_shard = lambda numbers=numbers: dict.fromkeys([(one, SHARDS) for one in numbers], inf)  # type: ignore[misc]
        buffers.append(buffer)
    database.shards = PROCESSES[0]
    await buffers[0].flush()
    assert await moods.last_alive() is None, "nothing is known of the others"
    now[0] += 500
    database.shards = PROCESSES[1]
    await buffers[1].flush()
    assert await moods.last_alive() == NOW - 2
    now[0] += 500
    await buffers[1].flush()
    assert await moods.last_alive() == NOW - 2
    assert set((await moods.shards_alive()).values()) == {NOW - 2, NOW + 998}
    database.shards = PROCESSES[0]
    await buffers[0].flush()
    assert await moods.last_alive() == NOW + 998


async def test_gaps_of_all_are_ended_once_and_caught_up_by_nobody_alone(database):
    gaps = GapRepository(database)
    whole, former = Absence(GapCause.OFF), Absence(GapCause.OFF, shard=1, shards=2)
    own = [Absence(GapCause.OFF, shard=number, shards=SHARDS) for number in range(SHARDS)]
    for absence in (whole, former, *own):
        await gaps.begin(absence, 5)
        await gaps.add(absence, 5, 9)
    ended, caught_up = [], []
    for shards in PROCESSES:
        database.shards = shards
        ended += list(await gaps.unfinished())
        caught_up += [noted.absence for noted in await gaps.to_catch_up(0, [GapCause.OFF], 2)]
    assert sorted(map(str, ended)) == sorted(map(str, (whole, former, *own)))
    assert sorted(map(str, caught_up)) == sorted(map(str, own))
