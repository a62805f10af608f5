"""`/mood` where midnight falls into an hour: what is asked of a day is told of that day."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.local_hours import begins_at, first_hour
from bot.domain.records import GuildSettings
from tests.bot.pasts import said, write

ZONES = ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "Europe/Berlin"]


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("back", [1, 5, 20, 60])
async def test_nothing_of_the_evening_before_is_told_of_a_day(home, storage, name, back):
    """Fifteen people wrote in the hour before the day's first, and ten in each of its own first and last."""
    zone = ZoneInfo(name)
    await storage.guilds.set_settings(GuildSettings(home.guild.id, timezone=name))
    day = home.env.backend.clock.now().astimezone(zone).date() - timedelta(days=back)
    first, last = first_hour(day, zone), first_hour(day + timedelta(days=1), zone) - 1
    assert begins_at(first - 1, zone).date() < day == begins_at(last, zone).date()
    past = [said(first - 1, 15, -0.9), said(first, 10, 0.5), said(last, 10, 0.5)]
    await write(storage, home.guild.id, home.general.id, past)
    answer = await home.alice.slash(home.general, "mood channel", since=day.isoformat())
    assert "20 messages" in answer.response.content


@pytest.mark.parametrize("name", ZONES)
async def test_a_day_that_has_only_begun_is_answered_in_one_sentence(home, storage, name):
    zone = ZoneInfo(name)
    await storage.guilds.set_settings(GuildSettings(home.guild.id, timezone=name))
    now = home.env.backend.clock.now().astimezone(zone)
    midnight = datetime(now.year, now.month, now.day, tzinfo=zone) + timedelta(days=1)
    await home.env.advance_time((midnight - now).total_seconds() + 300)
    answer = await home.alice.slash(home.general, "mood channel", since="today")
    begun = begins_at(first_hour(midnight.date(), zone), zone)
    expected = f"begins at {begun:%H:%M}" if begun.minute else "No data for"
    assert expected in answer.response.content
