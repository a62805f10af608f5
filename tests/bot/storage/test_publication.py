"""When hours are told: after they are over, once, and not while somebody still fills them."""

from random import Random

import pytest
from sqlalchemy import update

from bot.domain.disclosure import GRACE_SECONDS, MOST_VERSIONS
from bot.storage.publication import HELD_SECONDS, LONGEST_HELD_SECONDS, Publication
from bot.storage.retention import purge
from bot.storage.schema import HourRow, LateChangeRow, ToldDayRow, ToldHourRow
from bot.storage.upsert import table_of
from tests.bot.storage.scenes import AWAY, CALM, GENERAL, HOME, HOUR, NOW, RANDOM, author, message_id, rows_of, say

OVER = (HOUR + 1) * 3600.0 + GRACE_SECONDS


@pytest.fixture
def publication(database):
    return Publication(database, CALM)


@pytest.fixture
async def ten_wrote(buffer):
    for number in range(10):
        say(buffer, number, number)
    await buffer.flush()


async def told(database):
    return [(row["hour"], row["authors"], row["version"]) for row in await rows_of(database, ToldHourRow)]


async def test_an_hour_is_told_two_minutes_after_it_is_over_and_not_before(database, publication, ten_wrote):
    for seconds in (-3600, -GRACE_SECONDS, -1):
        await publication.publish(OVER + seconds)
        assert await told(database) == []
    await publication.publish(OVER)
    assert await told(database) == [(HOUR, 10, 1)]


async def test_hours_that_ended_while_the_bot_was_off_are_told_when_it_is_back(database, publication, ten_wrote):
    await publication.publish(OVER + 3 * 86400)
    assert await told(database) == [(HOUR, 10, 1)]


async def test_what_was_told_stays_when_it_is_told_again_also_by_another_process(database, publication, ten_wrote):
    await publication.publish(OVER)
    before = await rows_of(database, ToldHourRow)
    for clock in (OVER, OVER + 86400, OVER - 86400):
        await publication.publish(clock)
        await Publication(database).publish(clock)
    assert await rows_of(database, ToldHourRow) == before


async def test_publication_is_held_back_until_everybody_is_done(database, publication, ten_wrote):
    publication.hold("shard 0")
    publication.hold("shard 1")
    publication.release("shard 1")
    publication.release("nobody")
    await publication.publish(OVER)
    assert publication.held
    assert await told(database) == []
    assert not await publication.all_told(HOME, HOUR + 1)
    publication.release("shard 0")
    await publication.publish(OVER)
    assert await told(database) == [(HOUR, 10, 1)]
    assert await publication.all_told(HOME, HOUR + 1)


@pytest.mark.parametrize("flapping", [False, True])
async def test_nobody_holds_it_back_for_ever(database, publication, ten_wrote, flapping, caplog):
    """Also one who lets go for a moment again and again."""
    publication.hold(1)
    for seconds in range(0, int(HELD_SECONDS), 60):
        await publication.publish(OVER + seconds)
        if flapping:
            publication.release(1)
            publication.hold(1)
    assert await told(database) == []
    await publication.publish(OVER + HELD_SECONDS)
    assert await told(database) == [(HOUR, 10, 1)]
    assert not publication.held
    assert "hours of all servers were held back by somebody who did not say that it is done" in caplog.text


@pytest.mark.parametrize("about", [None, HOME])
async def test_whoever_gets_on_with_it_holds_it_back_for_longer_but_not_for_ever(
    database, publication, ten_wrote, about
):
    publication.hold(1, about)
    for seconds in range(0, int(LONGEST_HELD_SECONDS), 300):
        publication.prolong(about)
        await publication.publish(OVER + seconds)
    assert await told(database) == []
    publication.prolong(about)
    await publication.publish(OVER + LONGEST_HELD_SECONDS)
    assert await told(database) == [(HOUR, 10, 1)]
    publication.prolong(about)
    assert not publication.held


async def test_one_server_is_held_back_and_another_is_not(database, publication, buffer, ten_wrote):
    """Hours, and days, and those that are told anew; what was held back comes when it is let go."""
    for number in range(10, 20):
        say(buffer, number, number, guild=AWAY, channel=201)
    await buffer.flush()
    await publication.publish(OVER)
    say(buffer, 21, 1, hour=HOUR + 1), say(buffer, 22, 1, hour=HOUR + 1, guild=AWAY, channel=201)
    for number in range(10):
        say(buffer, number, number, -0.5, edited=2)
        say(buffer, 10 + number, 10 + number, -0.5, guild=AWAY, channel=201, edited=2)
    await buffer.flush()
    publication.hold(1, HOME)
    later = OVER + 2 * 86400
    await publication.publish(later)
    rows = await rows_of(database, ToldHourRow)
    assert [(row["guild_id"], row["hour"], row["version"]) for row in rows] == [
        (HOME, HOUR, 1),
        (AWAY, HOUR, 2),
        (AWAY, HOUR + 1, 0),
    ]
    assert {row["guild_id"] for row in await rows_of(database, ToldDayRow)} == {AWAY}
    assert [await publication.all_told(guild, HOUR + 2) for guild in (HOME, AWAY)] == [False, True]
    publication.release(1)
    publication.release(1, HOME)
    await publication.publish(later + 60)
    rows = await rows_of(database, ToldHourRow)
    assert [(row["guild_id"], row["version"]) for row in rows] == [(HOME, 2), (HOME, 0), (AWAY, 2), (AWAY, 0)]
    assert {row["guild_id"] for row in await rows_of(database, ToldDayRow)} == {HOME, AWAY}
    assert await publication.all_told(HOME, HOUR + 2)


async def test_more_servers_than_a_statement_has_variables_hold_back_no_other(database, publication, ten_wrote):
    """As after a start, when what was missed in all of them is read."""
    for guild in range(AWAY, AWAY + 33_000):
        publication.hold(1, guild)
    publication.hold(1, HOME)
    await publication.publish(OVER)
    assert await told(database) == []
    publication.release(1, HOME)
    await publication.publish(OVER)
    assert await told(database) == [(HOUR, 10, 1)]


async def test_a_clock_that_was_put_back_does_not_end_the_holding(database, publication, ten_wrote):
    publication.hold(1)
    await publication.publish(OVER + 10 * HELD_SECONDS)
    await publication.publish(OVER)
    await publication.publish(OVER + HELD_SECONDS - 1)
    assert await told(database) == []


async def test_all_is_told_when_no_hour_of_that_server_is_left(database, publication, buffer, ten_wrote):
    say(buffer, 50, guild=AWAY, channel=201)
    say(buffer, 51, hour=HOUR - 3)
    await buffer.flush()
    assert not await publication.all_told(HOME, HOUR)
    assert await publication.all_told(HOME, HOUR - 3)
    await publication.publish(OVER - 3600)
    assert await publication.all_told(HOME, HOUR)
    assert not await publication.all_told(HOME, HOUR + 1)
    assert not await publication.all_told(AWAY, HOUR + 1)


async def test_many_hours_are_told_in_portions_the_oldest_first(database, publication, buffer, monkeypatch):
    monkeypatch.setattr("bot.storage.publication._PORTIONS", 2)
    monkeypatch.setattr("bot.storage.publication.CHUNK", 3)
    monkeypatch.setattr("bot.storage.told_hours.tell_hours.__defaults__", (3,))
    for back in range(8):
        say(buffer, back, hour=HOUR - back)
    await buffer.flush()
    await publication.publish(OVER)
    assert sorted(hour for hour, *_ in await told(database)) == list(range(HOUR - 7, HOUR - 1))
    await publication.publish(OVER)
    assert len(await told(database)) == 8


async def change(buffer, people, score=-0.5):
    """An edit by each of these people."""
    buffer.edits = getattr(buffer, "edits", 1) + 1
    for person in people:
        say(buffer, person, person, score, edited=buffer.edits)
    await buffer.flush()


async def test_a_told_hour_changes_when_five_people_have_changed_and_by_all_of_it(
    database, moods, publication, buffer, ten_wrote
):
    await publication.publish(OVER)
    before = await rows_of(database, ToldHourRow)
    await change(buffer, range(4))
    await change(buffer, range(4), 0.25)
    await publication.publish(OVER)
    assert await rows_of(database, ToldHourRow) == before
    await change(buffer, [4])
    await publication.publish(OVER)
    assert await told(database) == [(HOUR, 10, 2)]
    (hour,) = (await moods.mood(HOME, GENERAL, HOUR, HOUR)).hours
    assert hour.mean == pytest.approx((4 * 0.25 - 0.5 + 5 * 0.5) / 10)
    assert await rows_of(database, LateChangeRow) == []


async def test_a_message_that_is_written_again_as_it_was_has_not_changed(database, publication, buffer, ten_wrote):
    await publication.publish(OVER)
    for person in range(10):
        say(buffer, person, person, edited=2)
    await buffer.flush()
    assert await rows_of(database, LateChangeRow) == []


async def test_an_hour_is_told_three_times_at_most_and_then_nothing_is_noted(database, publication, buffer, ten_wrote):
    await publication.publish(OVER)
    for score in (-0.5, 0.1, -0.2, 0.3):
        await change(buffer, range(10), score)
        await publication.publish(OVER)
    assert await told(database) == [(HOUR, 10, MOST_VERSIONS)]
    assert await rows_of(database, LateChangeRow) == []


async def test_an_hour_in_which_too_few_people_are_left_is_hidden_for_good(database, publication, buffer, ten_wrote):
    await publication.publish(OVER)
    buffer.deleted([message_id(number) for number in range(6)])
    await buffer.flush()
    await publication.publish(OVER)
    assert await told(database) == [(HOUR, 0, 2)]
    for number in range(20, 40):
        say(buffer, number, number)
    await buffer.flush()
    await publication.publish(OVER)
    assert await told(database) == [(HOUR, 0, 2)]


@pytest.mark.parametrize("forgotten", [False, True])
async def test_an_hour_that_was_told_is_told_once_also_when_it_is_emptied_and_filled_again(
    database, publication, buffer, ten_wrote, forgotten
):
    """What is known of telling it, its noise above all, goes with the purge and not before."""
    noise = {"noise_score": 7, "noise_negative": 1, "noise_positive": -1, "noise_variance": 2}
    await publication.publish(OVER)
    async with database.write() as connection:
        await connection.execute(update(table_of(HourRow)).values(**noise))
    for number in range(10):
        if forgotten:
            await buffer.forget([author(number)], message_id(99))
        else:
            buffer.deleted([message_id(number)])
    await buffer.flush()
    for number in range(20, 30):
        say(buffer, number, number)
    await buffer.flush()
    (hour,) = await rows_of(database, HourRow)
    assert (hour["told"], hour["authors"], {name: hour[name] for name in noise}) == (True, 10, noise)
    await purge(database, 7, NOW + 9 * 86400)
    assert await rows_of(database, HourRow) == []


async def test_a_hidden_hour_stays_hidden_however_many_write_late(database, publication, buffer):
    for number in range(4):
        say(buffer, number, number)
    await buffer.flush()
    await publication.publish(OVER)
    for number in range(10, 30):
        say(buffer, number, number)
    await buffer.flush()
    await publication.publish(OVER)
    assert await told(database) == [(HOUR, 0, 0)]


async def test_whoever_is_forgotten_counts_once_as_nobody(database, publication, buffer, ten_wrote):
    """Also where some of theirs had changed before; and the number that is kept of it is another in each hour."""
    for number in range(10):
        say(buffer, 100 + number, number, channel=RANDOM)
    await buffer.flush()
    await publication.publish(OVER)
    await change(buffer, [0])
    await buffer.forget([author(0)], message_id(999))
    rows = await rows_of(database, LateChangeRow)
    assert [row["channel_id"] for row in rows] == [GENERAL, RANDOM]
    assert len({row["author"] for row in rows} | {author(0)}) == 3
    await change(buffer, [1, 2, 3])
    await publication.publish(OVER)
    assert [row["version"] for row in await rows_of(database, ToldHourRow)] == [1, 1]
    await change(buffer, [4])
    await publication.publish(OVER)
    assert [row["version"] for row in await rows_of(database, ToldHourRow)] == [2, 1]


async def test_people_whose_messages_cannot_be_read_tell_no_mood_anew(database, publication, buffer, ten_wrote):
    await publication.publish(OVER)
    for number in range(20, 30):
        say(buffer, number, number, None)
    await buffer.flush()
    await publication.publish(OVER)
    assert await told(database) == [(HOUR, 10, 1)]


@pytest.mark.parametrize("seconds", [-1, GRACE_SECONDS - 1, GRACE_SECONDS, 5 * 3600])
async def test_an_edit_of_what_was_never_counted_enters_no_hour_that_may_be_told(database, buffer, seconds):
    in_time = seconds < GRACE_SECONDS
    say(buffer, 1, 1, edited=((HOUR + 1) * 3600 + seconds) * 1000)
    await buffer.flush()
    assert len(await rows_of(database, HourRow)) == in_time
    assert (buffer.counts.edits, buffer.counts.written) == (not in_time, in_time)


@pytest.mark.parametrize("flushed", [False, True])
async def test_a_late_edit_of_what_was_counted_counts(database, buffer, flushed):
    say(buffer, 1, 1, 0.5)
    if flushed:
        await buffer.flush()
    say(buffer, 1, 1, -0.5, edited=(HOUR + 9) * 3_600_000)
    await buffer.flush()
    (hour,) = await rows_of(database, HourRow)
    assert hour["score_sum"] == -500
    assert buffer.counts.edits == 0


async def test_what_was_emptied_does_not_come_back_by_a_late_edit(database, buffer):
    say(buffer, 1, 1)
    buffer.emptied(message_id(1), (HOUR + 2) * 3_600_000)
    say(buffer, 1, 1, -0.5, edited=(HOUR + 3) * 3_600_000)
    await buffer.flush()
    assert await rows_of(database, HourRow) == []


@pytest.mark.parametrize("how", ["channel", "server"])
async def test_what_is_gone_is_not_told_any_more_at_once(database, publication, buffer, ten_wrote, how):
    await publication.publish(OVER)
    await change(buffer, [0])
    buffer.channel_gone(GENERAL) if how == "channel" else buffer.guild_gone(HOME)
    await buffer.flush()
    assert await told(database) == await rows_of(database, LateChangeRow) == []


@pytest.mark.parametrize("dominated", [True, False])
async def test_how_much_could_not_be_read_is_blurred_where_one_person_wrote_most_of_it(database, buffer, dominated):
    """As the mood is; otherwise whoever writes a lot in another language would be seen in the share."""
    hours = range(HOUR - 19, HOUR + 1)
    for hour in hours:
        for number in range(60):
            say(buffer, number, 1 if dominated else number % 10, None, hour=hour)
        for number in range(60, 80):
            say(buffer, number, number % 10, hour=hour)
    await buffer.flush()
    await Publication(database, Random(5)).publish(OVER)
    told = await rows_of(database, ToldHourRow)
    assert len(told) == len(hours)
    assert {row["writers"] for row in told} == {10}
    values = {row["unread"] for row in told}
    assert (len(values) > 5) is dominated
    assert dominated or values <= {55, 60, 65}
