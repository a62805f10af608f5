"""What was left or deleted while nobody listened is found; what only seems gone stays."""

import asyncio
import time

import discord
import pytest
from simcord import ChannelHandle
from simcord.backend import serializers
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType

from bot.app.assemble import assemble
from bot.domain.records import DigestKind, Gap, GuildSettings, Mode, Rule, TargetKind
from bot.monitoring.reconciliation import GRACE_SECONDS, LATER_SECONDS
from bot.storage.departures import Departures
from bot.storage.errors import DatabaseUnavailable
from bot.storage.schema import DepartureRow, GapRow
from tests.bot.parts import monitoring_of
from tests.bot.storage.scenes import rows_of
from tests.unseen import unseen

BAD = "this is terrible, I hate it"
ELSEWHERE = 9 << 40


class Clock:
    """One that a test moves."""

    def __init__(self):
        self.now = time.time()

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reconciled(home, clock):
    """Has what is gone looked for, by the bot that runs now."""

    async def reconciled(times=3):
        await home.env.settle()
        # What a test does to a shard itself is not among what `settle` waits for.
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name().startswith("discord.py: ")))
        reconciliation = monitoring_of(home.env.bot).reconciliation
        reconciliation._clock = clock
        for _ in range(times):
            await reconciliation.work(clock())
        await home.storage.write_buffer.flush()

    return reconciled


@pytest.fixture
def restart(home, settings, classifier, storage):
    async def restart():
        await storage.write_buffer.flush()
        await home.env.restart_bot(assemble(settings, classifier, storage))

    return restart


@pytest.fixture
async def watched(home, reconciled):
    """Three messages of a watched channel, and one more server, so that nobody takes the token for a wrong one."""
    await home.watch()
    for _ in range(3):
        await home.alice.send(home.general, BAD)
    assert len(await home.messages()) == 3
    await reconciled()
    return home


def guild_create(home):
    payload = serializers.guild_create_payload(home.env.backend, home.env.backend.get_guild(home.guild.id))
    return {key: value for key, value in payload.items() if key != "unavailable"}


def asked(home, path):
    return [entry.path for entry in home.env.http_requests if entry.method == "GET" and entry.path == path]


async def departed(home):
    return [row["guild_id"] for row in await rows_of(home.storage.database, DepartureRow)]


async def test_an_event_alone_is_no_proof_that_a_server_was_left(watched, reconciled, clock):
    """Discord sometimes leaves "unavailable" out in an outage."""
    watched.env.backend.emit("GUILD_DELETE", {"id": str(watched.guild.id)})
    await reconciled()
    assert await departed(watched) == []
    clock.now += GRACE_SECONDS * 2
    await reconciled()
    watched.env.backend.emit("GUILD_CREATE", guild_create(watched))
    await reconciled()
    assert len(await watched.messages()) == 3
    await watched.alice.send(watched.general, BAD)
    assert len(await watched.messages()) == 4


async def test_a_server_that_was_left_goes_after_a_day(watched, reconciled, clock):
    watched.env.backend.remove_guild(watched.guild.id)
    await reconciled()
    assert await departed(watched) == [watched.guild.id]
    clock.now += GRACE_SECONDS - 60
    await reconciled()
    assert len(await watched.messages()) == 3
    clock.now += 120
    await reconciled()
    assert await watched.messages() == []
    assert await watched.hours() == []
    assert await watched.storage.guilds.guild_ids() == set()
    assert await departed(watched) == []


@pytest.mark.parametrize("code", [(404, 10004), (403, 50001)])
async def test_it_is_left_whichever_way_discord_says_so(watched, reconciled, code):
    status, number = code
    watched.env.inject_error("GET", f"/guilds/{watched.guild.id}", status=status, code=number)
    watched.env.backend.emit("GUILD_DELETE", {"id": str(watched.guild.id)})
    await reconciled()
    assert await departed(watched) == [watched.guild.id]


async def test_when_discord_cannot_say_it_is_asked_later_and_nothing_goes_meanwhile(watched, reconciled, clock):
    path = f"/guilds/{watched.guild.id}"
    watched.env.inject_error("GET", path, status=503, times=None)
    with unseen(watched.env.backend) as backend:
        backend.remove_guild(watched.guild.id)
    watched.env.backend.emit("GUILD_DELETE", {"id": str(watched.guild.id)})
    await reconciled()
    assert await departed(watched) == []
    tries = len(asked(watched, path))
    await reconciled()
    assert len(asked(watched, path)) == tries
    watched.env.backend.faults.clear()
    clock.now += LATER_SECONDS
    await reconciled()
    assert await departed(watched) == [watched.guild.id]
    watched.env.inject_error("GET", path, status=503, times=None)
    clock.now += GRACE_SECONDS + 1
    await reconciled()
    assert len(await watched.messages()) == 3
    watched.env.backend.faults.clear()
    clock.now += LATER_SECONDS
    await reconciled()
    assert await watched.messages() == []


async def test_a_server_joined_again_within_the_day_keeps_everything_and_the_absence_is_a_gap(
    watched, reconciled, clock
):
    backend = watched.env.backend
    guild = backend.get_guild(watched.guild.id)
    channels = {number: backend.channels[number] for number in guild.channel_ids}
    messages = {number: backend.messages[number] for number in channels if number in backend.messages}
    backend.remove_guild(guild.id)
    await reconciled()
    left = int(clock.now)
    assert await departed(watched) == [guild.id]
    clock.now += 3600
    backend.guilds[guild.id] = guild
    backend.channels |= channels
    backend.messages |= messages
    backend.emit("GUILD_CREATE", guild_create(watched))
    await reconciled()
    assert await departed(watched) == []
    assert (guild.id, left, int(clock.now) + 1) in await watched.gaps()
    clock.now += 2 * GRACE_SECONDS
    await reconciled()
    await watched.alice.send(watched.general, BAD)
    assert len(await watched.messages()) == 4, "its rules and its notice are as they were"


async def test_a_server_that_takes_the_bot_back_after_the_day_begins_anew(watched, reconciled, clock):
    payload = guild_create(watched)
    with unseen(watched.env.backend) as backend:
        guild = backend.guilds.pop(watched.guild.id)
    watched.env.backend.emit("GUILD_DELETE", {"id": str(guild.id)})
    await reconciled()
    clock.now += GRACE_SECONDS + 60
    await reconciled()
    assert await watched.messages() == []
    watched.env.backend.guilds[guild.id] = guild
    watched.env.backend.emit("GUILD_CREATE", payload)
    await reconciled()
    await watched.alice.send(watched.general, BAD)
    assert await watched.messages() == []
    await watched.watch()
    message = await watched.alice.send(watched.general, BAD)
    assert await watched.messages() == [message.id]


async def test_without_the_database_it_is_looked_for_again(watched, reconciled, restart, monkeypatch):
    async def fail():
        raise DatabaseUnavailable("away")

    await watched.storage.guilds.set_settings(GuildSettings(ELSEWHERE))
    await restart()
    with monkeypatch.context() as broken:
        broken.setattr(watched.storage.guilds, "guild_ids", fail, raising=False)
        with pytest.raises(DatabaseUnavailable):
            await reconciled()
    await reconciled()
    assert await departed(watched) == [ELSEWHERE]


async def test_left_and_joined_again_within_seconds_nothing_is_asked(watched, reconciled):
    backend = watched.env.backend
    before = len(asked(watched, f"/guilds/{watched.guild.id}"))
    backend.emit("GUILD_DELETE", {"id": str(watched.guild.id)})
    backend.emit("GUILD_CREATE", guild_create(watched))
    await reconciled()
    assert len(asked(watched, f"/guilds/{watched.guild.id}")) == before
    assert await departed(watched) == []
    assert len(await watched.messages()) == 3


async def test_the_only_server_is_left_while_the_bot_is_off(watched, reconciled, restart, clock):
    with unseen(watched.env.backend) as backend:
        backend.remove_guild(watched.guild.id)
    await restart()
    await reconciled()
    assert await departed(watched) == [watched.guild.id]
    await restart()
    clock.now += GRACE_SECONDS + 60
    await reconciled()
    assert await watched.messages() == []
    assert await watched.storage.guilds.guild_ids() == set()


async def test_a_server_without_rules_but_with_hours_is_found_too(watched, reconciled, restart, clock):
    await watched.monitor("disable", channel=watched.general)
    async with watched.storage.database.write() as connection:
        for table in ("audit", "channel_rules", "guild_settings"):
            await connection.exec_driver_sql(f"DELETE FROM {table}")
    with unseen(watched.env.backend) as backend:
        backend.remove_guild(watched.guild.id)
    await restart()
    await reconciled()
    clock.now += GRACE_SECONDS + 60
    await reconciled()
    assert await watched.messages() == []
    assert await watched.hours() == []


async def test_of_a_database_of_another_application_nothing_is_removed(watched, reconciled, restart, clock, caplog):
    async with watched.storage.database.write() as connection:
        await connection.exec_driver_sql("UPDATE bookkeeping SET application_id = 5")
    with unseen(watched.env.backend) as backend:
        backend.remove_guild(watched.guild.id)
    await restart()
    caplog.clear()
    await reconciled()
    clock.now += GRACE_SECONDS * 3
    await reconciled()
    assert len(await watched.messages()) == 3
    assert await departed(watched) == []
    assert caplog.text.count("is it the right token") == 1
    assert "belongs to application 5" in caplog.text


async def test_a_database_of_before_is_not_taken_for_ones_own_in_no_server_of_it(home, reconciled, restart, clock):
    """It says nothing yet of whose it is: the token of another bot would remove everything."""
    rule = Rule(ELSEWHERE, TargetKind.SERVER, ELSEWHERE, Mode.WATCH)
    await home.storage.guilds.set_rule(rule)
    await reconciled()
    assert await home.storage.departures.application() is None
    assert await departed(home) == []
    await home.storage.guilds.set_settings(GuildSettings(home.guild.id))
    await restart()
    await reconciled()
    assert await home.storage.departures.application() == home.env.bot.application_id
    assert await departed(home) == [ELSEWHERE]


async def test_nothing_of_a_server_that_was_left_is_posted(watched, reconciled):
    digest = GuildSettings(watched.guild.id, mod_channel_id=watched.general.id, digest=DigestKind.DAILY)
    await watched.storage.guilds.set_settings(digest)
    assert len(await watched.storage.guilds.digest_settings()) == 1
    watched.env.backend.remove_guild(watched.guild.id)
    await reconciled()
    assert await watched.storage.guilds.digest_settings() == ()


async def test_of_two_shards_only_the_one_that_is_there_is_compared(watched, reconciled, restart):
    """What the other serves is not missed, it is not there yet."""
    mine, other = 4 << 22, 5 << 22
    for guild in (mine, other):
        await watched.storage.guilds.set_rule(Rule(guild, TargetKind.SERVER, guild, Mode.WATCH))
    await restart()
    await watched.env.settle()
    reconciliation = monitoring_of(watched.env.bot).reconciliation
    watched.env.bot.shard_count = 2
    for shard in (0, 1):
        reconciliation.session_began(shard)
    reconciliation.present(watched.guild.id)
    reconciliation._new_sessions.clear()
    reconciliation.session_ready(0)
    await reconciliation.work(0.0)
    assert await departed(watched) == [mine]
    reconciliation.session_ready(1)
    await reconciliation.work(0.0)
    watched.env.bot.shard_count = 1
    assert await departed(watched) == [mine, other]


async def test_a_new_session_finds_what_was_left_before_it(watched, reconciled, bot):
    """The library's own list of servers still has it then."""
    await watched.env.bot.shards[0].disconnect()
    with unseen(watched.env.backend) as backend:
        backend.remove_guild(watched.guild.id)
    await watched.env.bot.shards[0].reconnect()
    await reconciled()
    assert await departed(watched) == [watched.guild.id]


async def test_a_channel_deleted_unseen_under_a_wider_rule_goes_and_the_others_stay(home, reconciled, restart):
    doomed = home.guild.create_text_channel("doomed")
    await home.env.settle()
    await home.monitor("enable", whole_server=True)
    for channel in (doomed, home.general):
        for _ in range(2):
            await home.alice.send(channel, BAD)
    assert await home.hours(doomed)
    with unseen(home.env.backend) as backend:
        backend.delete_channel(doomed.id)
    await restart()
    await reconciled()
    assert await home.hours(doomed) == []
    assert len(await home.hours()) == 1
    assert doomed.id not in [notice.channel_id for notice in await home.storage.notices.all()]


async def test_a_hidden_channel_stays(home, reconciled, restart):
    hidden = home.guild.create_text_channel("hidden")
    await home.env.settle()
    await home.watch(hidden)
    await home.alice.send(hidden, BAD)
    with unseen(home.env.backend) as backend:
        me = backend.bot_user.id
        nothing = discord.Permissions(view_channel=True).value
        backend.set_overwrite(hidden.id, Overwrite(me, OverwriteType.MEMBER, 0, nothing))
    await restart()
    await reconciled()
    assert len(await home.hours(hidden)) == 1


@pytest.mark.parametrize("fate", ["deleted", "archived", "hidden"])
async def test_an_archived_or_hidden_thread_stays_and_a_deleted_one_is_taken_out_of_its_channel(
    watched, reconciled, restart, fate
):
    thread = watched.env.backend.create_thread(watched.general.id, "talk", watched.alice.id)
    await watched.env.settle()
    await watched.alice.send(ChannelHandle(watched.env, watched.guild, thread), BAD)
    assert await watched.hours() == [(4, 0, 0)]
    with unseen(watched.env.backend) as backend:
        if fate == "deleted":
            backend.delete_channel(thread.id)
        else:
            backend.get_guild(watched.guild.id).thread_ids.remove(thread.id)
    if fate == "hidden":
        watched.env.inject_error("GET", f"/channels/{thread.id}", status=403, code=50001, times=None)
    await restart()
    await reconciled()
    assert asked(watched, f"/channels/{thread.id}")
    assert await watched.hours() == [(3 if fate == "deleted" else 4, 0, 0)]


async def test_a_channel_that_discord_cannot_say_of_is_asked_for_later(home, reconciled, restart, clock):
    doomed = home.guild.create_text_channel("doomed")
    await home.env.settle()
    await home.watch(doomed)
    await home.alice.send(doomed, BAD)
    with unseen(home.env.backend) as backend:
        backend.delete_channel(doomed.id)
    home.env.inject_error("GET", f"/channels/{doomed.id}", status=502, times=1)
    await restart()
    await reconciled()
    assert len(await home.hours(doomed)) == 1
    clock.now += LATER_SECONDS
    await reconciled()
    assert await home.hours(doomed) == []


async def test_gaps_of_a_channel_deleted_unseen_go_as_well(home, reconciled, restart):
    """Also where nothing else is held of it."""
    doomed = home.guild.create_text_channel("doomed")
    await home.env.settle()
    await home.storage.guilds.set_settings(GuildSettings(home.guild.id))
    for channel_id in (doomed.id, home.general.id, None):
        await home.storage.moods.add_gap(Gap(home.guild.id, 1, 2, channel_id))
    await reconciled()
    with unseen(home.env.backend) as backend:
        backend.delete_channel(doomed.id)
    await restart()
    await reconciled()
    gaps = await rows_of(home.storage.database, GapRow)
    assert {gap["channel_id"] for gap in gaps} == {home.general.id, None}


async def test_roles_categories_and_a_mod_channel_deleted_unseen_are_forgotten(home, reconciled, restart):
    role = home.guild.create_role("quiet")
    category = home.guild.create_category("talk")
    mods = home.guild.create_text_channel("mods")
    await home.env.settle()
    for kind, number in ((TargetKind.ROLE, role.id), (TargetKind.CATEGORY, category.id)):
        await home.storage.guilds.set_rule(Rule(home.guild.id, kind, number, Mode.EXEMPT))
    await home.storage.guilds.set_settings(GuildSettings(home.guild.id, mod_channel_id=mods.id))
    await reconciled()
    assert len(await home.storage.guilds.rules()) == 2
    with unseen(home.env.backend) as backend:
        backend.delete_role(home.guild.id, role.id)
        backend.delete_channel(category.id)
        backend.delete_channel(mods.id)
    await restart()
    await reconciled()
    assert await home.storage.guilds.rules() == ()
    assert (await home.storage.guilds.settings(home.guild.id)).mod_channel_id is None


async def test_the_doctor_finds_it_at_once_also_under_a_wider_rule(home, restart):
    doomed = home.guild.create_text_channel("doomed")
    await home.env.settle()
    await home.monitor("enable", whole_server=True)
    for _ in range(2):
        await home.alice.send(doomed, BAD)
    with unseen(home.env.backend) as backend:
        backend.delete_channel(doomed.id)
    await restart()
    await home.monitor("doctor")
    assert await home.hours(doomed) == []


async def test_a_message_deleted_where_nothing_is_watched_any_more_goes(watched, restart):
    """After a restart the rules know nothing of the server, and the rows are still there."""
    first, *rest = await watched.messages()
    async with watched.storage.database.write() as connection:
        for table in ("audit", "channel_rules", "guild_settings"):
            await connection.exec_driver_sql(f"DELETE FROM {table}")
    await restart()
    watched.env.backend.delete_message(watched.general.id, first)
    await watched.env.settle()
    assert await watched.messages() == rest
    watched.env.backend.bulk_delete_messages(watched.general.id, rest)
    await watched.env.settle()
    assert await watched.messages() == []


async def test_the_first_time_counts_when_a_departure_is_noted_twice(storage):
    departures = Departures(storage.database)
    await departures.add(1, 100)
    await departures.add(1, 200)
    assert await departures.all() == {1: 100}
    await departures.remove(1)
    assert await departures.all() == {}
