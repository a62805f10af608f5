"""Admins see what is not seen, and when something was not; whoever runs the bot, that its clock is wrong."""

import logging

import pytest
from sqlalchemy import insert, select

from bot.domain.records import Absence, GapCause
from bot.monitoring.clock_watch import ClockWatch
from bot.storage.maintenance import PATIENCE_SECONDS, clock_is_certain, tell_what_is_over
from bot.storage.schema import FilledRow, HourRow
from tests.bot.parts import MovedClock, give, monitoring_of


@pytest.fixture
def clock(storage):
    return MovedClock(storage)


async def test_status_names_what_lasts_first_and_then_what_was(home, clock, storage):
    await home.watch()
    now = int(clock.now)
    await storage.gaps.add(Absence(GapCause.OFF), now - 7200, now - 3600)
    await storage.gaps.add(Absence(GapCause.CONNECTION), now - 100, now - 60)
    await storage.gaps.add(Absence(GapCause.OFF), now - 9 * 86400, now - 8 * 86400)
    monitoring_of(home.bot).downtime.away(Absence(GapCause.HIDDEN, home.guild.id, home.general.id))
    clock.go_on(300)
    said = await home.monitor("status")
    (field,) = [part for part in said.split("\n\n") if "What I missed" in part] or [said]
    lasting, past = f"{home.general.mention}: nothing since <t:{now}:f>", f"nothing for 1 hour from <t:{now - 7200}:f>"
    assert field.index(lasting) < field.index(past)
    assert "I was off" in field
    assert "connection" not in field


async def test_status_says_nothing_of_it_when_all_was_seen(home, clock):
    await home.watch()
    assert "What I missed" not in await home.monitor("status")


async def test_status_leaves_out_what_was_read_later(home, clock, storage):
    await home.watch()
    hour = int(clock.now) // 3600 - 48
    for absence in (Absence(GapCause.OFF), Absence(GapCause.HIDDEN, home.guild.id, home.general.id)):
        await storage.gaps.add(absence, hour * 3600 + 600, (hour + 3) * 3600 - 600)
    assert (await home.monitor("status")).count("nothing for 2 hours") == 2

    async def filled(first, end):
        row = {"channel_id": home.general.id, "first_hour": first, "end_hour": end, "guild_id": home.guild.id}
        async with storage.database.write() as connection:
            await connection.execute(insert(FilledRow).values(row))

    await filled(hour, hour + 2)
    assert (await home.monitor("status")).count(f"nothing for 50 minutes from <t:{(hour + 2) * 3600}:f>") == 2
    await filled(hour + 2, hour + 3)
    assert "What I missed" not in await home.monitor("status")


async def test_doctor_says_that_the_clock_is_wrong(home, clock):
    await home.watch()
    assert "clock" not in await home.monitor("doctor")
    clock.clock.heard(clock.now - 7200)
    said = await home.monitor("doctor")
    assert "2 hours ahead of Discord's" in said and "Needs fixing" in said


async def test_the_log_says_once_that_the_clock_is_wrong_and_once_that_it_is_right(clock, caplog):
    caplog.set_level(logging.INFO)
    watch = ClockWatch(clock.clock)
    for off in (0, -600, -600, 0, 0):
        clock.clock.heard(clock.now - off)
        await watch.look(clock.now)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "10 minutes behind Discord's" in caplog.text


async def test_nothing_is_purged_by_a_clock_that_may_be_days_ahead_before_discord_has_told_its_time(
    home, clock, storage
):
    """A message of an hour ago is not of eight days ago."""
    await home.watch()
    await home.alice.send(home.general, "what a wonderful day")
    assert len(await home.messages()) == 1
    before = clock.now
    give(home.bot, storage=storage)
    object.__setattr__(storage, "last_alive", int(before))
    clock.now += 8 * 86400
    assert not clock_is_certain(storage, clock.now)
    await home.bot.jobs.tick()
    assert len(await home.messages()) == 1
    states = home.bot.jobs.states()
    assert [(states[name].put_off, states[name].succeeded) for name in ("purging", "telling hours")] == [(1, None)] * 2
    clock.clock.heard(before)
    await home.bot.jobs.tick()
    assert len(await home.messages()) == 1
    assert states["purging"].succeeded is not None
    assert clock_is_certain(storage, clock.clock.now())


async def test_whoever_was_really_off_for_days_is_purged_when_discord_does_not_answer(clock, storage):
    object.__setattr__(storage, "last_alive", int(clock.now))
    clock.go_on(8 * 86400)
    storage.clock._made = clock.ran
    assert not clock_is_certain(storage, clock.now)
    clock.go_on(PATIENCE_SECONDS + 1)
    assert clock_is_certain(storage, clock.now)


async def test_no_hour_is_told_by_a_clock_that_may_be_ahead_before_discord_has_told_its_time(home, clock, storage):
    await home.watch()
    await home.alice.send(home.general, "what a wonderful day")
    await storage.write_buffer.flush()

    async def told():
        await tell_what_is_over(storage, storage.clock.now())
        async with storage.database.read() as connection:
            return await connection.scalar(select(HourRow.told))

    object.__setattr__(storage, "last_alive", int(clock.now))
    storage.clock._made = clock.ran
    begun = clock.now
    clock.now += 2 * 86400
    assert await told() is False
    clock.clock.heard(begun)
    assert await told() is False
    clock.clock.heard(begun + 7200)
    assert await told() is True


async def test_hours_are_told_by_this_machines_clock_when_discord_does_not_answer(home, clock, storage):
    await home.watch()
    await home.alice.send(home.general, "what a wonderful day")
    await storage.write_buffer.flush()
    object.__setattr__(storage, "last_alive", int(clock.now))
    clock.go_on(7200)
    storage.clock._made = clock.ran - PATIENCE_SECONDS - 1
    await tell_what_is_over(storage, storage.clock.now())
    async with storage.database.read() as connection:
        assert await connection.scalar(select(HourRow.told)) is True
