"""`/mood`, used as its users do."""

import asyncio
import csv
import io
import re
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import discord
import pytest
from PIL import Image
from simcord import interactions
from simcord.builders import ChannelHandle

from bot.charts.canvas import WIDTH
from bot.charts.drawing import HEIGHT
from bot.charts.executor import MOST_OF_ONE, MOST_WAITING
from bot.charts.heatmap import HEIGHT as HEATMAP_HEIGHT
from bot.commands.mood import command
from bot.commands.mood.command import NOT_AN_ADMIN, UNAVAILABLE
from bot.commands.mood.time_range import read_since
from bot.domain.records import AdminAction, Gap, GuildSettings, TargetKind
from bot.domain.snowflake import first_id_of
from bot.storage.errors import DatabaseUnavailable
from model import Classifier
from tests.bot.parts import overwrite
from tests.bot.pasts import hour_now, said, write
from tests.bot.storage.scenes import verdict

HIDDEN = discord.PermissionOverwrite(view_channel=False)


@pytest.fixture
def clock_begins():
    """Midnight in UTC, so that it is known how much of a day has passed elsewhere."""
    return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def now(world):
    return hour_now(world.env)


@pytest.fixture
def busy(world, storage, now):
    """Fills a channel: so many people write in every hour of so many days, before the present hour."""

    async def busy(channel=None, *, days=7, people=10, mean=0.1):
        hours = [said(hour, people, mean) for hour in range(now - days * 24, now)]
        await write(storage, world.guild.id, (channel or world.channel).id, hours)

    return busy


@pytest.fixture
async def admin(world):
    role = world.guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    return world.guild.add_member(world.env.create_user("adam"), roles=[role])


async def picture(answer):
    """The attachment of an answer, as an image."""
    (attachment,) = answer.response.attachments
    return Image.open(io.BytesIO(await attachment.read())), attachment


async def table(answer):
    """The attachment of an answer, as the rows of its table."""
    (attachment,) = answer.response.attachments
    assert attachment.filename == "mood.csv"
    return list(csv.DictReader(io.StringIO((await attachment.read()).decode("utf-8-sig"), newline="")))


# ---- a channel


async def test_a_channel_is_told_in_three_sentences_and_a_picture(world, busy):
    await busy(days=30)
    answer = await world.alice.slash(world.channel, "mood channel")
    title, usual, volume, missing = answer.response.content.split("\n")
    assert title == f"**<#{world.channel.id}> in the last 7 days**"
    assert usual == "A normal week (mean score +0.10, usually +0.10)."
    assert volume.startswith("1,6") and "messages by 10+ people: " in volume
    assert missing == "Nothing is missing."
    image, attachment = await picture(answer)
    assert (image.size, image.format) == ((WIDTH, HEIGHT), "PNG")
    assert attachment.description.startswith("Chart from ")
    assert "#general: mean score between +0.10 and +0.10" in attachment.description
    assert not answer.response.ephemeral


async def test_private_is_for_the_asker_alone(world, busy):
    await busy()
    answer = await world.alice.slash(world.channel, "mood channel", private=True)
    assert answer.response.ephemeral
    assert await picture(answer)


async def test_an_hour_is_in_the_answer_when_it_is_over_and_its_last_messages_are_read(world, storage, busy, now):
    await busy(days=1)
    storage.write_buffer._retention_days = 10**5  # the tests' Discord lives in the past
    for number in range(10):
        author = storage.pseudonyms.author(number)
        storage.write_buffer.scored(first_id_of(now) + number, world.guild.id, world.channel.id, author, verdict(-1.0))
    for seconds, messages in ((3600, 230), (3600 + 119, 230), (3600 + 120, 240)):
        await storage.publication.publish(now * 3600.0 + seconds)
        answer = await world.alice.slash(world.channel, "mood channel", since="24 hours")
        assert f"{messages} messages" in answer.response.content
        await storage.write_buffer.flush()


async def test_another_channel_can_be_asked_about(world, busy):
    other = world.guild.create_text_channel("movies")
    await busy(other)
    answer = await world.alice.slash(world.channel, "mood channel", channel=other)
    assert answer.response.content.startswith(f"**<#{other.id}> in the last 7 days**")


async def test_in_a_thread_its_channel_is_told(world, busy, env):
    await busy()
    message = await world.maya.send(world.channel, "hello")
    thread = env.backend.create_thread(world.channel.id, "thread", world.maya.id, message_id=message.id)
    thread = ChannelHandle(env, world.guild, thread)
    for answer in (
        await world.alice.slash(thread, "mood channel"),
        await world.alice.slash(world.channel, "mood channel", channel=thread),
    ):
        assert answer.response.content.startswith(f"**<#{world.channel.id}> in")


async def test_a_category_is_no_channel(world):
    category = world.guild.create_category("Fun * stuff")
    answer = await world.alice.slash(world.channel, "mood channel", channel=category)
    assert answer.response.content == "**Fun \\* stuff** is a category. Pick one of its channels."
    assert answer.response.ephemeral


async def test_of_a_channel_that_the_asker_cannot_see_nothing_is_told(world, busy, monkeypatch):
    """Discord's own client offers no such channel; a request that was made by hand can name it."""
    secret = world.guild.create_text_channel("secret", overwrites={world.guild.default_role: HIDDEN})
    await busy(secret)
    monkeypatch.setattr(interactions, "channel_accessible", lambda *_: True)
    for name, options in (
        ("channel", {"channel": secret}),
        ("heatmap", {"channel": secret}),
        ("compare", {"channel": world.channel, "other": secret}),
        ("compare", {"channel": secret, "other": world.channel}),
    ):
        answer = await world.alice.slash(world.channel, f"mood {name}", **options)
        assert answer.response.content == "You can't see that channel, so I can't say anything about it."
        assert answer.response.ephemeral
        assert not answer.response.attachments


async def test_what_not_everybody_here_could_see_is_told_to_the_asker_alone(world, busy, admin):
    seen = discord.PermissionOverwrite(view_channel=True)
    secret = world.guild.create_text_channel("secret", overwrites={world.guild.default_role: HIDDEN, admin: seen})
    other = world.guild.create_text_channel("movies")
    await busy(days=1)
    await busy(secret, days=1)
    await busy(other, days=1)
    for name, options, private in (
        ("channel", {"channel": secret}, True),
        ("heatmap", {"channel": secret}, True),
        ("heatmap", {"channel": other}, False),
        ("compare", {"channel": other, "other": secret}, True),
        ("compare", {"channel": other, "other": world.channel}, False),
        ("channel", {"channel": other}, False),
    ):
        answer = await admin.slash(world.channel, f"mood {name}", **options)
        assert await picture(answer)
        assert answer.response.ephemeral is private
    answer = await admin.slash(secret, "mood channel")
    assert not answer.response.ephemeral


async def test_hours_of_few_people_are_neither_counted_nor_drawn(world, storage, now):
    told = [said(hour, 10) for hour in range(now - 10, now)]
    few = [said(hour, 4) for hour in range(now - 20, now - 10)]
    await write(storage, world.guild.id, world.channel.id, told + few)
    answer = await world.alice.slash(world.channel, "mood channel", since="24 hours")
    assert "100 messages by 10+ people" in answer.response.content
    assert answer.response.content.endswith("10 quiet hours (under 5 people) are hidden.")


async def test_of_a_channel_that_never_had_five_people_it_says_so(world, busy, now):
    await busy(people=4, days=1)
    answer = await world.alice.slash(world.channel, "mood channel", since="24 hours")
    assert answer.response.content == (
        f"Not enough people in <#{world.channel.id}> in the last 24 hours: I only show hours in which 5 or more people "
        f"wrote. Each hour shows up once it's over: this one at <t:{(now + 1) * 3600 + 120}:t>."
    )
    assert not answer.response.attachments


async def test_a_quiet_channel_is_told_by_the_day_and_never_by_the_hour(world, storage, now):
    midnight = now // 24 * 24
    days = [midnight - 24 * day for day in (2, 3, 4)]
    hours = [said(day + 3 + part, range(2 * part, 2 * part + 2)) for day in days for part in range(5)]
    await write(storage, world.guild.id, world.channel.id, hours, before=now)
    answer = await world.alice.slash(world.channel, "mood channel")
    assert "30 messages by 10+ people" in answer.response.content
    assert "15 quiet hours (under 5 people) are hidden, or only in the day's total." in answer.response.content
    assert "by day" in (await picture(answer))[1].description
    short = await world.alice.slash(world.channel, "mood channel", since="3 hours")
    assert "No data" in short.response.content


async def test_what_could_not_be_read_is_said_of_a_channel_and_of_the_server(world, storage, now):
    other = world.guild.create_text_channel("movies")
    await write(storage, world.guild.id, world.channel.id, [said(now - 3, 10, 0.1, unread=15), said(now - 2, 10, 0.1)])
    await write(storage, world.guild.id, other.id, [said(now - 2, 40, 0.1)])
    here = (await world.alice.slash(world.channel, "mood channel")).response.content.split("\n")
    assert here[3] == "43 % of the messages here aren't in English: the mood covers the rest."
    everywhere = (await world.alice.slash(world.channel, "mood server")).response.content.split("\n")
    assert everywhere[3] == "20 % of the messages here aren't in English: the mood covers the rest."
    assert "English" not in (await world.alice.slash(world.channel, "mood channel", channel=other)).response.content


async def test_where_more_than_english_is_read_it_is_other_languages_that_are_not(world, storage, now, monkeypatch):
    info = Classifier.info.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(Classifier, "info", property(lambda self: replace(info(self), languages=("en", "es"))))
    other = world.guild.create_text_channel("movies")
    await write(storage, world.guild.id, world.channel.id, [said(now - 3, 10, 0.1, unread=15)])
    await write(storage, world.guild.id, other.id, [said(now - 3, 4, 0.1, unread=36)])
    here = (await world.alice.slash(world.channel, "mood channel")).response.content
    assert "60 % of the messages here are in languages I don't read: the mood covers the rest." in here
    there = (await world.alice.slash(world.channel, "mood channel", channel=other)).response.content
    assert "88 % of the messages are in languages I don't read. An hour needs 5 people" in there
    await storage.guilds.set_settings(GuildSettings(world.guild.id, languages="en"))
    here = (await world.alice.slash(world.channel, "mood channel")).response.content
    assert "60 % of the messages here aren't in English: the mood covers the rest." in here


async def test_the_servers_share_leaves_out_what_the_asker_cannot_see(world, storage, now):
    secret = world.guild.create_text_channel("secret", overwrites={world.guild.default_role: HIDDEN})
    await write(storage, world.guild.id, world.channel.id, [said(now - 3, 20, 0.1)])
    await write(storage, world.guild.id, secret.id, [said(now - 3, 20, 0.1, unread=60)])
    assert "English" not in (await world.alice.slash(world.channel, "mood server")).response.content


async def test_of_a_channel_in_another_language_it_says_why_there_is_no_mood(world, storage, now):
    await write(storage, world.guild.id, world.channel.id, [said(now - 3, 4, 0.1, unread=36)])
    answer = await world.alice.slash(world.channel, "mood channel")
    assert answer.response.content == (
        f"There's no mood of <#{world.channel.id}> to show in the last 7 days: 88 % of the messages aren't in English, "
        "which I can't read. An hour needs 5 people whose messages I can."
    )
    assert answer.response.attachments == []


async def test_a_gap_is_told(world, storage, busy, now):
    await busy()
    await storage.moods.add_gap(Gap(None, (now - 30) * 3600, (now - 28) * 3600))
    answer = await world.alice.slash(world.channel, "mood channel")
    assert answer.response.content.endswith("\nI couldn't see anything for 2 hours.")
    assert "Hatched: 2 hours in which I couldn't see anything." in (await picture(answer))[1].description


async def test_nothing_stored_says_what_to_do(world):
    answer = await world.alice.slash(world.channel, "mood channel", since="today")
    assert answer.response.content.startswith(f"No data for <#{world.channel.id}> today: ")
    assert "/monitor enable" in answer.response.content


async def test_what_is_no_time_is_refused_to_the_asker_alone(world):
    for since, words in (("soon", "I don't understand"), ("2027-05-01", "still to come"), ("0 days", "no time at all")):
        answer = await world.alice.slash(world.channel, "mood channel", since=since)
        assert words in answer.response.content
        assert answer.response.ephemeral


async def test_a_day_by_its_name_is_worked_out_off_the_event_loop(world, monkeypatch):
    """The library that does it takes a third of a second the first time."""
    threads = []

    def read(*asked):
        threads.append(threading.current_thread())
        return read_since(*asked)

    monkeypatch.setattr(command, "read_since", read)
    answer = await world.alice.slash(world.channel, "mood channel", since="last tuesday")
    assert re.match(r"No data for <#\d+> since \d+ \w+ 20\d\d: ", answer.response.content)
    assert threads
    assert threading.main_thread() not in threads


async def test_the_servers_own_time_counts(world, storage, busy, now):
    """The present is midnight in UTC: in Auckland the day is thirteen hours old."""
    await busy()
    await storage.guilds.set_settings(GuildSettings(world.guild.id, "Pacific/Auckland"))
    answer = await world.alice.slash(world.channel, "mood channel", since="today")
    assert "130 messages" in answer.response.content
    assert "(Pacific/Auckland)" in (await picture(answer))[1].description


async def test_what_may_be_asked_for_is_suggested(world):
    offered = await world.alice.autocomplete(world.channel, "mood channel", "since", "day")
    assert [choice["value"] for choice in offered] == ["today", "yesterday", "7 days", "30 days", "90 days"]


async def test_nobody_can_ask_about_a_person(env, bot):
    group = bot.tree.get_command("mood")
    options = {parameter.type for sub in group.commands for parameter in sub.parameters}
    assert options <= {
        discord.AppCommandOptionType.channel,
        discord.AppCommandOptionType.string,
        discord.AppCommandOptionType.boolean,
    }
    assert group.guild_only


# ---- the server


async def test_the_server_is_its_watched_channels_together(world, busy):
    other = world.guild.create_text_channel("movies")
    await busy(days=1, mean=0.3)
    await busy(other, days=1, mean=-0.1)
    answer = await world.alice.slash(world.channel, "mood server", since="24 hours")
    assert answer.response.content.startswith("**The server in the last 24 hours**")
    assert "460 messages" in answer.response.content
    assert "mean score +0.10" in answer.response.content


async def test_channels_that_the_asker_cannot_see_are_left_out_of_the_server(world, busy, admin):
    secret = world.guild.create_text_channel(
        "secret",
        overwrites={world.guild.default_role: HIDDEN, admin: discord.PermissionOverwrite(view_channel=True)},
    )
    await busy(days=1)
    await busy(secret, days=1)
    theirs = await world.alice.slash(world.channel, "mood server", since="24 hours")
    whole = await admin.slash(world.channel, "mood server", since="24 hours")
    assert "230 messages" in theirs.response.content
    assert "460 messages" in whole.response.content


async def test_a_sum_of_channels_that_not_everybody_here_can_see_is_told_to_the_asker_alone(world, busy):
    role = world.guild.create_role("mods")
    admin = world.guild.add_member(world.env.create_user("adam"), roles=[role])
    await busy(days=1)
    for asker in (world.alice, admin):
        assert not (await asker.slash(world.channel, "mood server")).response.ephemeral
    overwrites = {world.guild.default_role: HIDDEN, role: discord.PermissionOverwrite(view_channel=True)}
    secret = world.guild.create_text_channel("secret", overwrites=overwrites)
    assert not (await world.alice.slash(world.channel, "mood server")).response.ephemeral
    assert (await admin.slash(world.channel, "mood server")).response.ephemeral
    assert not (await admin.slash(secret, "mood server")).response.ephemeral


async def test_a_channel_that_one_role_cannot_see_is_told_to_the_asker_alone(world, busy):
    muted = world.guild.create_role("muted")
    other = world.guild.create_text_channel("movies", overwrites={muted: HIDDEN})
    await busy(other, days=1)
    assert (await world.alice.slash(world.channel, "mood channel", channel=other)).response.ephemeral
    assert (await world.alice.slash(world.channel, "mood server")).response.ephemeral


SEEN = discord.PermissionOverwrite(view_channel=True)


async def test_a_guest_of_a_ticket_hears_nothing_of_what_only_its_staff_can_read(world, busy):
    """The guest is there by an overwrite of their own, which no role knows of."""
    staff = world.guild.create_role("staff")
    sam = world.guild.add_member(world.env.create_user("sam"), roles=[staff])
    shut = {world.guild.default_role: HIDDEN, staff: SEEN}
    secret = world.guild.create_text_channel("staff-only", overwrites=shut)
    ticket = world.guild.create_text_channel("ticket", overwrites=shut | {world.alice: SEEN})
    await world.env.settle()
    await busy(days=1)
    await busy(secret, days=1)
    for name, options in (
        ("channel", {"channel": secret}),
        ("server", {}),
        ("compare", {"channel": world.channel, "other": secret}),
    ):
        answer = await sam.slash(ticket, f"mood {name}", **options)
        assert await picture(answer)
        assert answer.response.ephemeral, name
        assert ticket.history(viewer=world.alice) == []
    assert not (await sam.slash(ticket, "mood channel", channel=world.channel)).response.ephemeral
    assert not (await sam.slash(secret, "mood channel", channel=secret)).response.ephemeral


async def test_somebody_who_is_shut_out_by_name_hears_nothing_of_that_channel(world, busy):
    events = world.guild.create_text_channel("events", overwrites={world.maya: HIDDEN})
    await world.env.settle()
    await busy(events, days=1)
    assert (await world.alice.slash(world.channel, "mood channel", channel=events)).response.ephemeral
    assert (await world.alice.slash(world.channel, "mood server")).response.ephemeral
    assert not (await world.alice.slash(events, "mood channel")).response.ephemeral


async def test_one_role_that_opens_and_another_that_shuts_out_may_be_one_persons(world, busy):
    team, muted = world.guild.create_role("team"), world.guild.create_role("muted")
    tina = world.guild.add_member(world.env.create_user("tina"), roles=[team])
    room = world.guild.create_text_channel("room", overwrites={world.guild.default_role: HIDDEN, team: SEEN})
    movies = world.guild.create_text_channel("movies", overwrites={muted: HIDDEN})
    await world.env.settle()
    await busy(movies, days=1)
    assert (await tina.slash(room, "mood channel", channel=movies)).response.ephemeral


async def test_in_a_thread_those_hear_it_who_read_its_channel(world, busy, env):
    staff = world.guild.create_role("staff")
    sam = world.guild.add_member(world.env.create_user("sam"), roles=[staff])
    secret = world.guild.create_text_channel("secret", overwrites={world.guild.default_role: HIDDEN, staff: SEEN})
    await busy(secret, days=1)
    threads = [
        ChannelHandle(env, world.guild, env.backend.create_thread(channel.id, "thread", sam.id))
        for channel in (world.channel, secret)
    ]
    await env.settle()
    assert (await sam.slash(threads[0], "mood channel", channel=secret)).response.ephemeral
    assert not (await sam.slash(threads[1], "mood channel", channel=threads[1])).response.ephemeral


async def test_who_cannot_read_a_channels_past_is_not_told_of_it(world, busy, admin):
    """Discord shows messages to people with View Channel and Read Message History, in voice also with Connect."""
    everyone = world.guild.default_role
    no_past = discord.PermissionOverwrite(read_message_history=False)
    past = world.guild.create_text_channel("past", overwrites={everyone: no_past})
    voice = world.guild.create_voice_channel("voice")
    await overwrite(world.env, voice, everyone, connect=False)
    await busy(days=1)
    for channel in (past, voice):
        await busy(channel, days=1)
        for name, options in (("channel", {"channel": channel}), ("export", {"channel": channel})):
            answer = await admin.slash(world.channel, f"mood {name}", **options)
            assert answer.response.content.startswith("You can't read that channel's history"), name
            assert not answer.response.attachments
    assert (await admin.slash(past, "mood channel")).response.content.startswith(
        "You can't read this channel's history"
    )
    assert "240 messages" in (await world.alice.slash(world.channel, "mood server")).response.content
    rows = await table(await admin.slash(world.channel, "mood export"))
    assert {row["channel_id"] for row in rows} == {str(world.channel.id)}


async def test_of_a_channel_that_the_bot_does_not_know_nothing_is_told_in_public(world, busy, bot):
    """What Discord sends along with a question says nothing of who can see the channel."""
    await busy(days=1)
    guild = bot.get_guild(world.guild.id)
    guild._remove_channel(guild.get_channel(world.channel.id))
    assert (await world.alice.slash(world.channel, "mood channel")).response.ephemeral


async def test_of_a_server_without_anything_it_says_so(world):
    answer = await world.alice.slash(world.channel, "mood server", private=True)
    assert answer.response.content.startswith("No data for this server in the last 7 days")
    assert answer.response.ephemeral


# ---- two channels


async def test_two_channels_are_compared(world, busy):
    other = world.guild.create_text_channel("movies")
    await busy(mean=0.3)
    await busy(other, mean=0.05)
    answer = await world.alice.slash(world.channel, "mood compare", channel=world.channel, other=other)
    assert (
        f"<#{world.channel.id}> is much more positive than <#{other.id}> (+0.30 and +0.05)." in answer.response.content
    )
    description = (await picture(answer))[1].description
    assert "#general: mean score" in description
    assert "#movies: mean score" in description


async def test_a_channel_is_not_compared_with_itself_nor_with_nothing(world, busy):
    other = world.guild.create_text_channel("movies")
    await busy()
    same = await world.alice.slash(world.channel, "mood compare", channel=world.channel, other=world.channel)
    assert same.response.content == "That's the same channel twice. Pick two."
    empty = await world.alice.slash(world.channel, "mood compare", channel=world.channel, other=other)
    assert empty.response.content.startswith(f"No data for <#{other.id}> ")


# ---- the export


async def test_an_admin_gets_the_hours_that_may_be_told_as_a_table(world, storage, admin, now):
    hours = [said(now - 3, 12, 0.2), said(now - 2, 4, 0.2), said(now - 1, 10, -0.234)]
    await write(storage, world.guild.id, world.channel.id, hours)
    answer = await admin.slash(world.channel, "mood export", channel=world.channel)
    rows = await table(answer)
    assert [(row["messages"], row["people"], row["channel"]) for row in rows] == [
        ("10", "10", "#general"),
        ("10", "10", "#general"),
    ]
    assert [row["mean_score"] for row in rows] == ["0.20", "-0.23"]
    assert "only hours with 5+ people" in answer.response.content
    assert answer.response.ephemeral


async def test_an_export_is_written_down(world, storage, busy, admin):
    await busy(days=1)
    await admin.slash(world.channel, "mood export")
    await admin.slash(world.channel, "mood export", channel=world.channel)
    entries = await storage.guilds.audit(world.guild.id)
    assert [(entry.action, entry.target_kind, entry.target_id) for entry in entries] == [
        (AdminAction.EXPORT, TargetKind.CHANNEL, world.channel.id),
        (AdminAction.EXPORT, TargetKind.SERVER, world.guild.id),
    ]
    assert {entry.actor for entry in entries} == {storage.pseudonyms.author(admin.id)}


async def test_without_manage_server_there_is_no_export_and_nothing_is_written_down(world, storage, busy):
    await busy(days=1)
    answer = await world.alice.slash(world.channel, "mood export")
    assert answer.response.content == NOT_AN_ADMIN
    assert answer.response.ephemeral
    assert await storage.guilds.audit(world.guild.id) == ()


async def test_an_export_holds_no_channel_that_the_admin_cannot_see(world, busy, admin):
    secret = world.guild.create_text_channel("secret", overwrites={world.guild.default_role: HIDDEN})
    await busy(days=1)
    await busy(secret, days=1)
    rows = await table(await admin.slash(world.channel, "mood export"))
    assert {row["channel_id"] for row in rows} == {str(world.channel.id)}


async def test_an_export_of_one_channel_reads_no_other(world, storage, busy, admin, monkeypatch):
    await busy(days=1)
    await busy(world.guild.create_text_channel("movies"), days=1)
    told_hours, read = storage.moods.told_hours, []

    async def noted(*asked):
        told = await told_hours(*asked)
        read.extend(told)
        return told

    monkeypatch.setattr(storage.moods, "told_hours", noted)
    rows = await table(await admin.slash(world.channel, "mood export", channel=world.channel))
    assert len(rows) == len(read) == 24


async def test_an_export_of_nothing_says_so(world, admin):
    answer = await admin.slash(world.channel, "mood export", since="today")
    assert answer.response.content == "No hours today with 5 or more people, so there's nothing to export."


# ---- what goes wrong


async def test_a_database_that_does_not_answer_is_one_sentence(world, storage, busy, monkeypatch):
    await busy(days=1)

    async def broken(*_args, **_options):
        raise DatabaseUnavailable("no")

    monkeypatch.setattr(storage.moods, "mood", broken)
    answer = await world.alice.slash(world.channel, "mood channel")
    assert answer.response.content == UNAVAILABLE
    monkeypatch.setattr(storage.guilds, "settings", broken)
    answer = await world.alice.slash(world.channel, "mood channel")
    assert answer.response.content == UNAVAILABLE
    assert answer.response.ephemeral


async def test_a_reading_is_put_into_words_in_the_drawing_thread(world, busy, monkeypatch):
    await busy(days=1)
    threads = []

    def noted(work):
        def work_here(*arguments, **named):
            threads.append(threading.current_thread().name)
            return work(*arguments, **named)

        return work_here

    monkeypatch.setattr(command, "sentences", noted(command.sentences))  # type: ignore[attr-defined]
    monkeypatch.setattr(command.Reading, "line", noted(command.Reading.line))  # type: ignore[attr-defined]
    assert await picture(await world.alice.slash(world.channel, "mood channel"))
    assert len(threads) == 2
    assert all(name.startswith("charts") for name in threads)


async def test_when_many_ask_at_once_some_are_asked_to_come_back(world, busy, bot):
    await busy(days=1)
    charts, go_on = bot.services.charts, threading.Event()
    waiting = [asyncio.ensure_future(charts.run(go_on.wait)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    answer = await world.alice.slash(world.channel, "mood channel")
    assert "Please try again in a moment" in answer.response.content
    go_on.set()
    assert await asyncio.gather(*waiting) == [True] * MOST_WAITING
    answer = await world.alice.slash(world.channel, "mood channel")
    assert await picture(answer)


async def test_who_asks_for_many_charts_is_asked_to_wait_and_nobody_else_is(world, busy, bot):
    await busy(days=1)
    with ExitStack() as waiting:
        for _ in range(MOST_OF_ONE):
            waiting.enter_context(bot.services.charts.answer_for(world.alice.id))
        refused = await world.alice.slash(world.channel, "mood channel")
        assert "Ask again once they're here" in refused.response.content
        assert refused.response.ephemeral
        assert await picture(await world.maya.slash(world.channel, "mood channel"))
    assert await picture(await world.alice.slash(world.channel, "mood channel"))


async def test_a_zone_that_this_machine_no_longer_knows_is_utc():
    assert replace(GuildSettings(1), timezone="Mars/Olympus").zone.key == "UTC"


# ---- a usual week


async def test_a_week_is_shown_by_hour_and_weekday_out_of_the_hours_told(world, storage, now):
    dark = [hour for hour in range(now - 28 * 24, now) if hour % 168 in (18, 19, 20)]
    hours = [said(hour, 10, -0.6 if hour in dark else 0.2) for hour in range(now - 28 * 24, now)]
    await write(storage, world.guild.id, world.channel.id, hours)
    answer = await world.alice.slash(world.channel, "mood heatmap")
    weekday = datetime.fromtimestamp(dark[0] * 3600, UTC)
    assert answer.response.content == (
        f"**<#{world.channel.id}> in the last 28 days, by hour and weekday**\n"
        f"Usually worst {weekday:%A}s {weekday.hour // 3 * 3}\N{EN DASH}{weekday.hour // 3 * 3 + 3} h UTC."
    )
    image, attachment = await picture(answer)
    assert image.size == (WIDTH, HEATMAP_HEIGHT)
    assert attachment.description.startswith("Heatmap of #general by weekday and hour (UTC): 168 of 168 hours")


async def test_a_heatmap_has_no_square_for_hours_of_few_people(world, storage, now):
    told = [said(hour, 10) for hour in range(now - 10, now)]
    few = [said(hour, 4) for hour in range(now - 40, now - 10)]
    await write(storage, world.guild.id, world.channel.id, told + few)
    answer = await world.alice.slash(world.channel, "mood heatmap")
    assert "10 of 168 hours" in (await picture(answer))[1].description


async def test_a_normal_weeks_dip_is_named_with_its_day_and_hours(world, storage, now):
    start = now // 24 * 24 - 48
    hours = [said(hour, 10, -0.7 if start + 18 <= hour < start + 21 else 0.1) for hour in range(now - 30 * 24, now)]
    await write(storage, world.guild.id, world.channel.id, hours)
    answer = await world.alice.slash(world.channel, "mood channel")
    day = datetime.fromtimestamp(start * 3600, UTC)
    assert f"; worst {day:%A} 18\N{EN DASH}21 h UTC." in answer.response.content
