import json
import math
from dataclasses import asdict, replace

import pytest
from sqlalchemy import insert

from bot.commands.monitor.personal_data import ADMIN_ACTIONS
from bot.domain.disclosure import TYPICAL_VARIANCE
from bot.domain.records import (
    UNREAD,
    AdminAction,
    Answer,
    Audited,
    DigestKind,
    Feedback,
    Gap,
    GuildSettings,
    HeldMessages,
    HourMood,
    Mode,
    Rule,
    Sensitivity,
    TargetKind,
)
from bot.monitoring.personal_data import MESSAGES
from bot.storage.errors import UnknownTimezone
from bot.storage.people_repository import read_opt_out
from bot.storage.personal_data import PersonalData
from bot.storage.schema import FeedbackRow, GapRow, GuildSettingsRow, HourRow, OptOutRow
from bot.storage.sign_of_life import ON_THE_WAY
from model.errors import Unreadable
from model.verdict import Sentiment
from tests.bot.storage.scenes import (
    AWAY,
    GENERAL,
    HOME,
    HOUR,
    MODEL,
    NOW,
    RANDOM,
    THREAD,
    author,
    exact_hours,
    message_id,
    publish,
    rows_of,
    say,
    verdict,
)

WATCHED = Rule(HOME, TargetKind.CHANNEL, GENERAL, Mode.WATCH, True, Sensitivity.HIGH)


KINDS = (
    PersonalData(
        tables=(OptOutRow,),
        read=read_opt_out,
        lines=lambda *_: [],
        entries=lambda _: {},
        deletion=lambda _: "",
        erase=None,
    ),
    MESSAGES,
    ADMIN_ACTIONS,
)


async def fill(buffer, *, people=5, channel=GENERAL, hour=HOUR, guild=HOME, first=0, score=0.5):
    """One message of each of so many people."""
    for number in range(people):
        say(buffer, first + number, number, score, hour=hour, channel=channel, guild=guild)
    await buffer.flush()


def as_told(hour, messages, mean, *, people=None, error=0):
    """An hour of as many people as messages, all of one sentiment, as it is told; the error in hundredths."""
    counts = [messages * (mean < -1 / 3), messages * (abs(mean) <= 1 / 3), messages * (mean > 1 / 3)]
    squares = round((1000 * mean) ** 2) * messages + (10 * error) ** 2 * messages * (messages - 1)
    negative, neutral, positive = counts
    return HourMood(hour, negative, neutral, positive, round(1000 * mean) * messages, squares, people or messages)


async def test_a_server_that_chose_nothing_has_the_defaults(guilds):
    assert await guilds.settings(HOME) == GuildSettings(HOME)


async def test_settings_are_kept_per_server_and_changed(guilds):
    chosen = GuildSettings(HOME, "Europe/Berlin", GENERAL, "<:yay:1>", "💢", 950, 30, 6, DigestKind.WEEKLY, 7, 10)
    await guilds.set_settings(GuildSettings(HOME))
    await guilds.set_settings(chosen)
    assert await guilds.settings(HOME) == chosen
    assert await guilds.settings(AWAY) == GuildSettings(AWAY)


async def test_the_servers_that_have_chosen_languages_are_known(guilds):
    chosen = GuildSettings(HOME, languages="en es")
    await guilds.set_settings(chosen)
    await guilds.set_settings(GuildSettings(AWAY))
    assert await guilds.with_languages() == (chosen,)
    assert await guilds.settings(HOME) == chosen


@pytest.mark.parametrize(
    ("languages", "wanted"), [("", {"", "en", "es"}), ("en", {"", "en"}), ("es", {"es"}), ("en es", {"", "en", "es"})]
)
def test_a_text_without_a_language_is_an_english_one(languages, wanted):
    settings = GuildSettings(HOME, languages=languages)
    assert {one for one in ("", "en", "es") if settings.wants(one)} == wanted
    assert settings.english_only(("en", "es")) is ("es" not in wanted)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe", "\0", "x" * 300])
async def test_a_time_zone_that_there_is_not_is_one_sentence(guilds, database, name):
    with pytest.raises(UnknownTimezone, match="Europe/Berlin"):
        await guilds.set_settings(GuildSettings(HOME, name))
    assert await rows_of(database, GuildSettingsRow) == []


async def test_a_target_has_one_rule(guilds):
    await guilds.set_rule(WATCHED)
    await guilds.set_rule(replace(WATCHED, mode=Mode.EXEMPT, tagging=False))
    await guilds.set_rule(replace(WATCHED, target_kind=TargetKind.ROLE))
    await guilds.set_rule(replace(WATCHED, guild_id=AWAY))
    assert {(rule.target_kind, rule.mode) for rule in await guilds.rules(HOME)} == {
        (TargetKind.CHANNEL, Mode.EXEMPT),
        (TargetKind.ROLE, Mode.WATCH),
    }
    assert len(await guilds.rules()) == 3


async def test_a_rule_that_is_removed_is_gone(guilds):
    await guilds.set_rule(WATCHED)
    assert await guilds.remove_rule(HOME, TargetKind.CHANNEL, GENERAL)
    assert not await guilds.remove_rule(HOME, TargetKind.CHANNEL, GENERAL)
    assert await guilds.rules() == ()


async def test_the_mood_of_a_channel_is_told_hour_by_hour(moods, buffer):
    await fill(buffer, people=10, score=0.5)
    await fill(buffer, people=10, hour=HOUR - 1, score=-1.0, first=10)
    await publish(moods._database)
    mood = await moods.mood(HOME, GENERAL, HOUR - 1, HOUR)
    assert mood.hours == (as_told(HOUR - 1, 10, -1.0), as_told(HOUR, 10, 0.5))
    assert [(one.messages, one.mean, one.standard_error) for one in mood.hours] == [(10, -1.0, 0.0), (10, 0.5, 0.0)]
    assert (mood.hidden, mood.gaps) == ((), ())


async def test_hours_outside_the_range_are_not_told(moods, buffer):
    await fill(buffer)
    assert (await moods.mood(HOME, GENERAL, HOUR + 1, HOUR + 9)).hours == ()
    assert (await moods.mood(HOME, GENERAL, HOUR + 1, HOUR - 9)).hours == ()


async def test_an_hour_of_fewer_than_five_people_is_hidden(moods, buffer):
    await fill(buffer, people=4)
    say(buffer, 9, who=1)
    await buffer.flush()
    await publish(moods._database)
    mood = await moods.mood(HOME, GENERAL, HOUR, HOUR)
    assert (mood.hours, mood.hidden) == ((), (HOUR,))


async def test_an_hour_is_hidden_when_somebodys_messages_are_deleted_before_it_is_told(moods, buffer):
    await fill(buffer)
    buffer.deleted([message_id(0)])
    await buffer.flush()
    await publish(moods._database)
    assert (await moods.mood(HOME, GENERAL, HOUR, HOUR)).hidden == (HOUR,)


async def test_a_channel_is_not_told_to_another_server(moods, buffer):
    await fill(buffer)
    mood = await moods.mood(AWAY, GENERAL, HOUR, HOUR)
    assert (mood.hours, mood.hidden) == ((), ())


async def test_the_mood_of_a_server_adds_only_what_its_channels_tell(moods, buffer):
    await fill(buffer, people=10)
    await fill(buffer, people=15, channel=RANDOM, first=10, score=-0.5)
    await fill(buffer, people=4, channel=THREAD, first=40)
    await fill(buffer, people=4, channel=THREAD, first=50, hour=HOUR + 1)
    await fill(buffer, people=7, channel=999, guild=AWAY, first=60)
    await publish(moods._database, HOUR + 2)
    mood = await moods.guild_mood(HOME, HOUR, HOUR + 1)
    assert mood.hours == (HourMood(HOUR, 15, 0, 10, -2500, 6_250_000, 15),)
    assert mood.hidden == (HOUR + 1,)


async def test_what_may_be_told_is_told_of_the_servers_and_channels_that_are_named(moods, buffer):
    await fill(buffer)
    await fill(buffer, channel=RANDOM, first=10)
    await fill(buffer, channel=THREAD, people=4, first=20)
    await fill(buffer, channel=999, guild=AWAY, first=30)
    await publish(moods._database)
    hour = as_told(HOUR, 5, 0.5, error=math.ceil(100 * (TYPICAL_VARIANCE / 5 + 2 / 25) ** 0.5))
    assert await moods.told_hours(HOUR, HOUR, [HOME]) == ((HOME, GENERAL, hour), (HOME, RANDOM, hour))
    assert await moods.told_hours(HOUR, HOUR, [HOME, AWAY], [RANDOM, 999]) == ((HOME, RANDOM, hour), (AWAY, 999, hour))
    assert await moods.told_hours(HOUR, HOUR, [HOME], [999]) == ()
    assert await moods.told_hours(HOUR, HOUR, []) == ()


async def test_judged_before_it_is_told_is_only_an_hour_of_many_people_of_whom_nobody_dominates(moods, buffer):
    await fill(buffer, people=9)
    await fill(buffer, channel=RANDOM, people=8, first=20)
    await fill(buffer, channel=999, guild=AWAY, people=9, first=40)
    await fill(buffer, channel=THREAD, people=9, first=60)
    ((_, _, hour),) = await exact_hours(moods._database, HOUR, HOUR, [AWAY])
    assert (hour.messages, hour.authors, hour.score_sum) == (9, 9, 4500)
    assert [channel for _, channel, _ in await exact_hours(moods._database, HOUR, HOUR, [HOME])] == [GENERAL, THREAD]
    for number in range(80, 84):
        say(buffer, number, 1, channel=THREAD)
    await buffer.flush()
    assert [channel for _, channel, _ in await exact_hours(moods._database, HOUR, HOUR, [HOME])] == [GENERAL]
    async with moods._database.write() as connection:
        await connection.exec_driver_sql(f"DELETE FROM hour_authors WHERE channel_id = {GENERAL}")
    assert await exact_hours(moods._database, HOUR, HOUR, [HOME]) == ()  # who wrote is not known
    await publish(moods._database)
    assert await exact_hours(moods._database, HOUR, HOUR, [HOME, AWAY]) == ()


def test_the_error_of_a_mean_follows_from_the_spread_of_the_scores():
    hour = HourMood(HOUR, 1, 0, 1, 0, 2_000_000, 5)
    assert hour.standard_error == pytest.approx(1.0)
    assert HourMood(HOUR, 1, 0, 0, -500, 250_000, 5).standard_error == float("inf")


async def test_gaps_that_touch_the_range_are_told(moods, database):
    start = HOUR * 3600
    touching = [Gap(None, start - 60, start + 1), Gap(HOME, start, start + 60), Gap(None, start + 3599, start + 9000)]
    apart = [Gap(None, start - 60, start), Gap(HOME, start + 3600, start + 3700), Gap(AWAY, start, start + 60)]
    for gap in touching + apart:
        await moods.add_gap(gap)
    assert list((await moods.mood(HOME, GENERAL, HOUR, HOUR)).gaps) == touching
    await moods.add_gap(Gap(None, start, start - 5))
    assert len(await rows_of(database, GapRow)) == 6


async def test_a_sign_of_life_is_written_with_what_is_written(moods, buffer):
    buffer.sees = True  # Discord has been reached
    assert await moods.last_alive() is None
    await buffer.flush()
    assert await moods.last_alive() == NOW - ON_THE_WAY


async def test_everything_about_one_person_is_told_and_nothing_of_others(guilds, people, buffer, opt_outs, pseudonyms):
    me, other = pseudonyms.author(1), pseudonyms.author(2)
    buffer.scored(message_id(1), HOME, GENERAL, me, verdict(0.5), thread_id=THREAD, edited=7)
    buffer.scored(message_id(2), AWAY, 201, me, verdict(-1.0))
    buffer.scored(message_id(3), HOME, GENERAL, other, verdict(0.5))
    buffer.scored(message_id(4), AWAY, 201, me, Unreadable("Spanish"))
    await buffer.flush()
    await opt_outs.add(1)
    mine = Audited(HOME, 1, me, AdminAction.ENABLE, TargetKind.CHANNEL, GENERAL)
    await guilds.add_audit(mine)
    await guilds.add_audit(Audited(HOME, 2, other, AdminAction.EXPORT))
    since, messages, actions = (one.held for one in await people.held(pseudonyms.authors(1), KINDS))
    assert since == NOW
    assert [(one.message_id, one.thread_id, one.score) for one in messages.messages] == [
        (message_id(1), THREAD, 500),
        (message_id(2), None, -1000),
        (message_id(4), None, 0),
    ]
    assert [one.sentiment for one in messages.messages] == [2, 0, UNREAD]
    assert messages.late == ()
    assert messages.hours == ((GENERAL, HOUR, 1, 0), (201, HOUR, 1, 1))
    assert actions == (mine,)
    json.dumps(asdict(messages))
    nobody = await people.held(pseudonyms.authors(3), KINDS)
    assert [one.held for one in nobody] == [None, HeldMessages(), ()]


async def test_feedback_keeps_labels_score_model_and_hour_only(feedback, database):
    await feedback.add(Answer.of(verdict(-1.0)), Sentiment.NEGATIVE)
    await feedback.add(Answer.of(verdict(-1.0)), Sentiment.POSITIVE)
    await feedback.add(Answer.of(verdict(-0.5)), Sentiment.POSITIVE)
    assert await feedback.counts() == (Feedback(MODEL, 0, 0, 1), Feedback(MODEL, 0, 2, 2))
    row = {"number": 1, "label": 0, "answered": 0, "score": -1000, "model": MODEL, "hour": HOUR}
    assert (await rows_of(database, FeedbackRow))[0] == row


async def test_what_admins_did_is_told_the_latest_first_and_per_server(guilds):
    entries = [Audited(HOME, number, author(1), AdminAction.EXEMPT, TargetKind.ROLE, number) for number in range(1, 4)]
    for entry in entries:
        await guilds.add_audit(entry)
    await guilds.add_audit(Audited(AWAY, 9, None, AdminAction.SETTINGS))
    assert await guilds.audit(HOME, limit=2) == (entries[2], entries[1])


async def test_sums_over_a_year_are_exact(moods, database):
    async with database.write() as connection:
        row = {"channel_id": GENERAL, "guild_id": HOME, "hour": HOUR, "negative": 0, "neutral": 0, "authors": 9}
        row |= {"positive": 2_000_000_000, "score_sum": 2 * 10**12, "score_square_sum": 2 * 10**15, "writers": 9}
        await connection.execute(insert(HourRow).values(row))
    await publish(database)
    (hour,) = (await moods.mood(HOME, GENERAL, HOUR, HOUR)).hours
    assert (hour.mean, hour.score_square_sum) == (1.0, 2 * 10**15)
