"""A machine whose clock is days ahead of Discord's: what is compared with Discord's times goes by Discord's clock."""

import json
import time

import pytest

from bot.app.assemble import assemble
from bot.domain.notice import AGAIN_SECONDS
from bot.domain.records import Absence, GapCause
from bot.mod_channel.posting import FIRST_PAUSE, MOST_REFUSALS
from bot.storage.errors import DatabaseUnavailable
from tests.bot.parts import MovedClock, monitoring_of

AHEAD = 30 * 86_400
GOOD = "what a wonderful day"


@pytest.fixture
def clock(storage):
    """Discord's, by which the storage goes."""
    return MovedClock(storage)


@pytest.fixture
def machine_ahead(home, clock, monkeypatch):
    """This machine's clock is wrong from now on, which is known."""
    machine = time.time
    monkeypatch.setattr(time, "time", lambda: machine() + AHEAD)
    return home


@pytest.fixture
async def mods(home):
    channel = home.guild.create_text_channel("mods")
    await home.monitor("settings", mod_channel=channel)
    return channel


async def test_a_mod_channel_that_refuses_is_left_alone_for_an_hour(mods, machine_ahead, clock):
    home = machine_ahead
    watch, guild = monitoring_of(home.bot), home.bot.get_guild(home.guild.id)
    home.env.inject_error("POST", f"/channels/{mods.id}/messages", status=403, code=50013, times=None)
    for _ in range(MOST_REFUSALS):
        await watch.admins.tell(guild, "a sentence")
    assert home.bot.services.mod_channels.paused(mods.id, clock.now + FIRST_PAUSE - 60)
    assert not home.bot.services.mod_channels.paused(mods.id, clock.now + FIRST_PAUSE + 60)


@pytest.mark.parametrize("command", ["status", "doctor"])
async def test_who_may_be_told_is_asked_by_discords_clock(mods, machine_ahead, clock, monkeypatch, command):
    readers, nows = machine_ahead.bot.services.mod_channels.readers, []
    real = readers.may_hear_of

    async def noted(here, about, now):
        nows.append(now)
        return await real(here, about, now)

    monkeypatch.setattr(readers, "may_hear_of", noted)
    await machine_ahead.watch()
    await machine_ahead.monitor(command)
    assert set(nows) == {clock.now}


async def test_what_of_the_last_week_could_not_be_read_is_of_discords_week(machine_ahead, clock, monkeypatch):
    moods, hours = machine_ahead.storage.moods, []
    real = type(moods).unread

    async def noted(self, guild_id, first, last, channels):
        hours.append(last)
        return await real(self, guild_id, first, last, channels)

    monkeypatch.setattr(type(moods), "unread", noted)
    for command in ("status", "doctor"):
        await machine_ahead.monitor(command)
    assert set(hours) == {int(clock.now // 3600)}


async def test_commands_are_registered_by_discords_clock(machine_ahead, settings, classifier, storage, clock):
    file = settings.data_dir / "commands.json"
    file.unlink()
    await machine_ahead.env.restart_bot(assemble(settings, classifier, storage))
    (kept,) = json.loads(file.read_text("utf-8")).values()
    assert kept["times"] == [int(clock.now)]


async def test_a_notice_deleted_twice_within_a_day_stops_the_bot_also_while_the_database_is_away(
    machine_ahead, monkeypatch
):
    home, watch = machine_ahead, monitoring_of(machine_ahead.bot)

    async def fail(*_):
        raise DatabaseUnavailable("away")

    def delete():
        (known,) = watch.rules.notices(home.guild.id)
        home.env.backend.delete_message(home.general.id, known.message_id)

    assert AHEAD > AGAIN_SECONDS
    await home.watch()
    delete()
    await home.env.settle()
    await home.alice.send(home.general, GOOD)
    monkeypatch.setattr(home.storage.notices, "deleted", fail)
    delete()
    await home.env.settle()
    assert watch.downtime.knows(Absence(GapCause.UNTOLD, home.guild.id, home.general.id))


@pytest.mark.parametrize("jump", [5 * 3600, -5 * 3600, 3 * 365 * 86_400, -20 * 365 * 86_400])
async def test_a_clock_that_jumps_while_the_bot_runs_and_back_costs_no_message_and_is_named(home, caplog, jump):
    caplog.set_level("INFO")
    ahead, clock = [0], home.storage.clock
    clock._local = lambda: time.time() + ahead[0]
    clock.heard(time.time())
    await home.watch()
    sent = []
    for moved in (0, jump, 0):
        ahead[0] = moved
        sent.append((await home.alice.send(home.general, GOOD)).id)
        await home.env.settle()
        await home.bot.jobs.tick()
        assert await home.messages() == sent
    assert f"days {'ahead of' if jump > 0 else 'behind'} Discord's" in caplog.text or "5 hours" in caplog.text
    assert caplog.text.count("I go by Discord's until it is set right.") == 1
    assert caplog.text.count("this machine's clock is right again") == 1
    async with home.storage.database.read() as connection:
        (alive,) = (await connection.exec_driver_sql("SELECT alive FROM bookkeeping")).scalars()
    assert alive is None or abs(alive - time.time()) < 3600
