"""The time at Discord, told without this machine's clock."""

from bot.monitoring.discord_time import DiscordTime


def test_an_age_is_measured_by_what_discord_has_dated_and_a_stopwatch():
    now = 50.0
    time = DiscordTime(lambda: now)
    assert time.age(1000) == 0
    time.seen(1000)
    assert time.age(1000) == 0
    now += 30
    assert time.age(1000) == 30
    time.seen(1010)  # an old message, delivered late
    assert time.age(1000) == 30
    time.seen(1500)  # the stopwatch stood still while the machine slept
    assert time.age(1000) == 500
    assert time.age(2000) == 0
