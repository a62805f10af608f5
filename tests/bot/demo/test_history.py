"""The demo's made-up past."""

import time
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bot.commands.mood.query import Asked, read_channel
from bot.demo.conversations import MODS, NOTICE, TOPICS, WITH_A_PAST
from bot.demo.history import CHARACTERS, DAYS, local_zone, made_up, write_history
from bot.demo.local_discord import LocalDiscord
from bot.demo.world import build_world
from bot.digests.periods import latest_due
from bot.domain.disclosure import BASE, told_before, told_from
from bot.domain.records import FEWEST_AUTHORS, Mode
from bot.domain.snowflake import first_id_of
from bot.storage.alert_repository import AlertRepository
from bot.storage.database import Database
from bot.storage.guild_repository import GuildRepository
from bot.storage.mood_repository import MoodRepository
from bot.storage.publication import Publication
from bot.storage.schema import HourAuthorRow, HourRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import exact_hours, rows_of, verdict

UTC = ZoneInfo("UTC")
NOW = 1_795_000_000.0
IDS = {"general": 2, "gaming": 3, "movies": 4}


def test_the_same_moment_gives_the_same_past():
    character = CHARACTERS["general"]
    first, again, other = (list(made_up(character, UTC, NOW, seed)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("name", list(CHARACTERS))
def test_a_past_has_a_rhythm_a_bad_evening_a_gap_and_hidden_hours(name):
    character = CHARACTERS[name]
    hours = list(made_up(character, UTC, NOW, 0))
    assert hours[0].hour >= NOW // 3600 - DAYS * 24
    assert all(hour.people >= FEWEST_AUTHORS for hour in hours if hour.hour >= NOW // 3600)
    assert all(hour.people <= min(len(hour.scores), character.people) for hour in hours)
    volume = [0] * 24
    for hour in hours:
        volume[datetime.fromtimestamp(hour.hour * 3600, UTC).hour] += len(hour.scores)
    assert min(volume[18:22]) > 2 * max(volume[3:5])
    today = datetime.fromtimestamp(NOW, UTC).date()
    bad = [
        sum(hour.scores) / len(hour.scores)
        for hour in hours
        if (local := datetime.fromtimestamp(hour.hour * 3600, UTC))
        and (today - local.date()).days == character.bad_days_ago
        and 0 <= local.hour - character.bad_from < 3
    ]
    assert sum(bad) / len(bad) < 1000 * (character.mood - 0.25)
    assert any(hour.people < FEWEST_AUTHORS for hour in hours)
    assert sum(later.hour - hour.hour >= 10 for hour, later in pairwise(hours)) == 1


async def test_it_is_written_as_the_bot_would_have_written_it(tmp_path):
    now = time.time()
    await write_history(tmp_path, 1, IDS, now)
    database = await Database.open(tmp_path)
    guilds = GuildRepository(database)
    try:
        assert {(rule.target_id, rule.mode) for rule in await guilds.rules(1)} == {(2, Mode.WATCH), (3, Mode.WATCH)}
        people = await rows_of(database, HourAuthorRow)
        hours = {(row["channel_id"], row["hour"]): row for row in await rows_of(database, HourRow)}
        counted = {}
        for row in people:
            cell = counted.setdefault((row["channel_id"], row["hour"]), [0, 0])
            cell[0] += 1
            cell[1] += row["messages"]
        assert counted
        for place, (authors, messages) in counted.items():
            row = hours[place]
            assert (authors, messages) == (row["authors"], row["negative"] + row["neutral"] + row["positive"])
        assert min(hour for _, hour in hours) >= int(now // 3600) - 7 * 24
        assert {row["told"] for row in hours.values() if row["hour"] < told_before(now)} == {True}
        reading = await read_channel(
            MoodRepository(database), Asked(1, local_zone(), int(now // 3600) - 7 * 24 + 1, now), 2
        )
        assert reading.timeline.missing_seconds == 10 * 3600
        assert reading.learned(local_zone()) is not None
    finally:
        await database.close()


async def judged(database, hour):
    """The hour of channel 2."""
    (found,) = (found for _, channel, found in await exact_hours(database, hour, hour, (1,)) if channel == 2)
    return found


async def test_what_a_visitor_writes_is_in_the_hour_that_is_told_when_it_is_over(storage, tmp_path):
    evening = datetime.now().astimezone().replace(hour=20, minute=20) - timedelta(days=1)
    now = evening.timestamp()  # when many write: of a quiet hour nothing is told
    hour = int(now // 3600)
    await write_history(tmp_path / "demo", 1, IDS, now)
    database = await Database.open(tmp_path / "demo")
    buffer, moods = WriteBuffer(database), MoodRepository(database)
    try:
        before = await judged(database, hour)
        buffer.scored(first_id_of(hour) + 1, 1, 2, storage.pseudonyms.author(1), verdict(-1.0))
        await buffer.flush()
        after = await judged(database, hour)
        assert (after.messages, after.authors) == (before.messages + 1, before.authors + 1)
        assert (await moods.mood(1, 2, hour, hour)).hours == ()
        await Publication(database).publish(told_from(hour))
        (told,) = (await moods.mood(1, 2, hour, hour)).hours
        assert abs(told.messages - after.messages) < BASE
    finally:
        await database.close()


async def test_the_mod_channel_has_the_past_alert_in_the_bots_own_words_and_a_digest_is_due(tmp_path):
    async with LocalDiscord() as local:
        world = build_world(local)
        posts = [message.embeds[0] for message in world.channels["mods"].history()]
    assert [post.title for post in posts] == ["The mood has dropped", "Recovered"]
    now = time.time()
    await write_history(tmp_path, 1, {name: channel.id for name, channel in world.channels.items()}, now)
    database = await Database.open(tmp_path)
    try:
        settings = await GuildRepository(database).settings(1)
        due = latest_due(settings.digest, settings.digest_hour, settings.zone, now).due
        assert now - due < 3600
        (alert,) = await AlertRepository(database).alerts(1)
        assert (alert.channel_id, alert.recovered is not None) == (world.channels["general"].id, True)
        assert posts[0].footer.text == f"Alert {alert.number}"
    finally:
        await database.close()


def test_people_are_told_that_it_is_made_up():
    assert set(WITH_A_PAST) == set(CHARACTERS)
    assert all("made up" in TOPICS[name] for name in (*WITH_A_PAST, MODS))
    assert "made up" in NOTICE


def test_the_time_zone_of_this_machine_is_taken_where_it_is_known(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert local_zone().key == "Asia/Tokyo"
    monkeypatch.setenv("TZ", "Nowhere/At-all")
    assert local_zone().utcoffset(datetime(2026, 1, 1)) is not None
