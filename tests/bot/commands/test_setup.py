"""`/setup`: from the invite to a watched server with one form, and who may; what is missing is said with the click."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import discord
import pytest
from simcord.backend import serializers

from bot.commands.monitor.errors import NOT_ALLOWED
from bot.commands.setup.greeting import NEW_SECONDS
from bot.domain.records import FEWEST_AUTHORS, AdminAction, DigestKind, Mode, TargetKind
from tests.bot.pasts import hour_now, said, write

HIDDEN, SEEN = (discord.PermissionOverwrite(view_channel=seen) for seen in (False, True))


def texts(message):
    """All words of a layout, and the placeholder or what is chosen is left out."""
    return "\n".join(part["content"] for part in raw(message) if part["type"] == 10)


def raw(message):
    return [part if isinstance(part, dict) else part.to_dict() for part in message.components]


def select(message, what):
    for row in raw(message):
        for child in row.get("components", ()):
            if child.get("custom_id") == f"setup:{what}":
                return child
    raise AssertionError(what)


@pytest.fixture
def mods(home):
    hidden = {home.guild.default_role: HIDDEN}
    seen = {home.adam: SEEN, home.guild.me: SEEN}
    return home.guild.create_text_channel("mods", overwrites=hidden | seen)


async def test_one_form_watches_channels_and_says_when_the_first_alert_can_come(home, mods):
    role = home.guild.create_role("helpers", mentionable=True)
    form = await home.adam.slash(home.general, "setup")
    assert form.response.ephemeral
    assert [int(one["id"]) for one in select(form.response, "channels")["default_values"]] == [home.general.id]
    assert [int(one["id"]) for one in select(form.response, "mods")["default_values"]] == [mods.id]
    await home.adam.select(form.response, [role], custom_id="setup:role")
    await home.adam.select(form.response, ["Europe/Berlin"], custom_id="setup:zone")
    await home.adam.click(form.response, custom_id="setup:start")
    said_last = texts(form.response)
    assert "All set" in said_last
    assert "Watching 1 channel. Learning what's normal: day 0 of 7; first alert possible on " in said_last
    settings = await home.storage.guilds.settings(home.guild.id)
    assert (settings.mod_channel_id, settings.alert_role_id, settings.timezone) == (mods.id, role.id, "Europe/Berlin")
    assert settings.digest is DigestKind.WEEKLY
    (rule,) = await home.storage.guilds.rules()
    assert (rule.target_kind, rule.target_id, rule.mode) == (TargetKind.CHANNEL, home.general.id, Mode.WATCH)
    assert "I measure the mood" in home.general.history()[-1].content
    assert await home.actions() == [
        (AdminAction.SETTINGS, None, None),
        (AdminAction.ENABLE, TargetKind.CHANNEL, home.general.id),
    ]


async def test_nothing_is_watched_before_the_button_is_pressed(home):
    await home.adam.slash(home.general, "setup")
    await home.alice.send(home.general, "what a wonderful day")
    assert await home.storage.guilds.rules() == ()
    assert await home.messages() == []
    assert await home.actions() == []


@pytest.mark.parametrize("press", ["slash", "button"])
async def test_without_manage_server_nobody_sets_anything_up(home, press):
    if press == "slash":
        (command,) = [one for one in await home.bot.tree.fetch_commands() if one.name == "setup"]
        home.guild.set_command_permissions(command, {home.alice: True})
        answer = await home.alice.slash(home.general, "setup")
    else:
        home.env.backend.guilds[home.guild.id].system_channel_id = home.general.id
        await join(home)
        answer = await home.alice.click(home.general.history()[-1], custom_id="setup:begin")
    assert answer.response.content == NOT_ALLOWED
    assert await home.actions() == []


async def test_what_is_missing_is_said_in_the_form_and_nothing_is_watched_there(home):
    deny = {home.guild.me: discord.PermissionOverwrite(send_messages=False)}
    locked = home.guild.create_text_channel("locked", overwrites=deny)
    role = home.guild.create_role("helpers")
    backend = home.env.backend
    (own,) = (one for one in backend.guilds[home.guild.id].roles.values() if one.managed)
    without = discord.Permissions(administrator=True, mention_everyone=True).value
    backend.edit_role(home.guild.id, own.id, {"permissions": int(own.permissions) & ~without})
    form = await home.adam.slash(home.general, "setup")
    await home.adam.select(form.response, [locked], custom_id="setup:channels")
    assert "**Send Messages**" in texts(form.response)
    await home.adam.select(form.response, [role], custom_id="setup:role")
    assert "Allow anyone to @mention this role" in texts(form.response)
    await home.adam.click(form.response, custom_id="setup:start")
    assert "some things need a click" in texts(form.response)
    assert "**Edit Channel**" in texts(form.response)
    assert await home.storage.guilds.rules() == ()


async def test_a_channel_that_the_admin_cannot_see_is_not_watched_or_named(home):
    hidden = {home.guild.default_role: HIDDEN}
    secret = home.guild.create_text_channel("secret", overwrites=hidden | {home.guild.me: SEEN})
    form = await home.adam.slash(home.general, "setup")
    stored = home.env.backend.get_message(home.general.id, form.response.id)
    for row in stored.components:
        for child in row.get("components", ()):
            if child.get("custom_id") == "setup:channels":
                child["default_values"] = [{"id": str(secret.id), "type": "channel"}]
    await home.adam.click(form.response, custom_id="setup:start")
    assert "can't see that channel yourself" in texts(form.response)
    assert await home.storage.guilds.rules() == ()


async def join(home):
    """What Discord sends when the bot is added."""
    backend = home.env.backend
    backend.emit("GUILD_DELETE", {"id": str(home.guild.id)})
    await home.env.settle()
    payload = serializers.guild_create_payload(backend, backend.get_guild(home.guild.id))
    payload.pop("unavailable", None)
    backend.emit("GUILD_CREATE", payload)
    await home.env.settle()


async def test_on_joining_one_message_says_hello_with_one_button_that_opens_the_form(home):
    home.env.backend.guilds[home.guild.id].system_channel_id = home.general.id
    await join(home)
    (hello,) = home.general.history()
    assert "I don't store what people write" in hello.content
    assert len(hello.components[0].children) == 1
    form = await home.adam.click(hello, custom_id="setup:begin")
    assert form.response.ephemeral
    assert "Set up Vibecheck" in texts(form.response)


async def test_a_server_that_comes_back_is_not_greeted(home):
    home.env.backend.guilds[home.guild.id].system_channel_id = home.general.id
    me = home.env.backend.guilds[home.guild.id].members[home.env.backend.bot_user.id]
    me.joined_at = (datetime.now(UTC) - timedelta(seconds=NEW_SECONDS + 60)).isoformat()
    await join(home)
    assert home.general.history() == []


async def test_where_it_may_not_speak_it_says_nothing(home):
    deny = {home.guild.me: discord.PermissionOverwrite(send_messages=False)}
    quiet = home.guild.create_text_channel("quiet", overwrites=deny)
    home.env.backend.guilds[home.guild.id].system_channel_id = quiet.id
    await join(home)
    assert quiet.history() == []


async def test_set_up_again_the_form_shows_what_is_set_and_watches_nothing_twice(home, mods):
    form = await home.adam.slash(home.general, "setup")
    await home.adam.click(form.response, custom_id="setup:start")
    again = await home.adam.slash(home.general, "setup")
    assert select(again.response, "channels").get("default_values", []) == []
    assert [int(one["id"]) for one in select(again.response, "mods")["default_values"]] == [mods.id]
    await home.adam.select(again.response, [home.general], custom_id="setup:channels")
    await home.adam.click(again.response, custom_id="setup:start")
    assert len(home.general.history()) == 1


async def test_help_has_three_screens(home):
    answer = await home.alice.slash(home.general, "help")
    assert answer.response.ephemeral
    titles = {answer.response.embeds[0].title}
    for number in (1, 2):
        await home.alice.click(answer.response, custom_id=f"help:{number}")
        titles.add(answer.response.embeds[0].title)
    assert len(titles) == 3


async def test_an_admin_who_has_learned_channels_is_told_so(home, mods):
    hour = hour_now(home.env)
    await home.watch()
    past = [said(number, 30, 0.1) for number in range(hour - 9 * 24, hour)]
    await write(home.storage, home.guild.id, home.general.id, past, before=hour)
    assert "I know what's normal in it." in await home.monitor("status")


@pytest.mark.parametrize("people", [FEWEST_AUTHORS - 1, FEWEST_AUTHORS])
async def test_a_channel_in_which_few_write_is_told_so_when_it_is_enabled(home, people):
    members = [home.guild.add_member(home.env.create_user(f"member{number}")) for number in range(people)]
    for member in members:
        await member.send(home.general, "hello there")
    said_now = await home.monitor("enable")
    assert ("hourly charts will stay empty" in said_now) is (people < FEWEST_AUTHORS)


async def test_whoever_opted_out_counts_among_those_who_write_since_an_admin_sees_them(home):
    members = [home.guild.add_member(home.env.create_user(f"member{number}")) for number in range(FEWEST_AUTHORS)]
    await members[0].slash(home.general, "privacy opt-out")
    for member in members:
        await member.send(home.general, "hello there")
    assert "hourly charts will stay empty" not in await home.monitor("enable")


async def test_a_role_that_is_deleted_is_pinged_no_more(home):
    role = home.guild.create_role("helpers", mentionable=True)
    settings = await home.storage.guilds.settings(home.guild.id)
    await home.storage.guilds.set_settings(replace(settings, alert_role_id=role.id))
    home.env.backend.delete_role(home.guild.id, role.id)
    await home.env.settle()
    assert (await home.storage.guilds.settings(home.guild.id)).alert_role_id is None
