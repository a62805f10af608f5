"""Alerts, from the hours in the database to the posts in the mod channel."""

import asyncio
import re
import threading
from dataclasses import replace

import aiohttp
import discord
import pytest
from simcord import ChannelHandle
from simcord.backend import serializers
from sqlalchemy import delete

from bot.alerts import buttons, job
from bot.alerts.buttons import FORGOTTEN, MODERATORS_ONLY, NOT_NOTED, NOT_SHOWN, TAKEN
from bot.alerts.channel_rules import highest_of_threads
from bot.alerts.job import AlertJob
from bot.analytics.anomaly import COOLDOWN_SECONDS, SILENT_SECONDS
from bot.app.assemble import assemble
from bot.charts.executor import MOST_WAITING
from bot.domain.records import AdminAction, GuildSettings, Mode, Rule, Sensitivity, TargetKind
from bot.domain.snowflake import first_id_of
from bot.mod_channel import FIRST_PAUSE, MOST_REFUSALS
from bot.storage.errors import DatabaseUnavailable
from bot.storage.schema import AlertRow
from bot.ui.components import parts
from model import Sentiment, Verdict
from tests.bot.parts import Stopwatch, overwrite
from tests.bot.pasts import hour_now, said, write
from tests.bot.storage.scenes import author, exact_hours, publish, verdict

DANGER = Verdict(Sentiment.NEGATIVE, (0.02, 0.01, 0.97), 1, "m", danger=True)


class Scene:
    """A watched channel with three usual weeks behind it, a mod channel, and a clock that the test moves."""

    def __init__(self, world, bot, storage):
        self.world, self.bot, self.storage = world, bot, storage
        self.mods = world.guild.create_text_channel("mods")
        self.hour = hour_now(world.env)
        self.settings = GuildSettings(world.guild.id, mod_channel_id=self.mods.id)

    async def prepare(self, sensitivity=Sensitivity.NORMAL, mode=Mode.WATCH):
        await self.storage.guilds.set_settings(self.settings)
        await self.watch(TargetKind.CHANNEL, self.world.channel.id, sensitivity, mode)
        past = range(self.hour - 21 * 24, self.hour)
        await self.add(*(said(hour, 30, 0.1 + 0.06 * (-1) ** hour) for hour in past))

    async def watch(self, kind, target, sensitivity=Sensitivity.NORMAL, mode=Mode.WATCH):
        await self.storage.guilds.set_rule(Rule(self.world.guild.id, kind, target, mode, sensitivity=sensitivity))

    async def add(self, *hours, channel=None):
        """Of the hours from the present one on nothing is told yet."""
        place = (self.world.guild.id, (channel or self.world.channel).id)
        await write(self.storage, *place, hours, before=self.hour)

    async def tick(self, hours=0.0, minutes=1.0):
        """The bot looks, so long after the present hour began."""
        now = self.hour * 3600 + hours * 3600 + minutes * 60
        self.bot.jobs._clock = self.storage.alerts._clock = lambda: now
        await self.bot.jobs.tick()
        await self.world.env.settle()

    def posts(self, channel=None):
        return (channel or self.mods).history()

    def titles(self):
        return [message.embeds[0].title for message in self.posts()]

    def requests(self, ending="/messages"):
        path = f"/channels/{self.mods.id}{ending}"
        return [entry for entry in self.world.env.http_requests if (entry.method, entry.path) == ("POST", path)]


@pytest.fixture
async def scene(world, bot, storage, stopwatch):
    return Scene(world, bot, storage)


@pytest.fixture
def stopwatch(monkeypatch):
    return Stopwatch(monkeypatch, job)


async def test_a_storm_is_one_alert_and_one_recovery(scene):
    await scene.prepare()
    await scene.tick()
    assert scene.titles() == []
    await scene.add(*(said(scene.hour + number, 40, -0.6) for number in range(3)))
    for hours in (0, 0.5, 1, 1.5, 2, 2.5):
        await scene.tick(hours)
    assert scene.titles() == ["The mood has dropped"]
    await scene.add(said(scene.hour + 3, 40, 0.1))
    for hours in (3, 3.5, 4):
        await scene.tick(hours)
    assert scene.titles() == ["The mood has dropped", "Recovered"]
    alert, recovered = scene.posts()
    assert f"<#{scene.world.channel.id}> is far more negative than usual" in alert.embeds[0].description
    assert "is back to normal, 3 hours after the alert" in recovered.embeds[0].description


async def test_an_alert_pings_the_role_that_was_chosen_and_nobody_else(scene):
    role, other = (scene.world.guild.create_role(name) for name in ("helpers", "others"))
    scene.settings = replace(scene.settings, alert_role_id=role.id)
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    (request,) = scene.requests()
    assert request.json["content"] == f"<@&{role.id}>"
    assert {kind: ids for kind, ids in request.json["allowed_mentions"].items() if ids} in (
        {"roles": [role.id], "parse": []},
        {"roles": [role.id]},
    )
    assert str(other.id) not in str(request.json)


async def test_a_role_that_is_gone_is_left_out(scene):
    scene.settings = replace(scene.settings, alert_role_id=12345)
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    (request,) = scene.requests()
    assert not request.json.get("content")


async def test_an_alert_says_no_number_of_an_hour_that_is_not_over(scene):
    """The hour was judged as it is: posted again and again its numbers would give single messages away."""
    await scene.prepare()
    await scene.add(said(scene.hour, 41, -0.623), said(scene.hour + 1, 43, 0.111))
    await scene.tick(0)
    await scene.tick(1)
    assert scene.titles() == ["The mood has dropped", "Recovered"]
    for post in scene.posts():
        embed = post.embeds[0]
        words = re.sub(r"<#\d+>|<t:\d+:t>|1 hour after|Alert 1", "", f"{embed.description} {embed.footer.text}")
        assert not re.search(r"\d", words)
    (alert,) = await scene.storage.alerts.alerts(scene.world.guild.id)
    assert (alert.level % 10, alert.usual_level % 10) == (0, 0)


@pytest.mark.parametrize(("needed", "alerts"), [({"alert_messages": 60}, 0), ({"alert_authors": 50}, 0), ({}, 1)])
async def test_a_channel_may_need_more_for_an_alert_than_its_server(scene, needed, alerts):
    await scene.prepare()
    here = (scene.world.guild.id, TargetKind.CHANNEL, scene.world.channel.id)
    await scene.storage.guilds.set_rule(Rule(*here, Mode.WATCH, **needed))
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"] * alerts


async def test_a_channel_may_need_less_for_an_alert_than_its_server(scene):
    scene.settings = replace(scene.settings, alert_messages=100)
    await scene.prepare()
    here = (scene.world.guild.id, TargetKind.CHANNEL, scene.world.channel.id)
    await scene.storage.guilds.set_rule(Rule(*here, Mode.WATCH, alert_messages=20))
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"]


async def test_what_is_usual_is_learned_from_what_was_told(scene):
    """The exact past of a channel is gone after the retention time; what was told of it is enough."""
    await scene.prepare()
    async with scene.storage.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM hours")
        await connection.exec_driver_sql("DELETE FROM hour_authors")
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"]


async def test_between_the_two_thresholds_nothing_changes(scene):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6), said(scene.hour + 1, 900, -0.15), said(scene.hour + 2, 900, -0.15))
    for hours in (0, 1, 2):
        await scene.tick(hours)
    assert scene.titles() == ["The mood has dropped"]


async def test_after_a_storm_the_next_waits(scene):
    await scene.prepare()
    rest = COOLDOWN_SECONDS // 3600
    bad = {0, 2, 1 + rest + 1}
    await scene.add(*(said(scene.hour + n, 40, -0.6 if n in bad else 0.1) for n in range(rest + 4)))
    for hours in range(rest + 1):
        await scene.tick(hours)
    assert scene.titles() == ["The mood has dropped", "Recovered"]
    await scene.tick(rest + 2)
    assert scene.titles() == ["The mood has dropped", "Recovered", "The mood has dropped"]


async def test_a_channel_that_falls_silent_has_recovered(scene):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    silent = 1 + SILENT_SECONDS / 3600
    await scene.tick(silent - 0.5)
    assert scene.titles() == ["The mood has dropped"]
    await scene.tick(silent)
    assert scene.titles() == ["The mood has dropped", "Recovered"]
    assert "has gone quiet" in scene.posts()[-1].embeds[0].description


async def test_a_text_in_which_somebody_may_be_in_danger_alerts_nobody_by_itself(scene):
    scene.settings = replace(scene.settings, alert_messages=5)  # the fewest that a server can choose
    await scene.prepare(Sensitivity.HIGH)
    guild, channel = scene.world.guild.id, scene.world.channel.id
    for number in range(10):
        text = DANGER if number == 9 else verdict(0.0)
        author = scene.storage.pseudonyms.author(number)
        scene.storage.write_buffer.scored(first_id_of(scene.hour) + number, guild, channel, author, text)
    scene.storage.write_buffer._clock = lambda: scene.hour * 3600.0  # the tests' Discord lives in the past
    await scene.storage.write_buffer.flush()
    ((_, _, hour),) = await exact_hours(scene.storage.database, scene.hour, scene.hour, (guild,))
    assert (hour.negative, hour.messages) == (1, 10)
    assert hour.mean < -0.05
    await scene.tick()
    assert scene.titles() == []


@pytest.mark.parametrize("people", [4, 19])
async def test_few_people_or_messages_are_no_storm(scene, people):
    await scene.prepare(Sensitivity.HIGH)
    await scene.add(said(scene.hour, people, -0.9))
    await scene.tick()
    assert scene.titles() == []


# ---- what is judged before it is told


@pytest.mark.parametrize("people", [5, 8])
async def test_of_few_people_there_is_no_alert_before_the_hour_is_told(scene, people):
    await scene.prepare(Sensitivity.HIGH)
    await scene.add(said(scene.hour, [number % people for number in range(40)], -0.9))
    for hours in (0, 0.5, 0.9, 1):
        await scene.tick(hours)
    assert scene.titles() == []
    await publish(scene.storage.database, scene.hour + 1)
    await scene.tick(1)
    assert scene.titles() == ["The mood has dropped"]


@pytest.mark.parametrize("people", [9, 10, 15])
async def test_an_hour_that_one_person_dominates_is_not_judged_before_it_is_told(scene, people):
    await scene.prepare(Sensitivity.HIGH)
    await scene.add(said(scene.hour, [*range(people), *[0] * 30], -0.9))
    await scene.tick()
    await scene.tick(0.9)
    assert scene.titles() == []


async def test_nine_people_of_whom_nobody_dominates_are_judged_at_once(scene):
    await scene.prepare()
    await scene.add(said(scene.hour, [number % 9 for number in range(36)], -0.6))
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"]


async def test_an_hour_of_few_people_ends_no_alert_before_it_is_told(scene):
    await scene.prepare()
    few = [number % 5 for number in range(40)]
    await scene.add(said(scene.hour, 40, -0.6), said(scene.hour + 1, few, 0.2))
    for hours in (0, 1, 1.5, 1.9, 2):
        await scene.tick(hours)
    assert scene.titles() == ["The mood has dropped"]
    await publish(scene.storage.database, scene.hour + 2)
    await scene.tick(2)
    assert scene.titles() == ["The mood has dropped", "Recovered"]


async def test_the_hour_that_began_an_alert_does_not_end_it_before_it_is_told(scene):
    """From a start and an end in one hour the sum of what was written in between would follow."""
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    async with scene.storage.database.write() as connection:
        await connection.exec_driver_sql(f"UPDATE hours SET score_sum = 8000 WHERE hour = {scene.hour}")
    await scene.tick(0.5)
    assert scene.titles() == ["The mood has dropped"]
    await publish(scene.storage.database, scene.hour + 1)
    await scene.tick(1)
    assert scene.titles() == ["The mood has dropped", "Recovered"]


async def test_an_hour_before_the_one_that_began_an_alert_does_not_end_it(scene):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    async with scene.storage.database.write() as connection:
        await connection.exec_driver_sql(f"DELETE FROM hours WHERE hour = {scene.hour}")
    await scene.tick(0.5)
    assert scene.titles() == ["The mood has dropped"]


@pytest.mark.parametrize("victim", [-0.83, 0.12, 0.9])
@pytest.mark.parametrize(("strangers", "count"), [(0, 1), (3, 1), (5, 20)])
async def test_four_accounts_that_edit_until_there_is_an_alert_learn_nothing(scene, victim, strangers, count):
    """Their messages get worse from minute to minute: when the alert came told what the victim's are."""
    scene.settings = replace(scene.settings, alert_messages=5)
    await scene.prepare(Sensitivity.HIGH)
    guild, channel = scene.world.guild.id, scene.world.channel.id
    buffer, first = scene.storage.write_buffer, first_id_of(scene.hour)
    buffer._clock = lambda: scene.hour * 3600.0  # the tests' Discord lives in the past
    for number in range(count + strangers):
        buffer.scored(first + number, guild, channel, author(100 + max(0, number - count + 1)), verdict(victim))
    for minute in range(1, 21):
        for number in range(4):
            text, edited = verdict(1 - minute / 10), (scene.hour * 3600 + 60 * minute) * 1000
            buffer.scored(first + 1000 + number, guild, channel, author(number), text, edited=edited)
        await buffer.flush()
        await scene.tick(minutes=minute)
    assert scene.titles() == []
    assert await scene.storage.alerts.alerts(guild) == ()


async def test_a_server_may_ask_for_more_people(scene):
    scene.settings = replace(scene.settings, alert_authors=50)
    await scene.prepare()
    await scene.add(said(scene.hour, 49, -0.9))
    await scene.tick()
    assert scene.titles() == []


@pytest.mark.parametrize(("elsewhere", "titles"), [(False, ["The mood has dropped"]), (True, [])])
async def test_a_thread_that_is_watched_alone_raises_its_channels_alert(scene, elsewhere, titles):
    await scene.prepare(mode=Mode.EXEMPT)
    where = scene.mods if elsewhere else scene.world.channel
    message = await scene.world.maya.send(where, "hello")
    thread = scene.world.env.backend.create_thread(where.id, "thread", scene.world.maya.id, message_id=message.id)
    await scene.world.env.settle()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    assert not scene.requests()
    await scene.watch(TargetKind.THREAD, thread.id)
    await scene.tick()
    titles_of_posts = [message.embeds[0].title for message in scene.posts() if message.embeds]
    assert titles_of_posts == titles


def test_of_several_threads_the_highest_sensitivity_counts():
    def rule(thread, sensitivity, mode=Mode.WATCH, kind=TargetKind.THREAD):
        return Rule(1, kind, thread, mode, sensitivity=sensitivity)

    rules = [
        rule(2, Sensitivity.LOW),
        rule(3, Sensitivity.NORMAL),
        rule(4, Sensitivity.HIGH, Mode.EXEMPT),
        rule(5, Sensitivity.HIGH),
        rule(2, Sensitivity.HIGH, kind=TargetKind.ROLE),
    ]
    assert highest_of_threads(rules, {2, 3, 4}) is Sensitivity.NORMAL
    assert highest_of_threads(rules, {2, 3, 5}) is Sensitivity.HIGH
    assert highest_of_threads(rules, {4, 6}) is None


async def test_only_servers_that_watch_something_are_looked_through(scene, monkeypatch):
    """The hours' index begins with the server: without one, every hour ever stored would be read each minute."""
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    for guild in (4711, 4811):  # one watches nothing, the other has nobody to tell
        hours = [said(hour, 40, -0.6) for hour in (scene.hour - 1, scene.hour)]
        await write(scene.storage, guild, guild + 1, hours, before=scene.hour)
    await scene.storage.guilds.set_settings(GuildSettings(4711, mod_channel_id=4713))
    await scene.storage.guilds.set_rule(Rule(4711, TargetKind.SERVER, 4711, Mode.EXEMPT))
    await scene.storage.guilds.set_rule(Rule(4811, TargetKind.SERVER, 4811, Mode.WATCH))
    moods, read = scene.storage.moods, []
    find = moods.hours_to_judge

    async def noted(*asked):
        hours = await find(*asked)
        read.append({(hour.guild_id, hour.told) for hour in hours})
        return hours

    monkeypatch.setattr(moods, "hours_to_judge", noted)
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"]
    assert read == [{(scene.world.guild.id, True), (scene.world.guild.id, False)}]


async def test_a_new_channel_has_no_alert_before_anything_is_usual_there(scene):
    await scene.prepare()
    new = scene.world.guild.create_text_channel("new")
    await scene.watch(TargetKind.CHANNEL, new.id, Sensitivity.HIGH)
    await scene.add(*(said(scene.hour - number, 40, -0.9) for number in range(5)), channel=new)
    await scene.tick()
    assert scene.titles() == []


async def test_without_a_mod_channel_or_a_rule_nothing_is_posted(scene):
    scene.settings = replace(scene.settings, mod_channel_id=None)
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.9))
    await scene.tick()
    assert await scene.storage.alerts.alerts(scene.world.guild.id) == ()
    await scene.storage.guilds.set_settings(replace(scene.settings, mod_channel_id=scene.mods.id))
    await scene.storage.guilds.remove_rule(scene.world.guild.id, TargetKind.CHANNEL, scene.world.channel.id)
    await scene.tick()
    assert scene.titles() == []
    await scene.watch(TargetKind.SERVER, scene.world.guild.id)
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"]


async def test_the_narrowest_rule_decides(scene):
    """The server is watched, the channel exempt; then the channel itself is watched."""
    await scene.prepare(mode=Mode.EXEMPT)
    await scene.watch(TargetKind.SERVER, scene.world.guild.id, Sensitivity.HIGH)
    await scene.add(said(scene.hour, 40, -0.9))
    await scene.tick()
    assert scene.titles() == []
    await scene.watch(TargetKind.CHANNEL, scene.world.channel.id)
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"]


async def test_a_channel_that_is_watched_no_longer_ends_its_storm_without_a_word(scene):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.9))
    await scene.tick()
    await scene.watch(TargetKind.CHANNEL, scene.world.channel.id, mode=Mode.EXEMPT)
    await scene.tick(minutes=2)
    assert scene.titles() == ["The mood has dropped"]
    assert await scene.storage.alerts.storms() == ()


async def test_a_restart_neither_repeats_an_alert_nor_forgets_it(scene, env, settings, classifier):
    await scene.prepare()
    await scene.add(*(said(scene.hour + number, 40, -0.6) for number in range(2)))
    await scene.tick()
    scene.bot = assemble(settings, classifier, scene.storage)
    await env.restart_bot(scene.bot)
    await scene.tick(1)
    assert scene.titles() == ["The mood has dropped"]
    await scene.add(said(scene.hour + 2, 40, 0.1))
    await scene.tick(2)
    assert scene.titles() == ["The mood has dropped", "Recovered"]


async def test_an_alert_whose_process_died_while_posting_is_looked_for_before_it_is_posted(scene):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6), said(scene.hour + 1, 40, -0.6))
    await scene.tick()
    (alert,) = await scene.storage.alerts.storms()
    async with scene.storage.database.write() as connection:
        from sqlalchemy import update

        from bot.storage.schema import AlertRow

        await connection.execute(update(AlertRow).values(post_id=None))
    await scene.tick(1)
    assert scene.titles() == ["The mood has dropped"]
    assert (await scene.storage.alerts.storms())[0].post_id == alert.post_id


async def test_an_alert_that_was_never_posted_is_posted_after_a_restart(scene):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.storage.alerts.start_alert(scene.world.guild.id, scene.world.channel.id, -600, 100)
    await scene.tick()
    await scene.tick(minutes=2)
    assert scene.titles() == ["The mood has dropped"]


# ---- the button


@pytest.fixture
async def moderator(world):
    role = world.guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
    return world.guild.add_member(world.env.create_user("mo"), roles=[role])


def labels(post):
    """What can be pressed under a post."""
    return [part.label for part in parts(post.components) if getattr(part, "label", None)]


def is_free(post):
    """Whether nobody is on it yet."""
    return "I'm on it" in labels(post)


async def storm(scene):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    (post,) = scene.posts()
    return post


async def test_a_moderator_takes_an_alert_and_the_others_see_it(scene, moderator):
    post = await storm(scene)
    await moderator.click(post, label="I'm on it")
    (post,) = scene.posts()
    assert not is_free(post)
    (field,) = post.embeds[0].fields
    (alert,) = await scene.storage.alerts.storms()
    assert alert.acknowledged is not None
    (entry,) = await scene.storage.guilds.audit(scene.world.guild.id)
    assert (entry.action, entry.actor) == (AdminAction.ACKNOWLEDGE, scene.storage.pseudonyms.author(moderator.id))
    assert (field.name, field.value) == ("On it", f"<@{moderator.id}> since <t:{alert.acknowledged}:t>")


async def test_who_may_not_manage_messages_cannot_take_an_alert(scene):
    answer = await scene.world.alice.click(await storm(scene), label="I'm on it")
    assert answer.response.content == MODERATORS_ONLY
    assert answer.response.ephemeral
    assert (await scene.storage.alerts.storms())[0].acknowledged is None


async def test_the_button_works_after_a_restart_and_only_once(scene, env, moderator, settings, classifier):
    post = await storm(scene)
    await env.restart_bot(assemble(settings, classifier, scene.storage))
    (alert,) = await scene.storage.alerts.storms()
    assert await scene.storage.alerts.acknowledge(scene.world.guild.id, alert.number)
    answer = await moderator.click(post, label="I'm on it")
    (said,) = answer.followups
    assert said.content == TAKEN
    assert said.ephemeral


async def test_a_press_that_comes_too_late_notes_nothing_and_the_next_one_does(scene, env, moderator):
    post = await storm(scene)
    env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062, times=1)
    await moderator.click(post, label="I'm on it")
    assert (await scene.storage.alerts.storms())[0].acknowledged is None
    await moderator.click(post, label="I'm on it")
    (post,) = scene.posts()
    assert (is_free(post), post.embeds[0].fields[0].name) == (False, "On it")


async def test_a_press_that_discord_took_although_it_said_otherwise_goes_on(scene, env, moderator):
    """It answered 502 after it had acknowledged it, so the library's second try is one too many."""
    post, acknowledge = await storm(scene), discord.InteractionResponse.defer

    async def defer(response, **options):
        await acknowledge(response, **options)
        raise discord.HTTPException(Answered(400), {"code": 40060})  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(discord.InteractionResponse, "defer", defer)
        await moderator.click(post, label="I'm on it")
    assert not is_free(scene.posts()[0])


class Answered:
    """As much of an answer as an error of the library's needs."""

    reason = "made on purpose"

    def __init__(self, status):
        self.status = status


async def test_a_post_that_could_not_be_changed_is_changed_by_the_next_press(scene, env, moderator):
    post = await storm(scene)
    env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=503, times=1)
    answer = await moderator.click(post, label="I'm on it")
    assert answer.followups[0].content == NOT_SHOWN
    assert answer.followups[0].ephemeral
    (post,) = scene.posts()
    assert is_free(post)
    assert (await scene.storage.alerts.storms())[0].acknowledged is not None
    answer = await moderator.click(post, label="I'm on it")
    assert answer.followups[0].content == TAKEN
    (post,) = scene.posts()
    assert not is_free(post)
    (field,) = post.embeds[0].fields
    (alert,) = await scene.storage.alerts.storms()
    assert field.value == f"since <t:{alert.acknowledged}:t>"
    assert len(await scene.storage.guilds.audit(scene.world.guild.id)) == 1


@pytest.mark.parametrize("away", ["slow", "absent"])
async def test_a_database_that_does_not_answer_is_one_sentence_under_the_button(
    scene, env, moderator, monkeypatch, away
):
    post = await storm(scene)

    async def absent(*_asked):
        if away == "slow":
            await asyncio.Event().wait()
        raise DatabaseUnavailable("no")

    with monkeypatch.context() as broken:
        broken.setattr(buttons, "_RECORD_SECONDS", 0)
        broken.setattr(scene.storage.alerts, "acknowledge", absent)
        answer = await moderator.click(post, label="I'm on it")
    assert answer.followups[0].content == NOT_NOTED
    (post,) = scene.posts()
    assert is_free(post)
    await moderator.click(post, label="I'm on it")
    assert not is_free(scene.posts()[0])


async def test_of_an_alert_that_is_forgotten_the_button_says_so_and_goes(scene, moderator):
    post = await storm(scene)
    async with scene.storage.database.write() as connection:
        await connection.execute(delete(AlertRow))
    answer = await moderator.click(post, label="I'm on it")
    assert answer.followups[0].content == FORGOTTEN
    assert scene.posts()[0].components == []


# ---- who reads the mod channel


def only(*who):
    """Overwrites of a channel that only they can see."""
    shut = {who[0].guild.default_role: discord.PermissionOverwrite(view_channel=False)}
    return shut | {one: discord.PermissionOverwrite(view_channel=True) for one in who}


async def test_of_a_channel_that_not_everybody_in_the_mod_channel_can_read_nobody_is_alerted(scene, world, moderator):
    await scene.prepare()
    await scene.add(*(said(scene.hour + number, 40, -0.6) for number in range(3)))
    await overwrite(world.env, world.channel, world.guild.default_role, view_channel=False)
    await scene.tick()
    assert scene.requests() == []
    assert await scene.storage.alerts.alerts(world.guild.id) == ()
    await overwrite(world.env, scene.mods, world.guild.me, view_channel=True)
    await overwrite(world.env, scene.mods, world.guild.default_role, view_channel=False)
    await scene.tick(1)
    assert scene.titles() == ["The mood has dropped"]
    await overwrite(world.env, scene.mods, world.alice, view_channel=True)
    await scene.add(said(scene.hour + 3, 40, 0.1))
    await scene.tick(3)
    assert scene.titles() == ["The mood has dropped"]  # nor is alice told how it ends
    assert await scene.storage.alerts.storms() == ()


async def test_an_alert_that_waits_for_its_post_is_not_posted_once_its_channel_is_hidden(scene, world):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.storage.alerts.start_alert(world.guild.id, world.channel.id, -600, 100)
    await overwrite(world.env, world.channel, world.guild.default_role, view_channel=False)
    await scene.tick()
    assert scene.requests() == []
    assert await scene.storage.alerts.storms() == ()


@pytest.mark.parametrize(("has_role", "titles"), [(True, ["The mood has dropped"]), (False, [])])
async def test_of_members_with_an_overwrite_of_their_own_the_roles_are_looked_up(
    scene, world, moderator, has_role, titles
):
    staff = world.guild.create_role("staff")
    sam = world.guild.add_member(world.env.create_user("sam"), roles=[staff] if has_role else [])
    secret = world.guild.create_text_channel("secret", overwrites=only(staff, world.guild.me))
    scene.mods = world.guild.create_text_channel("only-sam", overwrites=only(sam, world.guild.me))
    world.channel = secret
    scene.settings = replace(scene.settings, mod_channel_id=scene.mods.id)
    await world.env.settle()
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    assert scene.titles() == titles


async def test_who_has_left_hears_nothing_any_more(scene, world):
    sam = world.guild.add_member(world.env.create_user("sam"))
    await overwrite(world.env, world.channel, sam, view_channel=False)
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    assert scene.requests() == []
    world.guild.remove_member(sam)
    await scene.tick(minutes=15)
    assert scene.titles() == ["The mood has dropped"]


async def test_an_archived_thread_as_mod_channel_gets_its_alert(scene, world):
    thread = world.env.backend.create_thread(scene.mods.id, "alerts", world.alice.id)
    thread.thread_metadata.archived = True
    world.env.backend.emit("THREAD_UPDATE", serializers.channel_payload(world.env.backend, thread))
    await world.env.settle()
    scene.mods = ChannelHandle(world.env, world.guild, thread)
    scene.settings = replace(scene.settings, mod_channel_id=thread.id)
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"]


# ---- a mod channel that refuses


async def test_a_mod_channel_that_refuses_gets_three_requests_and_the_owner_one_note(scene, env):
    await scene.prepare()
    await scene.add(*(said(scene.hour + number, 40, -0.6) for number in range(4)))
    env.inject_error("POST", f"/channels/{scene.mods.id}/messages", status=403, code=50013, times=None)
    for minutes in range(1, 12):
        await scene.tick(minutes=minutes)
    assert len(scene.requests()) == MOST_REFUSALS
    assert "I'll try again" in scene.bot.services.mod_channels.trouble(scene.mods.id)
    await scene.tick(hours=FIRST_PAUSE / 3600, minutes=4)
    await scene.tick(hours=FIRST_PAUSE / 3600, minutes=5)
    assert len(scene.requests()) == MOST_REFUSALS + 1
    notes = scene.world.guild.owner.dm_channel.history()
    assert len(notes) == 1
    assert f"to <#{scene.mods.id}>" in notes[0].content


async def test_when_the_mod_channel_takes_posts_again_the_alert_comes(scene, env):
    await scene.prepare()
    await scene.add(*(said(scene.hour + number, 40, -0.6) for number in range(4)))
    env.inject_error("POST", f"/channels/{scene.mods.id}/messages", status=404, code=10003, times=MOST_REFUSALS)
    for minutes in range(1, 6):
        await scene.tick(minutes=minutes)
    assert scene.titles() == []
    await scene.tick(hours=FIRST_PAUSE / 3600, minutes=5)
    assert scene.titles() == ["The mood has dropped"]
    assert scene.bot.services.mod_channels.trouble(scene.mods.id) is None


async def test_one_servers_refusing_channel_keeps_no_other_from_its_alert(scene, env, world):
    await scene.prepare()
    other = env.create_guild("Away")
    talk, mods = other.create_text_channel("talk"), other.create_text_channel("mods")
    await scene.storage.guilds.set_settings(GuildSettings(other.id, mod_channel_id=mods.id))
    await scene.storage.guilds.set_rule(Rule(other.id, TargetKind.SERVER, other.id, Mode.WATCH))
    past = [said(hour, 30, 0.1 + 0.06 * (-1) ** hour) for hour in range(scene.hour - 21 * 24, scene.hour)]
    await write(scene.storage, other.id, talk.id, [*past, said(scene.hour, 40, -0.6)])
    await scene.add(said(scene.hour, 40, -0.6))
    for status in (403, 500):
        env.inject_error("POST", f"/channels/{scene.mods.id}/messages", status=status, times=1)
    await scene.tick()
    assert scene.titles() == []
    assert [message.embeds[0].title for message in mods.history()] == ["The mood has dropped"]


async def elsewhere(scene, name="Away"):
    """Another server in which the mood drops as well; its channel and its mod channel."""
    other = scene.world.env.create_guild(name)
    talk, mods = other.create_text_channel("talk"), other.create_text_channel("mods")
    await scene.storage.guilds.set_settings(GuildSettings(other.id, mod_channel_id=mods.id))
    await scene.storage.guilds.set_rule(Rule(other.id, TargetKind.SERVER, other.id, Mode.WATCH))
    past = [said(hour, 30, 0.1 + 0.06 * (-1) ** hour) for hour in range(scene.hour - 21 * 24, scene.hour)]
    await write(scene.storage, other.id, talk.id, [*past, said(scene.hour, 40, -0.6)])
    return talk, mods


async def test_a_server_that_waits_for_its_limit_holds_up_no_other(scene, monkeypatch):
    """The first waits until the second has been told: one after the other, neither would come to an end."""
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    _, mods = await elsewhere(scene)
    others_turn, post = asyncio.Event(), scene.bot.services.mod_channels.post

    async def post_late(guild_id, *rest, **message):
        if guild_id == scene.world.guild.id:
            await others_turn.wait()
        sent = await post(guild_id, *rest, **message)
        others_turn.set()
        return sent

    monkeypatch.setattr(scene.bot.services.mod_channels, "post", post_late)
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"]
    assert [message.embeds[0].title for message in mods.history()] == ["The mood has dropped"]


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), aiohttp.ClientOSError(), TimeoutError()])
async def test_a_connection_that_breaks_ends_one_servers_turn_and_not_the_others(scene, monkeypatch, error):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    _, mods = await elsewhere(scene)
    channels, post = scene.bot.services.mod_channels, scene.bot.services.mod_channels.post

    async def broken(guild_id, *rest, **message):
        if guild_id == scene.world.guild.id:
            raise error
        return await post(guild_id, *rest, **message)

    with monkeypatch.context() as patched:
        patched.setattr(channels, "post", broken)
        await scene.tick()
    assert [message.embeds[0].title for message in mods.history()] == ["The mood has dropped"]
    assert scene.bot.jobs.states()["alerts"].failed == 0
    await scene.tick(minutes=3)
    assert scene.titles() == ["The mood has dropped"]


async def test_a_recovery_is_not_lost_while_discord_fails(scene, env):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6), said(scene.hour + 1, 40, 0.1))
    await scene.tick()
    env.inject_error("POST", f"/channels/{scene.mods.id}/messages", status=503, times=4)
    for minutes in range(60, 120):
        await scene.tick(minutes=minutes)
    assert scene.titles() == ["The mood has dropped", "Recovered"]
    assert "59 minutes after the alert" in scene.posts()[-1].embeds[0].description
    assert len(scene.requests()) == 1 + 4 + 1


@pytest.fixture
def hung(monkeypatch, stopwatch):
    """Looking at a channel of server 1 never ends; how many looks were begun there."""
    begun, look = [], AlertJob._look

    async def look_or_hang(watch, settings, *rest):
        if settings.guild_id == 1:
            begun.append(1)
            await stopwatch.hang()
        await look(watch, settings, *rest)

    monkeypatch.setattr(AlertJob, "_look", look_or_hang)
    return begun


async def test_a_server_that_hangs_costs_the_others_no_more_than_its_own_time(scene, hung):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    await scene.storage.alerts.start_alert(1, 2, -600, 100)
    await scene.storage.guilds.set_settings(replace(scene.settings, guild_id=1))
    await scene.storage.guilds.set_rule(Rule(1, TargetKind.CHANNEL, 2, Mode.WATCH))
    await scene.tick()
    assert hung
    assert scene.titles() == ["The mood has dropped"]
    assert scene.bot.jobs.states()["alerts"].failed == 0


async def test_a_server_with_many_channels_that_hang_has_no_more_time_than_any_other(scene, hung):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    for channel in range(2, 14):
        await scene.storage.alerts.start_alert(1, channel, -600, 100)
    await scene.storage.guilds.set_settings(replace(scene.settings, guild_id=1))
    await scene.tick()
    assert hung == [1]
    assert scene.titles() == ["The mood has dropped"]


async def test_people_who_ask_for_charts_keep_no_alert_waiting(scene):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))
    go_on = threading.Event()
    charts = [asyncio.ensure_future(scene.bot.services.charts.run(go_on.wait)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"]
    go_on.set()
    await asyncio.gather(*charts)


async def test_an_alert_whose_chart_cannot_be_drawn_goes_without(scene, monkeypatch):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6))

    def broken(*_given):
        raise ValueError("no such font")

    monkeypatch.setattr("bot.alerts.picture.draw", broken)
    await scene.tick()
    assert scene.titles() == ["The mood has dropped"]


@pytest.mark.parametrize("was_posted", [True, False])
async def test_a_recovery_that_is_broken_off_is_posted_at_the_next_tick_and_once(
    scene, monkeypatch, stopwatch, was_posted
):
    await scene.prepare()
    await scene.add(said(scene.hour, 40, -0.6), said(scene.hour + 1, 40, 0.1))
    await scene.tick()
    post, channels = scene.bot.services.mod_channels.post, scene.bot.services.mod_channels

    async def hang(*given, **message):
        if was_posted:
            await post(*given, **message)
        await stopwatch.hang()

    with monkeypatch.context() as broken:
        broken.setattr(channels, "post", hang)
        await scene.tick(1)
    await scene.tick(1.1)
    await scene.tick(1.2)
    assert scene.titles() == ["The mood has dropped", "Recovered"]
