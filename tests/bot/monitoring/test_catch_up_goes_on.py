"""Catching up loses nothing when something goes wrong meanwhile, and keeps nobody waiting for what is not there."""

import asyncio
from dataclasses import replace

import pytest

from bot.app.assemble import assemble
from bot.domain.records import Absence, GapCause, Mode, Rule, TargetKind
from bot.monitoring.downtime import Missed
from bot.storage.errors import DatabaseUnavailable
from tests.bot.monitoring.outage import events_handled
from tests.bot.monitoring.test_catch_up import GOOD
from tests.bot.parts import monitoring_of


async def written(storage):
    """What a process that is killed now leaves behind: the ids of the messages of which a score is held."""
    async with storage.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT message_id FROM message_scores ORDER BY message_id")
        return [row[0] for row in rows]


async def watch_several(home, count):
    channels = [home.general, *(home.guild.create_text_channel(f"c{number}") for number in range(count - 1))]
    for channel in channels:
        await home.watch(channel)
    return channels


def fail_once(monkeypatch, whose, name, error):
    """The next call fails, and those after it do not."""
    real, left = getattr(whose, name), [error]

    async def once(*given, **named):
        if left:
            raise left.pop()
        return await real(*given, **named)

    monkeypatch.setattr(whose, name, once)


def goes_away_after(steps, guild, catch_up, monkeypatch):
    """Discord has an outage of a server after so many steps in it."""
    real, left = catch_up._reader.step, [steps]

    async def step(*given):
        left[0] -= 1
        guild.unavailable = left[0] == 0
        return await real(*given)

    monkeypatch.setattr(catch_up._reader, "step", step)


async def run_until_done(catch_up):
    """Runs the job as often as it needs; a run that fails is followed by the next."""
    for _ in range(20):
        try:
            await catch_up.work(0)
        except (DatabaseUnavailable, RuntimeError):
            continue
        if not catch_up.waiting:
            return


@pytest.fixture
def pauses(away, monkeypatch):
    """The pauses between requests that were made, as none; the notice checks have theirs, shorter ones."""
    made, real = [], asyncio.sleep
    away.watch.catch_up._pause = 0.7

    async def sleep(seconds):
        if seconds == 0.7:
            made.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return made


async def test_a_gap_goes_when_what_filled_it_is_on_the_disk_and_not_before(home, away, storage):
    await home.watch()
    async with away():
        meanwhile = await home.alice.send(home.general, GOOD)
    await away.catch_up()
    assert (await away.gaps, await written(storage)) == ([], [meanwhile.id])


async def test_a_gap_stays_while_what_filled_it_cannot_be_written(home, away, storage, monkeypatch):
    await home.watch()
    async with away():
        meanwhile = await home.alice.send(home.general, GOOD)
    fail_once(monkeypatch, storage.write_buffer, "flush", DatabaseUnavailable("locked"))
    with pytest.raises(DatabaseUnavailable):
        await away.watch.catch_up.work(0)
    assert (await away.gaps, await written(storage)) == ([(None, None, "connection")], [])
    await away.catch_up()
    assert (await away.gaps, await written(storage)) == ([], [meanwhile.id])


@pytest.mark.parametrize("error", [DatabaseUnavailable("locked"), RuntimeError("Session is closed")])
async def test_a_channel_in_which_a_step_fails_is_read_all_the_same(home, away, monkeypatch, error):
    channels = await watch_several(home, 2)
    async with away():
        meanwhile = [await home.alice.send(channel, GOOD) for channel in channels]
    fail_once(monkeypatch, away.watch.catch_up._reader, "step", error)
    await run_until_done(away.watch.catch_up)
    assert await home.messages() == [message.id for message in meanwhile]
    assert await away.gaps == []


async def test_a_channel_in_which_every_step_fails_stays_a_gap_and_the_others_are_read(home, away, monkeypatch):
    broken, other = await watch_several(home, 2)
    async with away():
        _, theirs = [await home.alice.send(channel, GOOD) for channel in (broken, other)]
    real = away.watch.catch_up._reader.step

    async def step(one, *rest):
        if one.channel.id == broken.id:
            raise RuntimeError("a mistake of ours")
        return await real(one, *rest)

    monkeypatch.setattr(away.watch.catch_up._reader, "step", step)
    await run_until_done(away.watch.catch_up)
    assert await home.messages() == [theirs.id]
    assert await away.gaps == [(home.guild.id, broken.id, "connection")]


async def test_a_run_that_is_broken_off_in_a_channel_goes_on_there(home, away, monkeypatch):
    channels = await watch_several(home, 2)
    async with away():
        meanwhile = [await home.alice.send(channel, GOOD) for channel in channels]
    reader, begun = away.watch.catch_up._reader, asyncio.Event()
    with monkeypatch.context() as slow:

        async def step(*_):
            begun.set()
            await asyncio.Event().wait()

        slow.setattr(reader, "step", step)
        run = asyncio.create_task(away.watch.catch_up.work(0))
        await begun.wait()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    await away.catch_up()
    assert await home.messages() == [message.id for message in meanwhile]
    assert await away.gaps == []


async def test_what_is_left_of_a_server_that_goes_away_in_the_middle_stays_a_gap(home, away, clock, monkeypatch):
    channels = await watch_several(home, 4)
    async with away():
        meanwhile = [await home.alice.send(channel, GOOD) for channel in channels]
    guild = home.bot.get_guild(home.guild.id)
    goes_away_after(2, guild, away.watch.catch_up, monkeypatch)
    await away.watch.catch_up.work(0)
    clock.go_on(120)
    await away.catch_up()
    guild.unavailable = False
    read = set(await home.messages())
    missing = {message.channel.id for message in meanwhile if message.id not in read}
    assert missing
    assert {channel for _, channel, _ in await away.gaps} == missing


async def test_a_server_that_is_back_soon_is_read_to_the_end(home, away, clock, monkeypatch):
    channels = await watch_several(home, 3)
    async with away():
        meanwhile = [await home.alice.send(channel, GOOD) for channel in channels]
    guild = home.bot.get_guild(home.guild.id)
    guild.unavailable = True
    for steps in (1, 1, 99):
        await away.watch.catch_up.work(0)
        clock.go_on(119)
        guild.unavailable = False
        with monkeypatch.context() as soon:
            goes_away_after(steps, guild, away.watch.catch_up, soon)
            await away.watch.catch_up.work(0)
    assert (away.watch.catch_up.waiting, await away.gaps) == (0, [])
    assert await home.messages() == [message.id for message in meanwhile]


async def test_servers_that_are_not_there_slow_nobody_down(home, away, clock, pauses):
    channels = await watch_several(home, 3)
    for number in range(10):
        gone = (number + 5) << 40
        await away.watch.rules.set_rule(Rule(gone, TargetKind.SERVER, gone, Mode.WATCH))
    async with away():
        meanwhile = [await home.alice.send(channel, GOOD) for channel in channels]
    catch_up = away.watch.catch_up
    await catch_up.work(0)
    assert await home.messages() == [message.id for message in meanwhile]
    assert (catch_up.waiting, len(pauses)) == (10, catch_up._reader.requests)
    clock.go_on(120)
    await away.catch_up()
    assert not home.storage.publication.held
    assert len(await away.gaps) == 10


async def test_a_server_that_was_left_is_not_waited_for_and_what_was_missed_there_stays_a_gap(
    home, away, storage, pauses
):
    gone = 5 << 40
    await away.watch.rules.set_rule(Rule(gone, TargetKind.SERVER, gone, Mode.WATCH))
    await storage.departures.add(gone, int(away.clock.now))
    async with away():
        pass
    await away.catch_up()
    assert pauses == []
    assert await away.gaps == [(gone, None, "connection")]


async def test_a_gap_of_which_the_last_server_is_left_is_shortened(home, away):
    await home.watch()
    gone = 5 << 40
    await away.watch.rules.set_rule(Rule(gone, TargetKind.SERVER, gone, Mode.WATCH))
    async with away():
        meanwhile = await home.alice.send(home.general, GOOD)
    await away.watch.catch_up.work(0)
    assert await away.gaps == [(None, None, "connection")]
    away.watch.guild_gone(gone)
    await away.catch_up()
    assert await home.messages() == [meanwhile.id]
    assert await away.gaps == []


async def test_a_client_that_ends_holds_nothing_back_and_the_next_one_reads_the_rest(
    home, away, settings, classifier, storage
):
    await home.watch()
    async with away():
        meanwhile = await home.alice.send(home.general, GOOD)
    before = away.watch.catch_up
    bot = assemble(settings, classifier, replace(storage, last_alive=int(away.clock.now)))
    await home.env.restart_bot(bot)
    await events_handled()
    monitoring_of(bot).catch_up._pause = 0
    before.missed(Missed(Absence(GapCause.CONNECTION), away.clock.now - 300, away.clock.now))
    await before.work(0)
    await monitoring_of(bot).catch_up.work(0)
    assert await written(storage) == [meanwhile.id]
    assert (before.waiting, storage.publication.held) == (0, False)


async def test_a_client_that_never_logged_in_holds_nothing_back(home, away, settings, classifier, storage):
    long_ago = int(away.clock.now) - 3600
    for _ in range(2):  # the first of them is refused by Discord, and its cogs are never loaded
        bot = assemble(settings, classifier, replace(storage, last_alive=long_ago))
    assert storage.publication.held
    await home.env.restart_bot(bot)
    await events_handled()
    monitoring_of(bot).catch_up._pause = 0
    await monitoring_of(bot).catch_up.work(0)
    assert not storage.publication.held


async def test_a_server_with_two_gaps_is_held_back_until_both_are_filled(home, away, storage):
    await home.watch()
    for _ in range(2):
        async with away():
            await home.alice.send(home.general, GOOD)
    catch_up = away.watch.catch_up
    _, second = catch_up._servers
    catch_up._servers.remove(second)
    await catch_up.work(0)
    assert storage.publication.held
    catch_up._servers.append(second)
    await away.catch_up()
    assert not storage.publication.held


async def test_nothing_is_asked_of_a_channel_in_which_nobody_wrote(home, away):
    _, busy, *_ = await watch_several(home, 5)
    async with away():
        meanwhile = await home.alice.send(busy, GOOD)
    before = len(home.env.http_requests)
    await away.catch_up()
    assert {entry.path.split("/")[2] for entry in home.env.http_requests[before:]} == {str(busy.id)}
    assert await home.messages() == [meanwhile.id]


async def test_what_was_written_just_before_the_return_is_read_by_a_clock_that_is_behind(home, away, clock):
    """One that is off by less than a minute counts as right."""
    await home.watch()
    await away.pass_by(5)
    clock.now -= 50
    await home.bot.shards[0].disconnect()
    await events_handled()
    await home.env.advance_time(300)
    clock.go_on(300)
    meanwhile = await home.alice.send(home.general, GOOD)
    await home.bot.shards[0].reconnect()
    await home.env.advance_time(5)
    await events_handled()
    later = await home.alice.send(home.general, GOOD)
    await away.catch_up()
    assert await home.messages() == [meanwhile.id, later.id]
    assert sum(map(sum, await home.hours())) == 2
    assert await away.gaps == []


async def test_what_somebody_wrote_opted_out_soon_after_a_gap_is_not_read_after_a_restart(home, away, storage):
    """Only the process of then knew that they were: a gap of before the start is read to its end, no further."""
    await home.watch()
    started = int(away.clock.now) - 300
    await storage.gaps.add(Absence(GapCause.CONNECTION), started, int(away.clock.now) + 1)
    await away.pass_by(10)
    await storage.opt_outs.add(home.alice.id)
    await home.alice.send(home.general, GOOD)
    await storage.opt_outs.remove(home.alice.id)
    storage.opt_outs._in_again.clear()
    await away.pass_by(60)
    away.watch.catch_up._resumed = False
    await away.catch_up()
    assert await home.messages() == []
    assert await away.gaps == []


async def test_a_gap_that_a_kill_has_left_open_is_read_after_a_quick_restart(
    home, away, clock, settings, classifier, storage
):
    await home.watch()
    await storage.gaps.begin(Absence(GapCause.CONNECTION), int(clock.now))
    await away.pass_by(300)
    meanwhile = await home.alice.send(home.general, GOOD)
    storage.write_buffer._pending.scores.clear()  # the connection was away
    await away.pass_by(10)
    last_alive = int(clock.now)
    await away.pass_by(20)
    bot = assemble(settings, classifier, replace(storage, last_alive=last_alive))
    await home.env.restart_bot(bot)
    await events_handled()
    monitoring_of(bot).catch_up._pause = 0
    await monitoring_of(bot).catch_up.work(0)
    assert meanwhile.id in await written(storage)
    assert await away.gaps == []


async def test_what_a_quick_restart_missed_is_read_although_the_process_is_killed_once_more_before_it_can(
    home, away, clock, settings, classifier, storage
):
    await home.watch()
    await storage.write_buffer.flush()
    last_alive = int(clock.now)
    await away.pass_by(5)
    meanwhile = await home.alice.send(home.general, GOOD)
    storage.write_buffer._pending.scores.clear()  # the bot was off
    for _ in range(2):  # the first of them reads nothing, but has given a sign of life
        await away.pass_by(20)
        bot = assemble(settings, classifier, replace(storage, last_alive=last_alive))
        await home.env.restart_bot(bot)
        await events_handled()
        last_alive = int(clock.now)
        assert await away.gaps
    monitoring_of(bot).catch_up._pause = 0
    await monitoring_of(bot).catch_up.work(0)
    assert await written(storage) == [meanwhile.id]
    assert await away.gaps == []


async def test_a_kill_while_no_session_stands_hides_nothing_of_before_it(
    home, away, clock, settings, classifier, storage
):
    """A sign of life that is written meanwhile says nothing of the time without a session."""
    await home.watch()
    storage.write_buffer.sees = True
    await storage.write_buffer.flush()
    await away.pass_by(20)
    await home.alice.send(home.general, GOOD)
    await home.bot.shards[0].disconnect()
    await events_handled()
    await away.pass_by(10)
    meanwhile = await home.alice.send(home.general, GOOD)
    await away.pass_by(20)
    await storage.write_buffer.flush()
    bot = assemble(settings, classifier, replace(storage, last_alive=await storage.moods.last_alive()))
    await home.env.restart_bot(bot)  # it was killed
    await events_handled()
    monitoring_of(bot).catch_up._pause = 0
    await monitoring_of(bot).catch_up.work(0)
    assert meanwhile.id in await written(storage)
    assert await away.gaps == []
