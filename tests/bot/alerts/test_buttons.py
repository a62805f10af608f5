"""What moderators press under an alert, and what comes of it."""

import aiohttp
import discord
import pytest

from bot.alerts import job
from bot.alerts import picture as picture_of_alerts
from bot.alerts.buttons import MODERATORS_ONLY
from bot.analytics.anomaly import COOLDOWN_SECONDS, THRESHOLDS, Change, judge
from bot.domain.records import AdminAction, Sensitivity
from bot.domain.snowflake import first_id_of
from bot.storage.alert_holds import RAISED_SECONDS
from bot.storage.maintenance import forget_what_is_over
from bot.storage.schema import SnoozeRow
from bot.ui.components import parts
from tests.bot.alerts.test_job import Scene, labels, storm
from tests.bot.parts import Stopwatch
from tests.bot.pasts import said
from tests.bot.storage.scenes import rows_of

ON_IT, FALSE_ALARM, SNOOZED = "On it", "False alarm", "Snoozed"
"""Names of what is said under an alert."""


@pytest.fixture
async def scene(world, bot, storage, monkeypatch):
    Stopwatch(monkeypatch, job)
    return Scene(world, bot, storage)


@pytest.fixture
async def moderator(world):
    role = world.guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
    return world.guild.add_member(world.env.create_user("mo"), roles=[role])


def fields(post):
    return {field.name: field.value for field in post.embeds[0].fields}


def select_of(post):
    (found,) = (part for part in parts(post.components) if getattr(part, "options", None))
    return found


async def test_an_alert_has_its_chart_a_link_to_the_hour_and_its_buttons(scene, monkeypatch):
    monkeypatch.setattr(picture_of_alerts, "LONGEST", 600.0)  # the machine may be busy
    post = await storm(scene)
    (picture,) = post.attachments
    assert (picture.filename, picture.description.startswith("Chart from ")) == ("mood.png", True)
    assert labels(post) == ["I'm on it", "What happened?", "False alarm", "Go to that hour"]
    (link,) = (part.url for part in parts(post.components) if getattr(part, "url", None))
    assert link.endswith(f"/{scene.world.channel.id}/{first_id_of(scene.hour)}")
    assert [option.value for option in select_of(post).options] == ["1", "8", "24"]


async def test_an_alert_goes_without_a_chart_that_takes_too_long_or_may_not_be_attached(scene, monkeypatch):
    monkeypatch.setattr(picture_of_alerts, "LONGEST", 0.0)
    assert (await storm(scene)).attachments == []


async def test_an_alert_goes_out_although_the_look_at_its_channel_fails(scene, monkeypatch):
    async def fails(*_asked):
        raise aiohttp.ServerDisconnectedError

    monkeypatch.setattr(picture_of_alerts, "look_up", fails)
    assert (await storm(scene)).attachments == []


async def test_a_false_alarm_raises_the_bar_for_a_day_and_can_be_taken_back(scene, moderator):
    await scene.prepare()
    later = 2 + COOLDOWN_SECONDS // 3600
    calm = [said(scene.hour + number, 40, 0.1) for number in range(1, later)]
    await scene.add(said(scene.hour, 40, -0.6), *calm, said(scene.hour + later, 40, -0.32))
    await scene.tick()
    (post,) = scene.posts()
    refused = await scene.world.alice.click(post, label="False alarm")
    assert refused.response.content == MODERATORS_ONLY
    await moderator.click(post, label="False alarm")
    post = scene.posts()[0]
    assert "bigger drop" in fields(post)[FALSE_ALARM]
    assert "Not a false alarm" in labels(post)
    assert await scene.storage.holds.false_alarms(scene.world.guild.id) == {scene.world.channel.id: 1}
    await scene.tick(1)
    await scene.tick(later)
    assert scene.titles() == ["The mood has dropped", "Recovered"]
    await moderator.click(post, label="Not a false alarm")
    assert FALSE_ALARM not in fields(scene.posts()[0])
    await scene.tick(later, minutes=2)
    assert scene.titles() == ["The mood has dropped", "Recovered", "The mood has dropped"]
    actions = [entry.action for entry in await scene.storage.guilds.audit(scene.world.guild.id)]
    assert actions == [AdminAction.FALSE_ALARM] * 2


async def test_who_presses_at_the_same_time_does_not_erase_that_someone_is_on_it(scene, moderator):
    post = await storm(scene)
    (alert,) = await scene.storage.alerts.alerts(scene.world.guild.id, limit=1)
    assert await scene.storage.alerts.acknowledge(scene.world.guild.id, alert.number)  # its post is not changed yet
    await moderator.click(post, label="False alarm")
    assert set(fields(scene.posts()[0])) >= {ON_IT, FALSE_ALARM}


async def at_the_same_time(env, *presses):
    """What several people press before any of it reaches the bot: each has the post before them as it was."""
    emit, held = env.backend.emit, []
    env.backend.emit = lambda *event, **rest: held.append((event, rest))
    for press in presses:
        await press()
    env.backend.emit = emit
    for event, rest in held:
        emit(*event, **rest)
    await env.settle()


async def test_of_what_several_press_at_the_same_time_nothing_is_lost(scene, world, moderator):
    post = await storm(scene)
    role = world.guild.create_role("more mods", permissions=discord.Permissions(manage_messages=True))
    second, third = (world.guild.add_member(world.env.create_user(name), roles=[role]) for name in ("ed", "flo"))
    await at_the_same_time(
        world.env,
        lambda: moderator.click(post, label="I'm on it"),
        lambda: second.click(post, label="False alarm"),
        lambda: third.select(post, ["8"]),
    )
    (post,) = scene.posts()
    said = fields(post)
    assert list(said) == [ON_IT, FALSE_ALARM, SNOOZED]
    assert (f"<@{moderator.id}>" in said[ON_IT], f"<@{third.id}>" in said[SNOOZED]) == (True, True)
    assert labels(post) == ["What happened?", "Not a false alarm", "Go to that hour"]
    assert [option.value for option in select_of(post).options] == ["1", "8", "24", "0"]
    assert len(await scene.storage.guilds.audit(world.guild.id)) == 3


async def test_who_is_on_it_stays_named_whatever_language_the_post_was_written_in(scene, moderator):
    """As in a post of an earlier version, or of before the server's language was changed."""
    post = await storm(scene)
    await moderator.click(post, label="I'm on it")
    stored = scene.world.env.backend.get_message(scene.mods.id, post.id)
    stored.embeds[0]["fields"][0]["name"] = "Dran"
    await moderator.click(scene.posts()[0], label="False alarm")
    assert f"<@{moderator.id}>" in fields(scene.posts()[0])[ON_IT]
    assert list(fields(scene.posts()[0])) == [ON_IT, FALSE_ALARM]


async def test_a_snooze_of_somebody_else_since_is_not_put_down_to_who_is_named(scene, moderator):
    post = await storm(scene)
    await moderator.select(post, ["8"])
    await scene.storage.holds.snooze(scene.world.guild.id, scene.world.channel.id, 7777)  # at another alert's post
    await moderator.click(scene.posts()[0], label="False alarm")
    said = fields(scene.posts()[0])[SNOOZED]
    assert said.startswith("No new alerts here until <t:")


async def test_a_snooze_holds_back_what_is_new_until_it_is_over_or_stopped(scene, moderator):
    await scene.prepare()
    later = 2 + COOLDOWN_SECONDS // 3600
    calm = [said(scene.hour + number, 40, 0.1) for number in range(1, later)]
    await scene.add(said(scene.hour, 40, -0.6), *calm, said(scene.hour + later, 40, -0.6))
    await scene.tick()
    (post,) = scene.posts()
    await moderator.select(post, ["8"])
    post = scene.posts()[0]
    assert f"<@{moderator.id}>" in fields(post)[SNOOZED]
    await scene.tick(1)
    await scene.tick(later)
    assert scene.titles() == ["The mood has dropped", "Recovered"]
    await moderator.select(post, ["0"])
    assert SNOOZED not in fields(scene.posts()[0])
    await scene.tick(later, minutes=2)
    assert scene.titles() == ["The mood has dropped", "Recovered", "The mood has dropped"]


def test_after_a_false_alarm_a_storm_takes_half_as_much_again():
    class Usual:
        """A channel that is always at 0, give or take 0.1."""

        def usual(self, _hour):
            return 0.0

        def deviation(self, hour):
            return hour.mean / 0.1

    for sensitivity, threshold in THRESHOLDS.items():
        start = max(threshold.start * 0.1, threshold.least)
        mild, wild = (said(1, 40, -start * factor, spread=0) for factor in (1.2, 1.6))
        for raised, expected in ((False, [Change.STARTS] * 2), (True, [Change.NONE, Change.STARTS])):
            hours = [_hour(one) for one in (mild, wild)]
            found = [judge(None, hour, Usual(), sensitivity, 0.0, raised=raised) for hour in hours]  # type: ignore[arg-type]
            assert found == expected, (sensitivity, raised)
        assert threshold.raised.end == threshold.end
    assert set(THRESHOLDS) == set(Sensitivity)


def _hour(one):
    from bot.domain.records import HourMood
    from tests.bot.pasts import hour_row

    row = hour_row(one, 1, 1)
    return HourMood(**{name: row[name] for name in HourMood.__dataclass_fields__})


async def test_holds_are_of_their_channel_and_end_by_themselves(storage):
    holds = storage.holds
    moment = 1_764_000_000
    holds._clock = storage.alerts._clock = lambda: moment
    alert = await storage.alerts.start_alert(1, 11, -600, 100)
    assert await holds.say_false(1, alert.number)
    assert not await holds.say_false(1, alert.number)
    assert not await holds.say_false(2, alert.number)
    assert await holds.snooze(1, 12, 3600) == moment + 3600
    found = await holds.of((1, 2))
    assert {channel: (one.snoozed_until, one.raised_until) for channel, one in found.items()} == {
        11: (None, moment + RAISED_SECONDS),
        12: (moment + 3600, None),
    }
    holds._clock = lambda: moment + RAISED_SECONDS
    assert await holds.of((1,)) == {}
    assert await holds.false_alarms(1) == {11: 1}
    await forget_what_is_over(storage, float(moment + 3601))
    assert await rows_of(storage.database, SnoozeRow) == []


async def test_what_is_held_goes_with_its_channel_and_its_server(storage):
    await storage.holds.snooze(1, 11, 3600)
    await storage.holds.snooze(1, 12, 3600)
    storage.write_buffer.channel_gone(11)
    await storage.write_buffer.flush()
    assert [row["channel_id"] for row in await rows_of(storage.database, SnoozeRow)] == [12]
    storage.write_buffer.guild_gone(1)
    await storage.write_buffer.flush()
    assert await rows_of(storage.database, SnoozeRow) == []
