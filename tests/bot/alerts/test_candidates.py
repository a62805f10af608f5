"""In which channels something may change, of more servers than a statement has variables for."""

import pytest
from sqlalchemy import event

from bot.alerts import baselines
from bot.alerts.baselines import DAY, Baselines
from bot.alerts.candidates import Candidates
from bot.analytics.anomaly import COOLDOWN_SECONDS, Change, enough
from bot.analytics.baseline import AT_ONCE
from bot.charts.executor import ChartExecutor
from bot.domain.records import GuildSettings, Sensitivity
from bot.settings import Settings
from bot.storage.open_storage import open_storage
from tests.bot.alerts.crowd import crowd, drops, instant
from tests.bot.storage.scenes import HOUR

WEEKS_OF_HOURS = 200
MORE_THAN_VARIABLES = 33_000
"""SQLite takes 32,766 variables in a statement, and PostgreSQL 32,767."""


@pytest.fixture
async def stored(tmp_path, database_url):
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", database_url=database_url)
    settings.data_dir.mkdir()
    async with open_storage(settings) as opened:
        yield opened


@pytest.fixture
def learning():
    executor = ChartExecutor("learning")
    yield executor
    executor.close()


@pytest.fixture
def learned(stored, learning):
    return Baselines(stored.moods, learning)


class Statements:
    """How many statements a database gets."""

    def __init__(self, database):
        self.number = 0
        event.listen(database._engine.sync_engine, "before_cursor_execute", self._count)

    def _count(self, *_asked):
        self.number += 1

    def since_last(self):
        number, self.number = self.number, 0
        return number


def no_category(_place):
    return None


async def test_of_more_servers_than_a_statement_has_variables_the_one_that_drops_is_found(stored, learned, monkeypatch):
    guilds = await crowd(stored.database, MORE_THAN_VARIABLES, HOUR)
    await crowd_of_weeks(stored, guilds[-1])
    await drops(stored.database, guilds[-1], HOUR)
    monkeypatch.setattr(baselines, "LEARNING_SECONDS", 0.0)  # the first portion, in which the most negative are
    found = await Candidates.find(stored, learned, instant(HOUR), no_category)
    assert list(found.channels) == [guilds[-1]]
    assert len(found.settings) == MORE_THAN_VARIABLES
    ((candidate,),) = found.channels.values()
    assert candidate.place == (guilds[-1], guilds[-1] + 1)
    assert candidate.change(Sensitivity.NORMAL, instant(HOUR)) is Change.STARTS
    assert [rule.target_id for rule in found.rules[guilds[-1]]] == [guilds[-1] + 1]


async def crowd_of_weeks(stored, guild):
    """The weeks before of a server's channel, of which one hour was told."""
    past = range(HOUR - 25 - WEEKS_OF_HOURS, HOUR - 1)
    columns = "channel_id, guild_id, version, negative, neutral, positive, score_square_sum, authors, unread, written"
    async with stored.database.write() as connection:
        for hour in past:
            await connection.exec_driver_sql(
                f"INSERT INTO told_hours ({columns}, writers, hour, score_sum) SELECT {columns}, writers, {hour}, "
                f"{5000 + hour % 7 * 100} FROM told_hours WHERE channel_id = {guild + 1} AND hour = {HOUR - 1}"
            )


async def test_ten_times_the_servers_are_no_more_statements(stored, learned):
    statements, counted = Statements(stored.database), []
    for servers in (5, 50):
        async with stored.database.write() as connection:
            for table in ("guild_settings", "channel_rules", "told_hours", "alerts"):
                await connection.exec_driver_sql(f"DELETE FROM {table}")
        guilds = await crowd(stored.database, servers, HOUR, channels=2, hours=WEEKS_OF_HOURS)
        for guild in guilds:
            await drops(stored.database, guild, HOUR)
            await stored.alerts.start_alert(guild, guild + 2, -500, 100)
        await Candidates.find(stored, learned, instant(HOUR), no_category)
        statements.since_last()
        found = await Candidates.find(stored, learned, instant(HOUR), no_category)
        counted.append(statements.since_last())
        assert {guild: len(channels) for guild, channels in found.channels.items()} == dict.fromkeys(guilds, 2)
    assert counted[0] == counted[1]


async def test_a_channel_is_learned_once_a_day_and_forgotten_when_it_falls_silent(stored, learned):
    guilds = await crowd(stored.database, 20, HOUR, hours=WEEKS_OF_HOURS)
    places = [(guild, guild + 1) for guild in guilds]
    settings = {guild: GuildSettings(guild) for guild in guilds}
    read, pasts = [], stored.moods.pasts

    async def noted(channels, *hours):
        read.append(sorted(channels))
        return await pasts(channels, *hours)

    stored.moods.pasts = noted
    for minute in range(0, 2 * 24 * 60, 30):
        await learned.learn(places, settings, instant(HOUR) + minute * 60)
    channels = [channel for portion in read for channel in portion]
    assert sorted(channels) == sorted([channel for _, channel in places] * 3)  # at first, and on two days
    first = len(places) // AT_ONCE + 1
    assert max(map(len, read[first:])) < len(places) // 2  # not all at the same time
    assert all(learned.usual(place, "UTC") for place in places)
    assert learned.usual(places[0], "Europe/Berlin") is None
    await learned.learn(places[:3], settings, instant(HOUR) + 4 * DAY)
    assert len(learned) == 3


async def test_a_clock_that_is_put_back_does_not_put_off_what_is_learned(stored, learned):
    (guild,) = await crowd(stored.database, 1, HOUR, hours=WEEKS_OF_HOURS)
    place, settings = (guild, guild + 1), {guild: GuildSettings(guild)}
    await learned.learn([place], settings, instant(HOUR + 365 * 24))
    assert learned.usual(place, "UTC") is None
    await learned.learn([place], settings, instant(HOUR))
    assert learned.usual(place, "UTC") is not None


@pytest.mark.parametrize("ask", [(20, 5), (41, 5), (20, 11), (2, 5)])
async def test_an_hour_is_judged_if_it_has_what_its_server_asks_for(stored, learned, ask):
    (guild,) = await crowd(stored.database, 1, HOUR, hours=WEEKS_OF_HOURS)
    await drops(stored.database, guild, HOUR)
    messages, authors = ask
    settings = GuildSettings(guild, mod_channel_id=guild + 9, alert_messages=messages, alert_authors=authors)
    await stored.guilds.set_settings(settings)
    found = await Candidates.find(stored, learned, instant(HOUR), no_category)
    (hour,) = (one.hour for one in await stored.moods.hours_to_judge(HOUR - 6, HOUR))
    assert bool(found.channels) is enough(hour, settings)


async def test_a_storm_that_has_just_passed_keeps_the_next_from_starting(stored, learned):
    (guild,) = await crowd(stored.database, 1, HOUR, hours=WEEKS_OF_HOURS)
    await drops(stored.database, guild, HOUR)
    ended = instant(HOUR) - COOLDOWN_SECONDS
    stored.alerts._clock = lambda: ended + 60
    await stored.alerts.start_alert(guild, guild + 1, -500, 100)
    (alert,) = await stored.alerts.storms()
    await stored.alerts.recover(guild, alert.number)
    assert await stored.alerts.storms() == ()
    assert (await Candidates.find(stored, learned, instant(HOUR), no_category)).channels == {}
    assert (await Candidates.find(stored, learned, instant(HOUR) + 60, no_category)).channels.keys() == {guild}


async def test_of_a_lasting_alert_the_latest_hours_count_and_of_other_channels_only_two(stored, learned):
    (guild,) = await crowd(stored.database, 1, HOUR, channels=2, hours=WEEKS_OF_HOURS)
    await stored.alerts.start_alert(guild, guild + 1, -500, 100)
    hours = await stored.moods.hours_to_judge(HOUR - 6, HOUR)
    assert sorted((one.channel_id - guild, HOUR - one.hour.hour) for one in hours) == [
        *((1, back) for back in range(1, 7)),
        (2, 1),
    ]
