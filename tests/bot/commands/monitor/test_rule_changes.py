"""`/monitor enable`, `disable`, `exempt`, `include`: who may, what they change, and what is said when they cannot."""

import discord
import pytest
from simcord import ChannelHandle

from bot.commands.monitor.errors import NOT_ALLOWED, STORE_AWAY, UNKNOWN_CHANNEL
from bot.domain.records import AdminAction, Mode, Rule, Sensitivity, TargetKind
from bot.monitoring.notice import notice
from bot.storage.errors import DatabaseUnavailable
from tests.bot.parts import monitoring_of

GOOD = "what a wonderful day"

COMMANDS = {
    "enable": {},
    "disable": {},
    "exempt": {"role": "staff"},
    "include": {"role": "staff"},
    "status": {},
    "doctor": {},
    "preview": {},
    "settings": {"timezone": "Europe/Berlin"},
    "replay": {"channel": "general"},
}


def silenced(home, **denied):
    """A channel in which the bot lacks something."""
    overwrite = discord.PermissionOverwrite(**dict.fromkeys(denied or {"send_messages": False}, False))
    return home.guild.create_text_channel("locked", overwrites={home.guild.me: overwrite})


async def rules(home):
    return await home.storage.guilds.rules()


async def test_every_subcommand_has_its_permission_test(home, bot):
    assert {command.name for command in bot.tree.get_command("monitor").commands} == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
async def test_without_manage_server_every_command_is_refused_and_nothing_changes(home, bot, command):
    staff = home.guild.create_role("staff")
    known = {"staff": staff, "general": home.general}
    options = {name: known.get(value, value) for name, value in COMMANDS[command].items()}
    (root,) = [one for one in await bot.tree.fetch_commands() if one.name == "monitor"]
    home.guild.set_command_permissions(root, {home.alice: True})  # as a server's admins may do by mistake
    assert await home.monitor(command, by=home.alice, **options) == NOT_ALLOWED
    assert await rules(home) == ()
    assert await home.actions() == []
    assert home.general.history() == []
    assert (await home.storage.guilds.settings(home.guild.id)).timezone == "UTC"
    assert [type(error) for error in home.env.errors] == [discord.app_commands.CheckFailure]


async def test_members_do_not_see_it_and_admins_do(home):
    assert "monitor enable" not in home.alice.available_commands(home.general)
    assert "monitor enable" in home.adam.available_commands(home.general)


async def test_an_administrator_may_without_manage_server(home):
    role = home.guild.create_role("root", permissions=discord.Permissions(administrator=True))
    root = home.guild.add_member(home.env.create_user("root"), roles=[role])
    assert "I watch" in await home.monitor("enable", by=root)


async def test_enabling_posts_a_notice_first_and_is_written_down(home):
    said = await home.monitor("enable", channel=home.general)
    assert said == f"I watch {home.general.mention} now (tagging off, sensitivity normal). My notice stands there."
    (posted,) = home.general.history()
    assert posted.content == notice(7)
    assert await rules(home) == (Rule(home.guild.id, TargetKind.CHANNEL, home.general.id, Mode.WATCH),)
    channel = (TargetKind.CHANNEL, home.general.id)
    assert await home.actions() == [(AdminAction.ENABLE, *channel)]
    (noted,) = await home.storage.notices.all()
    assert (noted.channel_id, noted.message_id) == (home.general.id, posted.id)
    by = [entry.actor for entry in await home.storage.guilds.audit(home.guild.id)]
    assert by == [home.storage.pseudonyms.author(home.adam.id)]


def test_the_notice_says_what_is_kept_for_how_long_and_how_to_opt_out():
    assert len(notice(30)) < 2000
    parts = (
        "score",
        "Never its text",
        "after 30 days",
        "/privacy opt-out",
        "/privacy see",
        "deletes this notice stops me",
    )
    for part in (*parts, "my reactions on those of the last 30 days go"):
        assert part in notice(30), part
    assert "after a day." in notice(1)
    assert "the last day go" in notice(1)


async def test_without_a_channel_it_is_this_one(home):
    here = home.guild.create_text_channel("here")
    assert here.mention in await home.monitor("enable", at=here)


async def test_a_notice_that_lacks_a_permission_enables_nothing_and_says_what_to_click(home):
    locked = silenced(home)
    said = await home.monitor("enable", channel=locked)
    assert said.startswith("Nothing was enabled")
    for part in ("**Send Messages**", "**Edit Channel**", locked.mention, home.guild.me.mention):
        assert part in said
    assert await rules(home) == ()
    assert await home.actions() == []


async def test_a_notice_that_discord_refuses_enables_nothing(home):
    home.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    said = await home.monitor("enable")
    assert said.startswith("Nothing was enabled: I could not post my notice")
    assert await rules(home) == ()
    assert await home.actions() == []


async def test_tagging_needs_its_own_permissions(home):
    locked = silenced(home, add_reactions=False)
    assert "**Add Reactions**" in await home.monitor("enable", channel=locked, tagging=True)
    assert "I watch" in await home.monitor("enable", channel=locked)


async def test_enabling_again_changes_what_is_given_and_posts_no_second_notice(home):
    await home.monitor("enable", sensitivity="high")
    said = await home.monitor("enable", tagging=True)
    assert said == f"{home.general.mention} was watched already; now with tagging on, sensitivity high."
    assert len(home.general.history()) == 1
    (rule,) = await rules(home)
    assert (rule.tagging, rule.sensitivity) == (True, Sensitivity.HIGH)


async def test_enabling_after_disabling_posts_a_notice_again(home):
    await home.monitor("enable")
    await home.monitor("disable")
    await home.monitor("enable")
    assert len(home.general.history()) == 2


async def test_enabling_what_was_exempt_posts_a_notice_as_well(home):
    await home.monitor("exempt", channel=home.general)
    assert "My notice stands there." in await home.monitor("enable")
    assert len(home.general.history()) == 1


@pytest.mark.parametrize("make", ["create_text_channel", "create_news_channel", "create_voice_channel"])
async def test_every_kind_of_channel_in_which_people_write_can_be_watched(home, make):
    channel = getattr(home.guild, make)("talk")
    await home.watch(channel)
    message = await home.alice.send(channel, GOOD)
    assert await home.messages() == [message.id]


async def test_a_category_is_watched_with_its_channels_and_those_that_come_later(home):
    category = home.guild.create_category("Chatter")
    before = home.guild.create_text_channel("before", category=category)
    said = await home.monitor("enable", channel=category)
    assert said.startswith("I watch the category **Chatter** now")
    after = home.guild.create_text_channel("after", category=category)
    for channel in (before, after, home.general):
        await home.alice.send(channel, GOOD)  # brings the notice
        await home.alice.send(channel, GOOD)
    assert (await home.hours(before), await home.hours(after)) == ([(0, 0, 1)], [(0, 0, 1)])
    assert await home.hours(home.general) == []


async def test_where_a_wider_rule_cannot_post_its_notice_is_said_at_once(home):
    locked = silenced(home)
    said = await home.monitor("enable", whole_server=True)
    assert f"I cannot post it in {locked.mention}" in said
    assert "/monitor doctor" in said


async def test_one_thread_can_be_watched_or_left_out(home):
    thread = ChannelHandle(home.env, home.guild, home.env.backend.create_thread(home.general.id, "plans", home.maya.id))
    await home.env.settle()
    await home.watch(thread)
    message = await home.alice.send(thread, GOOD)
    await home.alice.send(home.general, GOOD)
    assert await home.messages() == [message.id]
    await home.watch()
    assert "is not read" in await home.monitor("exempt", channel=thread)
    await home.alice.send(thread, GOOD)
    other = await home.alice.send(home.general, GOOD)
    assert await home.messages() == [message.id, other.id]


async def test_disabling_a_channel_leaves_it_out_of_what_is_watched_around_it(home):
    await home.monitor("enable", whole_server=True)
    await home.alice.send(home.general, GOOD)
    said = await home.monitor("disable", channel=home.general)
    assert said.startswith(f"{home.general.mention} is not watched any more.")
    assert (await home.actions())[-1] == (AdminAction.DISABLE, TargetKind.CHANNEL, home.general.id)
    await home.alice.send(home.general, GOOD)
    assert await home.messages() == []
    assert "watched again" in await home.monitor("include", channel=home.general)
    await home.alice.send(home.general, GOOD)
    assert home.general.last_message.content == notice(7)
    message = await home.alice.send(home.general, GOOD)
    assert await home.messages() == [message.id]


async def test_disabling_the_server_says_what_is_watched_all_the_same(home):
    await home.watch()
    await home.monitor("enable", whole_server=True)
    said = await home.monitor("disable", whole_server=True)
    assert "1 channel is still watched by other rules" in said


async def test_disabling_a_category_under_a_watched_server_leaves_it_out(home):
    category = home.guild.create_category("Chatter")
    inside = home.guild.create_text_channel("inside", category=category)
    await home.monitor("enable", whole_server=True)
    await home.monitor("disable", channel=category)
    await home.alice.send(inside, GOOD)
    assert inside.last_message.content == GOOD


async def test_an_exempt_role_is_named_and_can_be_included_again(home):
    staff = home.guild.create_role("staff")
    assert staff.mention in await home.monitor("exempt", role=staff)
    assert "are read again" in await home.monitor("include", role=staff)
    assert await rules(home) == ()
    assert [action for action, _, _ in await home.actions()] == [AdminAction.EXEMPT, AdminAction.INCLUDE]


async def test_a_deleted_role_leaves_no_rule_behind(home):
    staff = home.guild.create_role("staff")
    await home.monitor("exempt", role=staff)
    home.env.backend.delete_role(home.guild.id, staff.id)
    await home.env.settle()
    assert await rules(home) == ()


@pytest.mark.parametrize("command", ["exempt", "include"])
async def test_exempting_needs_exactly_one_thing(home, command):
    staff = home.guild.create_role("staff")
    wanted = "Give either `role` or `channel`."
    assert await home.monitor(command) == wanted
    assert await home.monitor(command, role=staff, channel=home.general) == wanted


async def test_what_makes_no_sense_is_one_line_each(home):
    category = home.guild.create_category("Chatter")
    both = await home.monitor("enable", channel=category, whole_server=True)
    assert both == "Give either `channel` or `whole_server`, not both."
    assert (await home.monitor("exempt", role=home.guild.default_role)).startswith("Everyone has that role.")
    assert await home.monitor("disable") == f"{home.general.mention} is not watched."
    assert await home.monitor("disable", whole_server=True) == "The whole server is not watched."
    assert await home.monitor("include", channel=category) == "The category **Chatter** is not exempt."
    assert await rules(home) == ()
    assert await home.actions() == []


async def test_a_channel_that_was_deleted_meanwhile_is_one_line(home, bot):
    gone = home.guild.create_text_channel("gone")
    await home.env.settle()
    bot.get_guild(home.guild.id)._remove_channel(bot.get_channel(gone.id))  # the event comes before the command
    assert await home.monitor("enable", channel=gone) == UNKNOWN_CHANNEL


@pytest.mark.parametrize("broken", [("guilds", "set_rule"), ("notices", "post")])
async def test_a_store_that_is_away_changes_nothing_and_leaves_no_notice(home, monkeypatch, broken):
    async def fail(_value):
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as away:
        away.setattr(getattr(home.storage, broken[0]), broken[1], fail)
        assert await home.monitor("enable") == STORE_AWAY
    await home.alice.send(home.general, GOOD)
    assert await home.messages() == []
    assert await rules(home) == ()
    assert [message.content for message in home.general.history()] == [GOOD]


@pytest.mark.parametrize("stop", ["disable", "exempt"])
async def test_where_watching_was_stopped_a_new_notice_comes_before_anybody_is_read_again(home, stop):
    await home.watch()
    await home.monitor(stop, channel=home.general)
    if stop == "exempt":
        await home.monitor("include", channel=home.general)
    await home.monitor("enable", whole_server=True)
    await home.alice.send(home.general, GOOD)
    assert [message.content for message in home.general.history()] == [notice(7), GOOD, notice(7)]
    assert await home.messages() == []
    (noted,) = await home.storage.notices.all()
    assert noted.message_id == home.general.last_message.id


async def test_stopping_in_one_channel_leaves_the_notices_of_the_others(home):
    other = home.guild.create_text_channel("other")
    await home.watch()
    await home.watch(other)
    await home.monitor("disable", channel=home.general)
    assert monitoring_of(home.bot).rules.channels_told(home.guild.id) == {other.id}
