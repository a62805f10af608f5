"""`/mood mark`, `marks` and `unmark`, and what they do to a chart."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import discord
import pytest
from PIL import Image, ImageChops

from bot.analytics.buckets import Size, edges, timeline
from bot.charts.drawing import Line, draw
from bot.charts.marks import MOST_SHOWN, within
from bot.commands.mood.marks import GONE, NO_MARKS, NOT_ALLOWED, TOO_MANY, read_instant
from bot.domain.marks import LONGEST_TEXT, MOST_MARKS, Mark
from bot.domain.records import AdminAction, GuildSettings, HourMood, Mood, TargetKind
from bot.domain.snowflake import first_id_of
from bot.storage.maintenance import forget_what_is_over
from tests.bot.pasts import hour_now, said, write


@pytest.fixture
def clock_begins():
    """Midnight in UTC."""
    return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def now(world):
    return hour_now(world.env)


async def test_a_list_of_long_names_full_of_markup_fits_a_message(world, storage, moderator):
    for number in range(25):
        await storage.marks.add(world.guild.id, 1_700_000_000 + number, "*" * LONGEST_TEXT)
    listed = (await moderator.slash(world.channel, "mood marks")).response.content
    assert len(listed) <= 2000
    assert listed.endswith(f"… and {25 - listed.count('- **')} older ones.")


@pytest.fixture
async def moderator(world):
    role = world.guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
    return world.guild.add_member(world.env.create_user("mo"), roles=[role])


async def fill(world, storage, now, *, change=0.0, days=3):
    """Weeks as ever, and from `days` ago on hours that are better or worse."""
    hours = [
        said(hour, 40, 0.1 + 0.02 * (-1) ** hour + (change if hour >= now - days * 24 else 0.0))
        for hour in range(now - 28 * 24, now)
    ]
    await write(storage, world.guild.id, world.channel.id, hours)


def labels(answer):
    return [button["label"] for row in answer.response.components for button in row["components"]]


async def test_a_moderator_marks_lists_and_removes_an_event(world, storage, moderator):
    answer = await moderator.slash(world.channel, "mood mark", text="patch  2.4 **now** <@1>")
    assert answer.response.ephemeral
    (mark,) = await storage.marks.all(world.guild.id)
    assert mark.text == "patch 2.4 **now** <@1>"
    listed = (await moderator.slash(world.channel, "mood marks")).response.content
    assert "patch 2.4" in listed
    assert "<@1>" not in listed
    assert "**now**" not in listed.replace("\\*\\*now\\*\\*", "")
    assert (await moderator.slash(world.channel, "mood unmark", mark="nonsense")).response.content == GONE
    await moderator.slash(world.channel, "mood unmark", mark=str(mark.number))
    assert (await moderator.slash(world.channel, "mood marks")).response.content == NO_MARKS
    audit = await storage.guilds.audit(world.guild.id)
    assert [(one.action, one.target_kind) for one in audit] == [(AdminAction.MARK, TargetKind.SERVER)] * 2


async def test_whoever_neither_runs_nor_moderates_the_server_marks_nothing(world, storage):
    for command, options in (("mark", {"text": "x"}), ("marks", {}), ("unmark", {"mark": "1"})):
        answer = await world.alice.slash(world.channel, f"mood {command}", **options)
        assert (answer.response.content, answer.response.ephemeral) == (NOT_ALLOWED, True)
    assert await storage.marks.all(world.guild.id) == ()


async def test_a_permission_in_one_channel_is_not_one_for_the_server(world, storage):
    allowed = discord.PermissionOverwrite(manage_messages=True)
    channel = world.guild.create_text_channel("hers", overwrites={world.alice: allowed})
    answer = await world.alice.slash(channel, "mood mark", text="x")
    assert answer.response.content == NOT_ALLOWED
    assert await storage.marks.all(world.guild.id) == ()


async def test_a_mark_may_have_a_time_in_the_servers_own(world, storage, moderator, now):
    await storage.guilds.set_settings(GuildSettings(world.guild.id, timezone="Europe/Berlin"))
    await moderator.slash(world.channel, "mood mark", text="patch", when="yesterday")
    (mark,) = await storage.marks.all(world.guild.id)
    assert mark.happened == (now - 24 - 1) * 3600  # midnight in Berlin, an hour before that in UTC
    assert read_instant("90 minutes ago", ZoneInfo("UTC"), 10_000.0) == 4600
    assert read_instant("3 h", ZoneInfo("UTC"), 1_764_000_000.5) == 1_764_000_000 - 3 * 3600
    refused = await moderator.slash(world.channel, "mood mark", text="patch", when="soon")
    assert "soon" in refused.response.content
    assert len(await storage.marks.all(world.guild.id)) == 1


async def test_a_chart_says_what_changed_at_an_event_with_its_interval(world, storage, moderator, now):
    await fill(world, storage, now, change=-0.3)
    await storage.marks.add(world.guild.id, (now - 72) * 3600, "patch 2.4")
    answer = await world.alice.slash(world.channel, "mood channel")
    said_last = answer.response.content.split("\n")[-1]
    assert re.match("“patch 2.4”: \N{MINUS SIGN}0.(29|30|31) after it, so worse than before", said_last)
    assert re.search("for the time of the week .95 % interval \N{MINUS SIGN}0.3. to \N{MINUS SIGN}0.2..", said_last)
    (attachment,) = answer.response.attachments
    assert attachment.description.endswith("Marked: patch 2.4 (29 Dec 00:00).")
    assert labels(answer) == ["What happened?", "Go to the worst hour"]
    (link,) = (button["url"] for row in answer.response.components for button in row["components"] if "url" in button)
    assert f"/{world.channel.id}/" in link
    assert int(link.rpartition("/")[2]) in {first_id_of(hour) for hour in range(now - 72, now)}


async def test_chance_is_called_no_change_and_an_event_of_just_now_is_not_compared(world, storage, now):
    await fill(world, storage, now)
    await storage.marks.add(world.guild.id, (now - 72) * 3600, "patch")
    await storage.marks.add(world.guild.id, (now - 2) * 3600, "raid")
    content = (await world.alice.slash(world.channel, "mood channel")).response.content
    assert "“patch”: no clear change" in content
    assert "“raid”: too early to compare." in content
    server = await world.alice.slash(world.channel, "mood server")
    assert "“patch”" in server.response.content
    assert labels(server) == ["What happened?"]


async def test_where_links_are_off_there_is_no_button(world, storage, now):
    await fill(world, storage, now)
    await storage.guilds.set_settings(replace(GuildSettings(world.guild.id), links=False))
    assert labels(await world.alice.slash(world.channel, "mood channel")) == ["Go to the worst hour"]


async def test_marks_are_a_servers_own_bounded_and_go(storage):
    for number in range(MOST_MARKS):
        assert await storage.marks.add(1, 1_764_000_000 + number, "x")
    assert await storage.marks.add(1, 0, "x") is None
    (other,) = [await storage.marks.add(2, 1_764_000_000, "y")]
    assert not await storage.marks.remove(1, other.number)
    storage.write_buffer.guild_gone(1)
    await storage.write_buffer.flush()
    assert await storage.marks.all(1) == ()
    await forget_what_is_over(storage, 1_764_000_000.0 + 401 * 86400)
    assert await storage.marks.all(2) == ()


def test_too_many_is_said():
    assert str(MOST_MARKS) in TOO_MANY


def picture(marks):
    zone, first = ZoneInfo("UTC"), 490_000
    hours = tuple(HourMood(first + number, 2, 6, 2, 0, 100_000, 5) for number in range(48))
    bounds = edges(first, first + 48, Size.HOUR, zone)
    line = Line("#general", timeline(Mood(hours, (), ()), Size.HOUR, bounds))
    return Image.open(io.BytesIO(draw([line], zone, marks=marks))).convert("RGB")


def lowest_panel(picture):
    """The picture grows above it."""
    return picture.crop((0, picture.height - 250, picture.width, picture.height))


def test_a_mark_is_a_line_at_its_instant_through_every_panel():
    plain = lowest_panel(picture(()))
    for hour, text in ((6, "patch $2^4$"), (46, "a rather long name of some event")):
        marked = lowest_panel(picture((Mark(1, (490_000 + hour) * 3600, text),)))
        box = ImageChops.difference(plain, marked).point(lambda value: value if value > 60 else 0).getbbox()
        assert box is not None
        left, _top, right, _bottom = box
        where = 125 + 850 * hour / 48
        assert where - 4 <= left < right <= where + 4


def test_of_many_events_a_picture_shows_the_latest():
    marks = [Mark(number, number, "x") for number in range(30, 0, -1)]
    assert [mark.number for mark in within(marks, 5, 28)] == list(range(28 - MOST_SHOWN, 28))
