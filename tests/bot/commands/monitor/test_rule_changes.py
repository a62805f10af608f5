"""`/monitor enable`, `disable`, `exempt`, `include`: who may, what they change, and what is said when they cannot."""

from typing import Any

import discord
import pytest
from simcord import ChannelHandle

from bot.commands.monitor.errors import NOT_ALLOWED, STORE_AWAY, UNKNOWN_CHANNEL
from bot.domain.records import AdminAction, Mode, Rule, Sensitivity, TargetKind
from bot.monitoring.notice_words import details, notice
from bot.storage.errors import DatabaseUnavailable
from tests.bot.parts import monitoring_of

GOOD = "what a wonderful day"

COMMANDS: dict[str, dict[str, Any]] = {
    "enable": {},
    "disable": {},
    "exempt role": {"role": "staff"},
    "exempt channel": {"channel": "general"},
    "include role": {"role": "staff"},
    "include channel": {"channel": "general"},
    "status": {},
    "doctor": {},
    "preview": {},
    "settings": {"timezone": "Europe/Berlin"},
    "replay": {"channel": "general"},
    "backfill": {"days": 7},
    "links on": {},
    "links off": {},
    "webhook set": {"url": "https://discord.com/api/webhooks/123456789012345678/" + "t" * 68},
    "webhook remove": {},
}


def silenced(home, **denied):
    """A channel in which the bot lacks something."""
    overwrite = discord.PermissionOverwrite(**dict.fromkeys(denied or {"send_messages": False}, False))
    return home.guild.create_text_channel("locked", overwrites={home.guild.me: overwrite})


async def rules(home):
    return await home.storage.guilds.rules()


async def test_every_subcommand_has_its_permission_test(home, bot):
    there = bot.tree.get_command("monitor").walk_commands()
    names = {one.qualified_name for one in there if isinstance(one, discord.app_commands.Command)}
    assert names == {f"monitor {command}" for command in COMMANDS}


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
    assert "Now watching" in await home.monitor("enable", by=root)


async def test_enabling_posts_a_notice_first_and_is_written_down(home):
    said = await home.monitor("enable", channel=home.general)
    assert said.splitlines()[0] == (
        f"Now watching {home.general.mention} (tagging off, sensitivity normal). I posted a notice there."
    )
    (posted,) = home.general.history()
    assert posted.content == notice(7)
    assert await rules(home) == (Rule(home.guild.id, TargetKind.CHANNEL, home.general.id, Mode.WATCH),)
    channel = (TargetKind.CHANNEL, home.general.id)
    assert await home.actions() == [(AdminAction.ENABLE, *channel)]
    (noted,) = await home.storage.notices.all()
    assert (noted.channel_id, noted.message_id) == (home.general.id, posted.id)
    by = [entry.actor for entry in await home.storage.guilds.audit(home.guild.id)]
    assert by == [home.storage.pseudonyms.author(home.adam.id)]


def test_the_notice_says_what_is_kept_for_how_long_and_how_to_opt_out_in_two_lines():
    assert len(notice(30).splitlines()) == 2
    for part in ("score for each message for 30 days", "never its text", "An admin", "/privacy opt-out"):
        assert part in notice(30), part
    assert "for a day," in notice(1)


def test_the_rest_is_behind_its_button():
    assert len(details(30)) < 2000
    parts = (
        "score",
        "Never its text",
        "after 30 days",
        "/privacy opt-out",
        "/privacy see",
        "deletes my notice, I stop",
        "up to 24 hours back",
    )
    for part in (*parts, "my reactions from the last 30 days"):
        assert part in details(30), part
    assert "after a day." in details(1)
    assert "from the last day." in details(1)
    assert "offline" not in details(7, 0)
    assert "doesn't leave the machine" in details(7)
    assert "doesn't leave the machine" not in details(7, elsewhere=True)
    assert "another machine that my operator has chosen" in details(7, elsewhere=True)
    assert len(details(30, elsewhere=True)) < 2000
    assert "up to an hour back" in details(7, 1)
    for elsewhere in (False, True):
        said = details(30, elsewhere=elsewhere, languages=("en", "es", "pt", "fr", "de", "it", "tr", "pl"))
        assert "I read English, Spanish, Portuguese, French, German, Italian, Turkish and Polish: anything else" in said
        assert len(said) < 2000


async def test_the_button_under_the_notice_tells_whoever_presses_it_alone(home):
    await home.monitor("enable", channel=home.general)
    (posted,) = home.general.history()
    answer = await home.alice.click(posted, label="What do you keep?")
    assert answer.response.ephemeral
    assert answer.response.content == details(7)


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
    assert said.startswith("Nothing was enabled: I couldn't post my notice")
    assert await rules(home) == ()
    assert await home.actions() == []


async def test_tagging_needs_its_own_permissions(home):
    locked = silenced(home, add_reactions=False)
    assert "**Add Reactions**" in await home.monitor("enable", channel=locked, tagging=True)
    assert "Now watching" in await home.monitor("enable", channel=locked)


async def test_enabling_again_changes_what_is_given_and_posts_no_second_notice(home):
    await home.monitor("enable", sensitivity="high")
    said = await home.monitor("enable", tagging=True)
    assert said.startswith(f"I was already watching {home.general.mention}; now with tagging on, sensitivity high.")
    assert len(home.general.history()) == 1
    (rule,) = await rules(home)
    assert (rule.tagging, rule.sensitivity) == (True, Sensitivity.HIGH)


async def test_enabling_after_disabling_posts_a_notice_again(home):
    await home.monitor("enable")
    await home.monitor("disable")
    await home.monitor("enable")
    assert len(home.general.history()) == 2


async def test_enabling_what_was_exempt_posts_a_notice_as_well(home):
    await home.monitor("exempt channel", channel=home.general)
    assert "I posted a notice there." in await home.monitor("enable")
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
    assert said.startswith("Now watching the category **Chatter**")
    after = home.guild.create_text_channel("after", category=category)
    for channel in (before, after, home.general):
        await home.alice.send(channel, GOOD)  # brings the notice
        await home.alice.send(channel, GOOD)
    assert (await home.hours(before), await home.hours(after)) == ([(0, 0, 1)], [(0, 0, 1)])
    assert await home.hours(home.general) == []


async def test_where_a_wider_rule_cannot_post_its_notice_is_said_at_once(home):
    locked = silenced(home)
    said = await home.monitor("enable", whole_server=True)
    assert f"I can't post it in {locked.mention}" in said
    assert "/monitor doctor" in said


async def test_one_thread_can_be_watched_or_left_out(home):
    thread = ChannelHandle(home.env, home.guild, home.env.backend.create_thread(home.general.id, "plans", home.maya.id))
    await home.env.settle()
    await home.watch(thread)
    message = await home.alice.send(thread, GOOD)
    await home.alice.send(home.general, GOOD)
    assert await home.messages() == [message.id]
    await home.watch()
    assert "won't read anything there" in await home.monitor("exempt channel", channel=thread)
    await home.alice.send(thread, GOOD)
    other = await home.alice.send(home.general, GOOD)
    assert await home.messages() == [message.id, other.id]


async def test_disabling_a_channel_leaves_it_out_of_what_is_watched_around_it(home):
    await home.monitor("enable", whole_server=True)
    await home.alice.send(home.general, GOOD)
    said = await home.monitor("disable", channel=home.general)
    assert said.startswith(f"No longer watching {home.general.mention}.")
    assert (await home.actions())[-1] == (AdminAction.DISABLE, TargetKind.CHANNEL, home.general.id)
    await home.alice.send(home.general, GOOD)
    assert await home.messages() == []
    assert "watched again" in await home.monitor("include channel", channel=home.general)
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
    assert staff.mention in await home.monitor("exempt role", role=staff)
    assert "again in watched channels" in await home.monitor("include role", role=staff)
    assert await rules(home) == ()
    assert [action for action, _, _ in await home.actions()] == [AdminAction.EXEMPT, AdminAction.INCLUDE]


async def test_a_deleted_role_leaves_no_rule_behind(home):
    staff = home.guild.create_role("staff")
    await home.monitor("exempt role", role=staff)
    home.env.backend.delete_role(home.guild.id, staff.id)
    await home.env.settle()
    assert await rules(home) == ()


async def test_what_makes_no_sense_is_one_line_each(home):
    category = home.guild.create_category("Chatter")
    both = await home.monitor("enable", channel=category, whole_server=True)
    assert both == "Give either `channel` or `whole_server`, not both."
    assert (await home.monitor("exempt role", role=home.guild.default_role)).startswith("Everyone has that role.")
    assert await home.monitor("disable") == f"{home.general.mention} isn't watched."
    assert await home.monitor("disable", whole_server=True) == "The whole server isn't watched."
    assert await home.monitor("include channel", channel=category) == "The category **Chatter** isn't exempt."
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


@pytest.mark.parametrize("stop", ["disable", "exempt channel"])
async def test_where_watching_was_stopped_a_new_notice_comes_before_anybody_is_read_again(home, stop):
    await home.watch()
    await home.monitor(stop, channel=home.general)
    if stop == "exempt channel":
        await home.monitor("include channel", channel=home.general)
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


async def test_a_channel_has_thresholds_of_its_own_until_they_are_taken_back(home):
    said = await home.monitor("enable", alert_messages=50, alert_authors=8)
    assert "alerts from 50 messages and 8 people an hour" in said
    (rule,) = await rules(home)
    assert (rule.alert_messages, rule.alert_authors) == (50, 8)
    assert "alerts from 50 messages and 8 people an hour" in await home.monitor("status")
    await home.monitor("enable", tagging=True)  # leaves them as they are
    assert (await rules(home))[0].alert_messages == 50
    await home.monitor("enable", alert_messages=0, alert_authors=0)
    assert [(one.alert_messages, one.alert_authors) for one in await rules(home)] == [(None, None)]


@pytest.mark.parametrize("few", [{"alert_messages": 4}, {"alert_authors": 3}])
async def test_no_threshold_is_below_the_rule_of_five(home, few):
    assert await home.monitor("enable", **few) == "An alert needs at least 5 messages by 5 people."
    assert await rules(home) == ()
