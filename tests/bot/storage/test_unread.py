"""Messages that could not be read: counted apart, corrected exactly, and told as a share of many."""

import pytest

from bot.domain.records import UNREAD
from bot.storage.pending_writes import kept_of
from bot.storage.retention import purge
from bot.storage.schema import HourRow, MessageScoreRow
from bot.storage.unread import FEWEST_MESSAGES
from model.errors import Unreadable
from model.verdict import SENTIMENTS, Sentiment, Verdict
from tests.bot.storage.scenes import (
    AWAY,
    GENERAL,
    HOME,
    HOUR,
    MODEL,
    NOW,
    RANDOM,
    assert_sums_are_right,
    author,
    held,
    message_id,
    publish,
    rows_of,
    say,
)

MIDNIGHT = HOUR // 24 * 24 - 24


async def hour_of(database):
    """The only hour: negative, neutral and positive messages, authors, unread messages and writers."""
    (row,) = await rows_of(database, HourRow)
    sums = row["negative"], row["neutral"], row["positive"]
    await assert_sums_are_right(database)
    return *sums, row["authors"], row["unread"], row["writers"]


async def talk(buffer, *, read=0, unread=0, by=5, first=0, **where):
    """So many messages that were read, and so many that were not, each by one of so many people in turn."""
    for number in range(read + unread):
        say(buffer, first + number, number % by, 0.5 if number < read else None, **where)
    await buffer.flush()


async def test_what_could_not_be_read_is_counted_and_in_no_mood(database, buffer):
    say(buffer, 1, 1, 0.9)
    say(buffer, 2, 1, None)
    say(buffer, 3, 2, None)
    await buffer.flush()
    assert await hour_of(database) == (0, 0, 1, 1, 2, 2)
    (hour,) = await rows_of(database, HourRow)
    assert (hour["score_sum"], hour["score_square_sum"]) == (900, 810_000)
    row = (await rows_of(database, MessageScoreRow))[1]
    assert (row["score"], row["sentiment"], row["model"]) == (0, UNREAD, "")


async def test_an_edit_moves_a_message_and_its_author_from_one_count_to_the_other_and_back(database, buffer):
    say(buffer, 1, 1, None)
    await buffer.flush()
    assert await hour_of(database) == (0, 0, 0, 0, 1, 1)
    for edited, score, expected in ((1, -0.9, (1, 0, 0, 1, 0, 1)), (2, None, (0, 0, 0, 0, 1, 1))):
        say(buffer, 1, 1, score, edited=edited)
        await buffer.flush()
        assert await hour_of(database) == expected
    buffer.emptied(message_id(1), 3)
    await buffer.flush()
    assert await held(database) == ([], [])


async def test_an_edit_of_one_message_leaves_its_author_to_the_others(database, buffer):
    say(buffer, 1, 1, 0.9)
    say(buffer, 2, 1, 0.9)
    await buffer.flush()
    say(buffer, 1, 1, None, edited=1)
    await buffer.flush()
    assert await hour_of(database) == (0, 0, 1, 1, 1, 1)


async def test_an_edit_under_a_new_key_moves_the_author_that_was_counted(database, buffer):
    say(buffer, 1, 1, 0.9)
    await buffer.flush()
    say(buffer, 1, 2, None, edited=1)
    await buffer.flush()
    assert await hour_of(database) == (0, 0, 0, 0, 1, 1)


@pytest.mark.parametrize("how", ["deleted", "forgotten", "channel", "server"])
async def test_an_hour_of_nothing_but_unread_messages_goes_with_the_last_of_them(database, buffer, how):
    say(buffer, 1, 1, None)
    await buffer.flush()
    if how == "deleted":
        buffer.deleted([message_id(1)])
    elif how == "forgotten":
        assert await buffer.forget([author(1)], message_id(9)) == 1
    elif how == "channel":
        buffer.channel_gone(GENERAL)
    else:
        buffer.guild_gone(HOME)
    await buffer.flush()
    assert await held(database) == ([], [])
    assert await rows_of(database, MessageScoreRow) == []


async def test_after_the_retention_time_the_share_that_was_told_stays(database, moods, buffer):
    await talk(buffer, read=10, unread=30, by=10, hour=HOUR - 48)
    await publish(database)
    await purge(database, 1, NOW)
    assert await rows_of(database, HourRow) == await rows_of(database, MessageScoreRow) == []
    assert (await moods.unread(HOME, HOUR - 48, HOUR)).share == 75


async def test_people_of_whom_nothing_was_read_uncover_nobodys_mood(moods, buffer):
    await talk(buffer, read=4, by=4)
    await talk(buffer, unread=30, by=30, first=100)
    await publish(moods._database)
    mood = await moods.mood(HOME, GENERAL, HOUR, HOUR)
    assert (mood.hours, mood.hidden) == ((), (HOUR,))
    assert await moods.told_hours(HOUR, HOUR, (HOME,)) == ()


async def test_people_of_whom_nothing_was_read_uncover_no_quiet_day(moods, buffer):
    say(buffer, 1, 1, 0.5, hour=MIDNIGHT + 3)
    for number in range(2, 12):
        say(buffer, number, number, None, hour=MIDNIGHT + 9)
    await buffer.flush()
    await publish(moods._database, MIDNIGHT + 24)
    assert await moods.quiet_days(HOME, GENERAL, MIDNIGHT, MIDNIGHT + 24) == ()


async def test_of_a_quiet_day_it_is_not_told_what_could_not_be_read(moods, buffer):
    for number in range(2, 12):
        say(buffer, number, number, None, hour=MIDNIGHT + 9)
    for number in range(20, 25):
        say(buffer, number, number, 0.5, hour=MIDNIGHT + number % 20)
    await buffer.flush()
    await publish(moods._database, MIDNIGHT + 24)
    (told,) = await moods.quiet_days(HOME, GENERAL, MIDNIGHT, MIDNIGHT + 24)
    assert (told.messages, told.authors, told.unread) == (5, 5, 0)


async def test_an_hour_that_is_told_says_how_many_more_could_not_be_read(moods, buffer):
    await talk(buffer, read=5, unread=5)
    await publish(moods._database)
    (hour,) = (await moods.mood(HOME, GENERAL, HOUR, HOUR)).hours
    assert (hour.messages, hour.unread) == (5, 5)
    assert await moods.told_hours(HOUR, HOUR, (HOME,)) == ((HOME, GENERAL, hour),)


async def test_the_share_is_told_in_whole_percent_by_channel_and_together(moods, buffer):
    await talk(buffer, read=10, unread=20)
    await talk(buffer, read=30, first=100, channel=RANDOM)
    await talk(buffer, unread=50, first=200, channel=201, guild=AWAY)
    await publish(moods._database)
    unread = await moods.unread(HOME, HOUR - 1, HOUR)
    assert (unread.share, unread.share_of(GENERAL), unread.share_of(RANDOM)) == (33, 67, 0)
    assert unread.share_of(201) is None
    assert (await moods.unread(HOME, HOUR, HOUR, [RANDOM])).share == 0
    assert (await moods.unread(HOME, HOUR - 1, HOUR - 1)).share is None


@pytest.mark.parametrize(("messages", "share"), [(FEWEST_MESSAGES - 5, None), (FEWEST_MESSAGES, 100)])
async def test_a_share_of_few_messages_is_not_told(moods, buffer, messages, share):
    await talk(buffer, unread=messages)
    await publish(moods._database)
    assert (await moods.unread(HOME, HOUR, HOUR)).share == share


@pytest.mark.parametrize(("people", "share"), [(4, None), (5, 50)])
async def test_an_hour_in_which_fewer_than_five_people_wrote_counts_in_no_share(moods, buffer, people, share):
    await talk(buffer, read=20, unread=20, by=people)
    await publish(moods._database)
    assert (await moods.unread(HOME, HOUR, HOUR)).share == share


async def test_whoever_wrote_both_what_was_read_and_what_was_not_is_one_writer(moods, buffer, database):
    """Otherwise three people who each did both would be six, and a share of theirs would be told."""
    for number in range(40):
        say(buffer, number, number % 3, 0.5 if number % 2 else None)
    await buffer.flush()
    assert await hour_of(database) == (0, 0, 20, 3, 20, 3)
    await publish(database)
    assert (await moods.unread(HOME, HOUR, HOUR)).share is None


@pytest.mark.parametrize("probabilities", [(0.9, 0.08, 0.02), (0.02, 0.03, 0.95), (0.02, 0.96, 0.02)])
def test_a_text_in_which_somebody_may_be_in_danger_is_kept_like_any_negative_one(probabilities):
    score, sentiment, model = kept_of(Verdict(Sentiment.NEGATIVE, probabilities, 1, MODEL, danger=True))
    assert -1000 <= score < 0
    assert (SENTIMENTS[sentiment], model) == (Sentiment.NEGATIVE, MODEL)


def test_what_is_kept_of_an_unreadable_text_is_not_its_language():
    assert kept_of(Unreadable("Spanish")) == kept_of(Unreadable()) == (0, UNREAD, "")
