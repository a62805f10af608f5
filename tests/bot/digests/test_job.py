"""Digests in the mod channel."""

import asyncio
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import aiohttp
import discord
import pytest

from bot.app.assemble import assemble
from bot.digests import job
from bot.digests.embed import LEFT_OUT
from bot.digests.periods import LATEST, latest_due
from bot.domain.records import DigestKind, Gap, GuildSettings, Mode, Rule, TargetKind
from bot.domain.spread import place_in
from bot.mod_channel import MOST_REFUSALS
from tests.bot.parts import Stopwatch, overwrite
from tests.bot.pasts import said, write

BERLIN = ZoneInfo("Europe/Berlin")


def instant(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


TUESDAY, NINE = instant("2026-11-24T00:00"), instant("2026-11-25T09:00")


class Scene:
    """A server in Berlin that wants a digest of each day at nine, with four usual weeks behind it."""

    def __init__(self, world, bot, storage):
        self.world, self.bot, self.storage = world, bot, storage
        self.mods = world.guild.create_text_channel("mods")
        self.settings = GuildSettings(
            world.guild.id, "Europe/Berlin", self.mods.id, digest=DigestKind.DAILY, digest_hour=9
        )

    async def prepare(self, mean=0.1, people=10, unread=0, **chosen):
        await self.storage.guilds.set_settings(replace(self.settings, **chosen))
        await self.watch(TargetKind.CHANNEL, self.world.channel.id)
        tuesday = int(TUESDAY // 3600)
        hours = [said(hour, 10, 0.1) for hour in range(tuesday - 28 * 24, tuesday)]
        hours += [said(hour, people, mean, unread=unread) for hour in range(tuesday + 8, tuesday + 20)]
        await write(self.storage, self.world.guild.id, self.world.channel.id, hours)

    async def watch(self, kind, target):
        await self.storage.guilds.set_rule(Rule(self.world.guild.id, kind, target, Mode.WATCH))

    async def tick(self, now=NINE):
        self.bot.jobs._clock = self.storage.alerts._clock = lambda: now
        await self.bot.jobs.tick()
        await self.world.env.settle()

    def embeds(self):
        return [message.embeds[0] for message in self.mods.history()]

    def text(self):
        (embed,) = self.embeds()
        return embed.description

    def requests(self):
        path = f"/channels/{self.mods.id}/messages"
        return [entry for entry in self.world.env.http_requests if (entry.method, entry.path) == ("POST", path)]


@pytest.fixture
async def scene(world, bot, storage, stopwatch):
    """Digests are built and sent beside all the other jobs, however long that takes a busy machine."""
    return Scene(world, bot, storage)


@pytest.fixture
def stopwatch(monkeypatch):
    return Stopwatch(monkeypatch, job)


async def test_an_unusual_day_is_told(scene):
    await scene.prepare(mean=-0.2)
    await scene.tick(NINE - 1)
    assert scene.embeds() == []
    await scene.tick()
    (embed,) = scene.embeds()
    assert embed.title == "Tuesday 24 November"
    assert embed.description == (
        f"<#{scene.world.channel.id}>: much more negative than usual "
        "(\N{MINUS SIGN}0.20, usually +0.10), 120 messages.\n"
        "In all 120 messages in 1 channel."
    )


@pytest.mark.parametrize("links", [True, False])
async def test_a_digest_has_the_button_unless_links_are_off(scene, links):
    await scene.prepare(links=links)
    await scene.tick()
    (post,) = scene.mods.history()
    names = [button.label for row in post.components for button in row.children]
    assert names == ["What happened?"] * links


async def test_a_usual_day_is_nothing_notable(scene):
    await scene.prepare()
    await scene.tick()
    assert scene.text() == "Nothing notable.\nIn all 120 messages in 1 channel."


async def test_a_day_of_few_messages_is_called_nothing(scene):
    await scene.prepare(mean=-0.9, digest_messages=121)
    await scene.tick()
    assert scene.text() == "Nothing notable.\nIn all 120 messages in 1 channel."


async def test_of_a_day_on_which_nothing_may_be_told_it_says_so(scene):
    await scene.prepare(mean=-0.9, people=4)
    await scene.tick()
    assert scene.text() == "Nothing notable.\nIn no watched channel did five people write in the same hour."


async def test_what_could_not_be_read_is_told_where_it_is_much(scene):
    await scene.prepare(unread=5)
    await scene.tick()
    assert scene.text().split("\n") == [
        "Nothing notable.",
        "In all 120 messages in 1 channel.",
        "33 % of the messages in this server aren't in English: the mood covers the rest.",
    ]


async def test_of_a_day_on_which_nothing_could_be_read_it_says_why(scene):
    await scene.prepare(people=0, unread=6)
    await scene.tick()
    assert scene.text().split("\n") == [
        "Nothing notable.",
        "In no watched channel did five people write something I can read in the same hour.",
        "100 % of the messages in this server aren't in English, and I only read English.",
    ]


async def test_alerts_and_a_long_gap_are_told(scene):
    await scene.prepare()
    scene.storage.alerts._clock = lambda: TUESDAY + 9 * 3600
    alert = await scene.storage.alerts.start_alert(scene.world.guild.id, scene.world.channel.id, -600, 100)
    await scene.storage.alerts.recover(scene.world.guild.id, alert.number)
    await scene.storage.moods.add_gap(Gap(None, int(TUESDAY), int(TUESDAY) + 7200))
    await scene.tick()
    assert scene.text().split("\n") == [
        f"<#{scene.world.channel.id}>: An alert.",
        "In all 120 messages in 1 channel.",
        "I couldn't see anything for 2 hours.",
    ]


async def test_a_digest_waits_until_everything_in_it_is_told(scene):
    """At midnight the last hour of the day is not told yet."""
    await scene.prepare(digest_hour=0)
    midnight, hour = instant("2026-11-25T00:00"), int(TUESDAY // 3600) + 23
    place = (scene.world.guild.id, scene.world.channel.id)
    await write(scene.storage, *place, [said(hour, 10, 0.1)], before=hour)
    await scene.tick(midnight + 60)
    await scene.tick(midnight + 119)
    assert scene.embeds() == []
    await scene.tick(midnight + 120)
    await scene.tick(midnight + 180)
    assert scene.text() == "Nothing notable.\nIn all 130 messages in 1 channel."


async def test_each_period_has_one_digest_however_often_it_looks(scene):
    await scene.prepare()
    for minutes in range(0, 12 * 60, 45):
        await scene.tick(NINE + minutes * 60)
    await scene.tick(NINE + 24 * 3600)
    assert [embed.title for embed in scene.embeds()] == ["Tuesday 24 November", "Wednesday 25 November"]


async def test_a_restart_brings_no_second_digest(scene, env, settings, classifier):
    await scene.prepare()
    await scene.tick()
    scene.bot = assemble(settings, classifier, scene.storage)
    await env.restart_bot(scene.bot)
    await scene.tick(NINE + 60)
    assert len(scene.embeds()) == 1


async def test_a_process_that_died_while_posting_is_found_out_in_the_channel(scene, env, settings, classifier):
    """Posted, but nobody said so."""
    await scene.prepare()

    async def dies(*_key):
        raise OSError

    sent = scene.storage.alerts.digest_sent
    try:
        object.__setattr__(scene.storage.alerts, "digest_sent", dies)
        await scene.tick()
    finally:
        object.__setattr__(scene.storage.alerts, "digest_sent", sent)
    assert len(scene.embeds()) == 1
    assert len(await scene.storage.alerts.unfinished_digests()) == 1
    scene.bot = assemble(settings, classifier, scene.storage)
    await env.restart_bot(scene.bot)
    await scene.tick(NINE + 60)
    assert len(scene.embeds()) == 1
    assert await scene.storage.alerts.unfinished_digests() == ()


async def test_a_process_that_died_before_posting_posts_after_its_restart(scene):
    await scene.prepare()
    await scene.storage.alerts.claim_digest(scene.world.guild.id, DigestKind.DAILY, "2026-11-24")
    await scene.tick(NINE + 60)
    assert len(scene.embeds()) == 1


async def test_where_the_channel_cannot_be_read_there_is_rather_no_digest_than_two(scene, env):
    await scene.prepare()
    await scene.storage.alerts.claim_digest(scene.world.guild.id, DigestKind.DAILY, "2026-11-24")
    env.inject_error("GET", f"/channels/{scene.mods.id}/messages", status=403, code=50001, times=1)
    await scene.tick()
    await scene.tick(NINE + 60)
    assert scene.embeds() == []
    assert await scene.storage.alerts.unfinished_digests() == ()


async def test_where_the_bot_may_not_see_its_earlier_posts_there_is_rather_no_digest_than_two(scene, env):
    """Discord shows an empty channel then, and refuses nothing."""
    overwrite = discord.PermissionOverwrite(read_message_history=False)
    scene.mods = scene.world.guild.create_text_channel("blind", overwrites={scene.world.guild.me: overwrite})
    await env.settle()
    await scene.prepare(mod_channel_id=scene.mods.id)
    await scene.storage.alerts.claim_digest(scene.world.guild.id, DigestKind.DAILY, "2026-11-24")
    await scene.tick()
    await scene.tick(NINE + 60)
    assert scene.embeds() == []
    assert await scene.storage.alerts.unfinished_digests() == ()


async def test_a_digest_that_was_missed_comes_late_but_not_too_late(scene):
    await scene.prepare()
    await scene.tick(NINE + LATEST[DigestKind.DAILY] + 1)
    assert scene.embeds() == []
    await scene.tick(NINE + LATEST[DigestKind.DAILY])
    assert len(scene.embeds()) == 1


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
async def test_an_hour_that_the_clocks_skip_or_repeat_brings_one_digest(scene, day):
    await scene.prepare(digest_hour=2)
    midnight = instant(f"{day}T00:00")
    for step in range(2 * 24):
        await scene.tick(midnight + step * 1800)
    assert len(scene.embeds()) == 1


async def test_a_week_is_told_on_monday(scene):
    await scene.prepare(mean=-0.2, digest=DigestKind.WEEKLY)
    await scene.tick(instant("2026-11-29T12:00"))
    assert scene.embeds() == []
    await scene.tick(instant("2026-11-30T09:00"))
    assert [embed.title for embed in scene.embeds()] == ["Week 48: 23 November to 29 November"]


async def test_a_server_that_wants_none_gets_none(scene):
    await scene.prepare(digest=DigestKind.OFF)
    await scene.tick()
    await scene.storage.guilds.set_settings(replace(scene.settings, mod_channel_id=None))
    await scene.tick()
    assert scene.embeds() == []


async def test_a_mod_channel_that_refuses_gets_three_requests_and_later_its_digest(scene, env):
    await scene.prepare()
    env.inject_error("POST", f"/channels/{scene.mods.id}/messages", status=403, code=50013, times=MOST_REFUSALS)
    for minutes in range(10):
        await scene.tick(NINE + minutes * 60)
        assert await scene.storage.alerts.unfinished_digests() == ()
    assert len(scene.requests()) == MOST_REFUSALS
    assert scene.embeds() == []
    await scene.tick(NINE + 2 * 3600)
    assert len(scene.embeds()) == 1


async def test_the_servers_of_others_get_theirs(scene, env):
    await scene.prepare()
    other = env.create_guild("Away")
    mods = other.create_text_channel("mods")
    await scene.storage.guilds.set_settings(replace(scene.settings, guild_id=other.id, mod_channel_id=mods.id))
    for status in (404, 500):
        env.inject_error("POST", f"/channels/{scene.mods.id}/messages", status=status, times=1)
    await scene.tick()
    assert len(mods.history()) == 1


async def test_when_discord_fails_it_is_looked_up_and_sent_at_the_next_look(scene, env):
    await scene.prepare()
    env.inject_error("POST", f"/channels/{scene.mods.id}/messages", status=500, times=1)
    await scene.tick()
    assert scene.embeds() == []
    await scene.tick(NINE + 60)
    assert len(scene.embeds()) == 1


async def test_a_server_that_hangs_costs_the_others_no_more_than_its_own_time(scene, env, monkeypatch, stopwatch):
    await scene.prepare()
    other = env.create_guild("Away")
    mods = other.create_text_channel("mods")
    await scene.storage.guilds.set_settings(replace(scene.settings, guild_id=other.id, mod_channel_id=mods.id))
    hung, post = [], scene.bot.services.mod_channels.post

    async def post_or_hang(guild_id, *rest, **message):
        if guild_id == other.id:
            hung.append(1)
            await stopwatch.hang()
        return await post(guild_id, *rest, **message)

    monkeypatch.setattr(scene.bot.services.mod_channels, "post", post_or_hang)
    await scene.tick()
    assert hung
    assert len(scene.embeds()) == 1
    assert scene.bot.jobs.states()["digests"].failed == 0


async def elsewhere(scene, name="Away"):
    """The mod channel of another server that wants the same digest."""
    other = scene.world.env.create_guild(name)
    mods = other.create_text_channel("mods")
    await scene.storage.guilds.set_settings(replace(scene.settings, guild_id=other.id, mod_channel_id=mods.id))
    return mods


async def test_a_server_that_waits_for_its_limit_holds_up_no_other(scene, monkeypatch):
    """The first waits until the second has its digest: one after the other, neither would come to an end."""
    await scene.prepare()
    mods = await elsewhere(scene)
    others_turn, post = asyncio.Event(), scene.bot.services.mod_channels.post

    async def post_late(guild_id, *rest, **message):
        if guild_id == scene.world.guild.id:
            await others_turn.wait()
        sent = await post(guild_id, *rest, **message)
        others_turn.set()
        return sent

    monkeypatch.setattr(scene.bot.services.mod_channels, "post", post_late)
    await scene.tick()
    assert len(scene.embeds()) == len(mods.history()) == 1


@pytest.mark.parametrize("was_posted", [False, True])
@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), aiohttp.ClientOSError(), TimeoutError()])
async def test_a_connection_that_breaks_ends_one_servers_turn_and_doubles_nothing(
    scene, monkeypatch, error, was_posted
):
    await scene.prepare()
    mods = await elsewhere(scene)
    channels, post = scene.bot.services.mod_channels, scene.bot.services.mod_channels.post

    async def broken(guild_id, *rest, **message):
        if guild_id != scene.world.guild.id or was_posted:
            sent = await post(guild_id, *rest, **message)
        if guild_id == scene.world.guild.id:
            raise error
        return sent

    with monkeypatch.context() as patched:
        patched.setattr(channels, "post", broken)
        await scene.tick()
    assert len(mods.history()) == 1
    assert scene.bot.jobs.states()["digests"].failed == 0
    for minutes in (2, 4):
        await scene.tick(NINE + minutes * 60)
    assert len(scene.embeds()) == len(mods.history()) == 1
    assert await scene.storage.alerts.unfinished_digests() == ()


async def test_a_look_up_that_fails_in_passing_loses_no_digest(scene, env):
    """Neither the claim nor that it is unfinished is forgotten, however often Discord fails."""
    await scene.prepare()
    await scene.storage.alerts.claim_digest(scene.world.guild.id, DigestKind.DAILY, "2026-11-24")
    env.inject_error("GET", f"/channels/{scene.mods.id}/messages", status=502, times=3)
    for minutes in range(3):
        await scene.tick(NINE + minutes * 60)
        assert scene.embeds() == []
    await scene.tick(NINE + 300)
    assert len(scene.embeds()) == 1


async def test_while_discord_fails_a_digest_is_tried_ever_more_rarely_and_the_status_says_so(scene, env):
    await scene.prepare()
    env.inject_error("POST", f"/channels/{scene.mods.id}/messages", status=503, times=8)
    for minutes in range(60):
        await scene.tick(NINE + minutes * 60)
    trouble = scene.bot.services.mod_channels.trouble(scene.mods.id)
    assert "because Discord has problems" in trouble
    assert 5 <= len(scene.requests()) <= 8
    for minutes in range(60, 180):
        await scene.tick(NINE + minutes * 60)
    assert len(scene.embeds()) == 1
    assert scene.bot.services.mod_channels.trouble(scene.mods.id) is None
    assert scene.world.guild.owner.dm_channel is None or scene.world.guild.owner.dm_channel.history() == []


# ---- who reads the mod channel


async def test_channels_that_not_everybody_in_the_mod_channel_can_read_are_left_out(scene, world):
    await scene.prepare(mean=-0.2)
    staff = world.guild.create_role("staff")
    secret = world.guild.create_text_channel(
        "board-only",
        overwrites={
            world.guild.default_role: discord.PermissionOverwrite(view_channel=False),
            staff: discord.PermissionOverwrite(view_channel=True),
        },
    )
    await world.env.settle()
    await scene.watch(TargetKind.SERVER, world.guild.id)
    tuesday = int(TUESDAY // 3600)
    await write(
        scene.storage, world.guild.id, secret.id, [said(h, 9, -0.9, unread=50) for h in range(tuesday, tuesday + 9)]
    )
    scene.storage.alerts._clock = lambda: TUESDAY + 9 * 3600
    await scene.storage.alerts.start_alert(world.guild.id, secret.id, -600, 100)
    await scene.tick()
    assert scene.text().split("\n")[:-1] == [
        f"<#{world.channel.id}>: much more negative than usual (\N{MINUS SIGN}0.20, usually +0.10), 120 messages.",
        "In all 120 messages in 1 channel.",
        LEFT_OUT,
    ]


async def test_that_something_is_left_out_is_said_whether_or_not_it_was_busy(scene, world):
    """Otherwise the sentence would tell that something was written there."""
    await scene.prepare()
    await overwrite(world.env, world.channel, world.guild.default_role, view_channel=False)
    expected = ["Nothing notable.", "In no other watched channel did five people write in the same hour.", LEFT_OUT]
    await scene.tick()
    await scene.tick(NINE + 24 * 3600)  # of a day on which nobody wrote anything
    assert [embed.description.split("\n") for embed in scene.embeds()] == [expected, expected]


async def test_a_channel_that_is_gone_is_told_to_nobody(scene, world, bot):
    await scene.prepare(mean=-0.2)
    guild = bot.get_guild(world.guild.id)
    guild._remove_channel(guild.get_channel(world.channel.id))
    await scene.tick()
    assert str(world.channel.id) not in scene.text()
    assert "96" not in scene.text()


# ---- many servers


async def test_of_very_many_servers_each_has_its_turn_within_the_hour(scene, monkeypatch):
    """Here it is one that takes all the places."""
    await scene.prepare()
    monkeypatch.setattr(job, "SECONDS_EACH", 1e6)
    turn = place_in(scene.world.guild.id, 3600)
    await scene.tick(NINE + turn - 1)
    assert scene.embeds() == []
    await scene.tick(NINE + turn + 1)
    assert len(scene.embeds()) == 1


async def test_what_is_done_is_not_worked_out_again_before_the_next_can_be_due(scene, monkeypatch):
    await scene.prepare()
    asked = []

    def noted(*what):
        asked.append(what)
        return latest_due(*what)

    monkeypatch.setattr(job, "latest_due", noted)
    for minute in range(4):
        await scene.tick(NINE + 60 * minute)
    assert len(scene.embeds()) == 1
    known = len(asked)
    for minute in range(4, 60, 8):
        await scene.tick(NINE + 60 * minute)
    assert len(asked) == known
    await scene.tick(NINE - 400 * 86400)  # a clock that was wrong puts nothing off
    assert len(asked) > known
    await scene.tick(NINE + 86400)
    assert len(scene.embeds()) == 3


# ---- small and new servers


async def test_a_week_of_a_server_too_small_for_hours_is_told_by_its_days_with_five_people(scene):
    await scene.storage.guilds.set_settings(replace(scene.settings, digest=DigestKind.WEEKLY))
    await scene.watch(TargetKind.CHANNEL, scene.world.channel.id)
    monday = int(instant("2026-11-16T00:00") // 3600)
    busy = [
        said(monday + 24 * day + 10 + part, range(4 * part, 4 * part + 4), 0.2) for day in (1, 3) for part in (0, 1)
    ]
    few = [said(monday + 24 * 5 + 10, 4, -0.9)]
    await write(scene.storage, scene.world.guild.id, scene.world.channel.id, [*busy, *few])
    await scene.tick(instant("2026-11-23T09:00"))
    first = scene.text().splitlines()[0]
    assert first.startswith(f"<#{scene.world.channel.id}>: ")
    assert first.endswith("messages, from the 2 days on which 5+ people wrote.")


async def test_a_digest_says_when_the_first_alert_can_come_until_what_is_usual_is_known(scene):
    await scene.prepare()
    await scene.watch(TargetKind.CHANNEL, scene.world.guild.create_text_channel("new").id)
    await scene.tick()
    assert scene.text().endswith(
        "Watching 2 channels. I know what's normal in 1; the rest is new. Learning what's normal: day 0 of 7; first "
        "alert possible on Friday 4 December. (I learn from hours with 5+ people.)"
    )
