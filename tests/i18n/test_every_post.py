"""What the bot posts is in the server's language, and what it answers under it in that of whoever presses."""

from dataclasses import replace

import discord
import pytest

from bot.alerts import job
from bot.alerts import picture as picture_of_alerts
from bot.domain.records import Absence, DigestKind, GuildSettings
from bot.i18n import speaking
from bot.monitoring.admin_notifier import COLLECTING
from bot.ui.happened_button import HappenedButton
from tests.bot.alerts.test_job import Scene as Alerts
from tests.bot.commands.test_setup import join
from tests.bot.digests.test_job import NINE
from tests.bot.digests.test_job import Scene as Digests
from tests.bot.monitoring.test_notice import delete
from tests.bot.monitoring.test_reactions import no_more
from tests.bot.parts import monitoring_of, overwrite
from tests.bot.pasts import said
from tests.bot.ui.test_happened_button import SCORES
from tests.bot.ui.test_happened_button import Scene as Happened
from tests.i18n.pseudo import (
    LOCALE,
    PSEUDO,
    all_translated,
    english_left,
    id_of,
    said_by_the_bot,
    shown,
)

NAMES = ("Vibecheck", "Home", "general", "mods", "posts", "mo", "Europe/Berlin", "UTC", "2026-W47", "2026-W48")
GOOD = "what a wonderful day"

pytestmark = pytest.mark.usefixtures("pseudo_language", "locales")


@pytest.fixture
def mo(world):
    role = world.guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
    return world.guild.add_member(world.env.create_user("mo"), roles=[role])


def words_of(env, message):
    """What people read in a message as it is now."""
    channel = getattr(message, "channel_id", None) or message.channel.id
    now = env.backend.get_message(channel, message.id)
    return list(shown({"content": now.content, "embeds": now.embeds, "components": now.components}))


def is_translated(words):
    """Whether a text is in the made-up language; None where it has no words."""
    left, brackets = english_left(words, NAMES), "⟦" in words
    return None if not left and not brackets else not left


async def press(env, who, message, kind):
    return await who.click(message, custom_id=id_of(env, message, kind))


async def storm(alerts, **settings):
    alerts.settings = replace(alerts.settings, **settings)
    await alerts.prepare()
    await alerts.add(said(alerts.hour, 40, -0.6))
    await alerts.tick()
    return alerts.posts()[-1]


EVERY_BUTTON = ("alert:false:", "alert:true:", "happened:", "alert:1", "alert:false:")
"""What is pressed under an alert, one after the other; the last is there twice."""


async def use_everything(env, who, post):
    answers = [await press(env, who, post, kind) for kind in EVERY_BUTTON]
    for hours in ("1", "0", "24"):
        answers.append(await who.select(post, [hours], custom_id=id_of(env, post, "alert:snooze:")))
    return answers


@pytest.fixture
def alerts(world, bot, storage, monkeypatch):
    monkeypatch.setattr(picture_of_alerts, "LONGEST", 600.0)  # the machine may be busy
    monkeypatch.setattr(job, "SERVER_SECONDS", 600.0)
    return Alerts(world, bot, storage)


@pytest.mark.usefixtures("everybody_speaks_pseudo")
async def test_an_alert_its_buttons_and_its_end(alerts, mo, world):
    post = await storm(alerts)
    assert [message.attachments != [] for message in alerts.posts()] == [True]
    await use_everything(world.env, mo, post)
    await press(world.env, world.alice, post, "alert:true:")  # who may not
    await alerts.add(*(said(alerts.hour + number, 40, 0.1) for number in (1, 2, 3)))
    for hours in (1, 2, 3):
        await alerts.tick(hours)
    assert len(alerts.posts()) == 2
    all_translated(world.env, NAMES)


@pytest.mark.usefixtures("everybody_speaks_pseudo")
async def test_a_channel_that_has_gone_quiet(alerts, world):
    await storm(alerts)
    for hours in range(1, 12):
        await alerts.tick(hours)
    assert len(alerts.posts()) == 2
    all_translated(world.env, NAMES)


async def test_a_server_may_choose_its_language_and_who_presses_is_answered_in_theirs(alerts, mo, world):
    """The server has chosen the made-up language, and Mo's client is in English."""
    post = await storm(alerts, language=PSEUDO)
    await use_everything(world.env, mo, post)
    assert {is_translated(words) for words in words_of(world.env, post)} <= {True, None}
    assert True in {is_translated(words) for words in words_of(world.env, post)}
    (taken,) = (await press_again(world.env, mo, post)).followups
    assert "⟦" not in taken.content
    refused = await press(world.env, world.alice, post, "alert:true:")
    assert "⟦" not in refused.response.content


async def press_again(env, who, post):
    """The button of the alert as it was before somebody took it."""
    number = id_of(env, post, "alert:snooze:").rpartition(":")[2]
    backend = env.backend
    stored = backend.get_message(post.channel.id, post.id)
    row = {"type": 1, "components": [{"type": 2, "custom_id": f"alert:{number}", "style": 1, "label": "x"}]}
    stored.components = [row, *stored.components]
    return await who.click(post, custom_id=f"alert:{number}")


async def test_in_an_english_server_the_post_stays_english_whoever_presses(alerts, mo, world, locales):
    locales[mo.id] = locales[world.alice.id] = LOCALE
    post = await storm(alerts)
    await use_everything(world.env, mo, post)
    assert not any("⟦" in words for words in words_of(world.env, post))
    (taken,) = (await press_again(world.env, mo, post)).followups
    assert is_translated(taken.content)
    refused = await press(world.env, world.alice, post, "alert:true:")
    assert is_translated(refused.response.content)


@pytest.mark.usefixtures("everybody_speaks_pseudo")
@pytest.mark.parametrize("kind", [DigestKind.DAILY, DigestKind.WEEKLY])
@pytest.mark.parametrize("mean", [-0.9, -0.2, -0.07, 0.1, 0.17, 0.9])
async def test_digests(world, bot, storage, kind, mean):
    digests = Digests(world, bot, storage)
    digests.settings = replace(digests.settings, digest=kind)
    await digests.prepare(mean=mean, unread=10 if mean > 0 else 0)
    await storage.gaps.add(Absence(guild_id=world.guild.id), int(NINE) - 15 * 3600, int(NINE) - 14 * 3600)
    await digests.tick(NINE)
    await digests.tick(NINE + 5 * 86_400)
    assert digests.embeds()
    all_translated(world.env, NAMES)


@pytest.mark.usefixtures("everybody_speaks_pseudo")
@pytest.mark.parametrize("people", [0, 4])
async def test_digests_of_which_hardly_anything_may_be_said(world, bot, storage, people):
    digests = Digests(world, bot, storage)
    hidden = world.guild.create_text_channel("hidden")
    await overwrite(world.env, hidden, world.guild.default_role, view_channel=False)
    await digests.prepare(people=people, unread=10)
    await digests.watch("channel", hidden.id)
    await digests.tick()
    assert digests.embeds()
    all_translated(world.env, NAMES)


async def test_a_digest_is_in_the_language_that_the_server_has_chosen(world, bot, storage):
    digests = Digests(world, bot, storage)
    await digests.prepare(mean=-0.2, language=PSEUDO)
    await digests.tick()
    all_translated(world.env, NAMES)


@pytest.fixture
async def watched(home):
    """A channel that an admin has watched, and a mod channel."""
    mods = home.guild.create_text_channel("mods")
    await home.adam.slash(home.general, "monitor settings", mod_channel=mods)
    await home.adam.slash(home.general, "monitor enable", channel=home.general, tagging=True)
    assert home.general.history()
    return mods


@pytest.mark.usefixtures("everybody_speaks_pseudo")
async def test_a_notice_its_button_and_what_admins_hear_when_it_is_deleted(home, watched):
    (notice,) = home.general.history()
    await press(home.env, home.alice, notice, "notice:")
    for _ in range(2):
        (notice,) = (one for one in home.general.history() if one.author.id == home.env.backend.bot_user.id)
        delete(home, notice)
        await home.env.settle()
        await home.alice.send(home.general, GOOD)
    await home.env.advance_time(COLLECTING[0])
    assert watched.history()
    all_translated(home.env, NAMES)


@pytest.mark.usefixtures("everybody_speaks_pseudo")
async def test_what_admins_hear_when_a_notice_is_refused(home, watched):
    other = home.guild.create_text_channel("other")
    await home.adam.slash(home.general, "monitor enable", whole_server=True)
    home.env.inject_error("POST", f"/channels/{other.id}/messages", status=403, code=50013, times=None)
    await home.alice.send(other, GOOD)
    await home.env.advance_time(COLLECTING[0])
    assert watched.history()
    all_translated(home.env, (*NAMES, "other"))


@pytest.mark.usefixtures("everybody_speaks_pseudo")
@pytest.mark.parametrize("what", ["emoji", "permission", "channel"])
async def test_what_admins_hear_when_messages_cannot_be_tagged(home, watched, what):
    if what == "permission":
        no_more(home, "add_reactions")
        await home.env.settle()
    else:
        status, code = (400, 10014) if what == "emoji" else (403, 50013)
        home.env.inject_error("PUT", "/channels/*/messages/*/reactions/*/@me", status=status, code=code, times=None)
    await home.alice.send(home.general, "I love this, wonderful")
    await home.env.advance_time(COLLECTING[0])
    assert watched.history()
    all_translated(home.env, NAMES)


@pytest.mark.usefixtures("everybody_speaks_pseudo")
async def test_without_a_mod_channel_the_owner_hears_in_the_servers_language(home):
    monitoring = monitoring_of(home.bot)
    await monitoring.admins.tell(home.bot.get_guild(home.guild.id), "⟦x⟧")
    await home.env.settle()
    all_translated(home.env, NAMES)


@pytest.mark.usefixtures("everybody_speaks_pseudo")
async def test_on_joining_it_says_hello(home):
    home.env.backend.guilds[home.guild.id].system_channel_id = home.general.id
    await join(home)
    (hello,) = home.general.history()
    await press(home.env, home.adam, hello, "setup:begin")
    all_translated(home.env, NAMES)


@pytest.mark.usefixtures("everybody_speaks_pseudo")
async def test_the_form_of_the_set_up(home):
    deny = {home.guild.me: discord.PermissionOverwrite(send_messages=False)}
    locked = home.guild.create_text_channel("locked", overwrites=deny)
    role = home.guild.create_role("helpers")
    form = (await home.adam.slash(home.general, "setup")).response
    for digest in ("daily", "off", "weekly"):
        await home.adam.select(form, [digest], custom_id="setup:digest")
    await home.adam.select(form, ["Europe/Berlin"], custom_id="setup:zone")
    await home.adam.select(form, [role], custom_id="setup:role")
    await home.adam.select(form, [locked], custom_id="setup:channels")
    await home.adam.select(form, [locked], custom_id="setup:mods")
    await home.adam.click(form, custom_id="setup:start")
    form = (await home.adam.slash(home.general, "setup")).response
    await home.adam.select(form, [home.general], custom_id="setup:channels")
    await home.adam.select(form, [home.general], custom_id="setup:mods")
    await home.adam.click(form, custom_id="setup:start")
    assert home.general.history()
    all_translated(home.env, (*NAMES, "locked"))


async def test_the_links_to_what_happened(world, storage, locales, mo):
    locales[0] = LOCALE
    scene = Happened(world, storage)
    await world.env.settle()
    await scene.watch()
    await scene.write(SCORES)
    for people, worst in ((scene.mo, True), (scene.mo, False), (world.alice, True)):
        view = discord.ui.View(timeout=None)
        with speaking(PSEUDO):
            view.add_item(HappenedButton(scene.channel.id, scene.hour, scene.hour + 1, worst=worst))
        await world.env.bot.get_channel(scene.posts.id).send("⟦x⟧", view=view)
        await world.env.settle()
        await press(world.env, people, scene.posts.history()[-1], "happened:")
    await storage.guilds.set_settings(GuildSettings(world.guild.id, links=False))
    await press(world.env, scene.mo, scene.posts.history()[-1], "happened:")
    assert len(said_by_the_bot(world.env)) > 8
    all_translated(world.env, NAMES)
