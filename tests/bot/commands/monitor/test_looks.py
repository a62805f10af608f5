"""`/monitor status`, `doctor`, `preview` and `settings`."""

import discord
import pytest
import simcord

from bot.app.assemble import assemble
from bot.commands.monitor.settings_form import zone_named, zones_like
from bot.domain.records import AdminAction, DigestKind, GuildSettings, Mode, Rule, TargetKind
from bot.permissions import PORTAL
from bot.presentation.lists import cut
from bot.storage.errors import DatabaseUnavailable
from tests.bot.parts import monitoring_of

GOOD, BAD, PLAIN = "what a wonderful day", "this is terrible, I hate it", "the meeting is at five"


async def without(home, *lacking, name="locked"):
    """A watched channel in which the bot has lost something since."""
    channel = home.guild.create_text_channel(name)
    await home.watch(channel, tagging=True)
    overwrite = discord.PermissionOverwrite(**dict.fromkeys(lacking, False))
    allow, deny = overwrite.pair()
    home.env.backend.set_overwrite(
        channel.id,
        simcord.backend.models.Overwrite(target_id=home.guild.me.id, type=1, allow=allow.value, deny=deny.value),  # type: ignore[arg-type]
    )
    await home.env.settle()
    return channel


async def settings_of(home):
    return await home.storage.guilds.settings(home.guild.id)


async def test_the_status_says_what_is_watched_and_by_which_rule(home):
    category = home.guild.create_category("Chatter")
    inside = home.guild.create_text_channel("inside", category=category)
    staff = home.guild.create_role("staff")
    await home.monitor("enable", tagging=True)
    await home.monitor("enable", channel=category)
    await home.monitor("exempt role", role=staff)
    said = await home.monitor("status")
    assert f"{home.general.mention} (set for this channel), tagged" in said
    assert f"{inside.mention} (set for the category **Chatter**); I'll post my notice before" in said
    assert f"🚫 {staff.mention}: never read" in said
    await home.alice.send(home.general, GOOD)
    said = await home.monitor("status")
    for part in (
        "Read: about 0.",
        "Skipped (too busy): about 0.",
        "0 lost (database down)",
        "Per-message scores: 7 d.",
        "Message Content Intent: on",
        "Mod channel: not set",
    ):
        assert part in said, part


async def test_the_status_says_when_deletions_were_missed(home):
    assert "deletions" not in await home.monitor("status")
    home.storage.write_buffer.counts.dropped_deletions = 1200
    assert "1,200 deleted messages were missed" in await home.monitor("status")


async def test_the_status_says_what_waits_for_a_database_that_takes_nothing(home):
    assert "are waiting because" not in await home.monitor("status")
    home.storage.write_buffer.backlog.failed(DatabaseUnavailable("The disk is full."), 0)
    assert "0 are waiting because my database isn't responding" in await home.monitor("status")


async def test_the_status_of_an_unwatched_server_says_how_to_begin(home):
    assert "I'm not watching anything yet. Use `/setup`" in await home.monitor("status")


async def test_the_status_of_a_server_with_hundreds_of_channels_is_cut_at_a_line(home):
    for number in range(200):
        home.guild.create_text_channel(f"channel-{number}")
    await home.env.settle()
    await home.monitor("enable", whole_server=True)
    for channel in list(home.guild.channels.values())[:60]:
        await home.monitor("exempt channel", channel=channel)
    said = await home.monitor("status")
    assert len(said) < 6000
    assert said.count("… and ") == 2


def test_a_list_is_cut_between_lines_and_says_how_many_are_left():
    lines = [f"line {number}" for number in range(10)]
    assert cut(lines, 1000) == "\n".join(lines)
    assert cut(lines, 30) == "line 0\nline 1\n… and 8 more"
    assert cut([], 30) == ""
    assert all(len(cut(lines, limit)) <= limit for limit in range(20, 90))


async def test_the_doctor_says_what_is_missing_where_and_what_to_click(home):
    locked = await without(home, "view_channel", "add_reactions")
    await home.watch()
    said = await home.monitor("doctor")
    assert said.splitlines()[1] == "Needs fixing"
    for part in ("**View Channel**", "**Add Reactions** (to tag messages)", "**Edit Channel**", locked.mention):
        assert part in said, part
    assert "✅ 1 watched channel is fine." in said


async def test_the_doctor_looks_at_the_mod_channel_too(home):
    mods = home.guild.create_text_channel("mods")
    await home.monitor("settings", mod_channel=mods)
    assert f"✅ The mod channel {mods.mention} is fine." in await home.monitor("doctor")
    home.bot.get_guild(home.guild.id)._remove_channel(home.bot.get_channel(mods.id))
    home.env.backend.delete_channel(mods.id)  # of which the bot, knowing no such channel, is not told
    await home.env.settle()
    assert "❌ I can't see the mod channel, or it was deleted" in await home.monitor("doctor")


async def test_a_time_zone_that_is_not_known_any_more_is_named_to_the_admin(home, storage):
    """Another machine, or a former name: what was chosen stays written down, and is no longer what is told."""
    await storage.guilds.set_settings(GuildSettings(home.guild.id, timezone="Europe/Berlin"))
    async with storage.database.write() as connection:
        await connection.exec_driver_sql("UPDATE guild_settings SET timezone = 'Mars/Olympus'")
    assert "❌ This machine doesn't know the time zone Mars/Olympus any more" in await home.monitor("doctor")
    assert "Time zone: Mars/Olympus, which this machine doesn't know any more" in await home.monitor("settings")
    await home.monitor("settings", timezone="Europe/Berlin")
    assert "time zone" not in await home.monitor("doctor")


@pytest.mark.parametrize(
    ("zone", "begins"), [("Asia/Kolkata", "00:30"), ("Asia/Kathmandu", "00:45"), ("Europe/Berlin", None)]
)
async def test_where_midnight_falls_into_an_hour_the_settings_say_when_a_day_begins(home, zone, begins):
    said = await home.monitor("settings", timezone=zone)
    assert (f"so a day begins at {begins} here" in said) is (begins is not None)


async def test_the_doctor_forgets_rules_about_what_was_deleted_while_the_bot_was_off(home, storage):
    staff, thread = 4711, home.env.backend.create_thread(home.general.id, "archived", home.maya.id)
    gone = home.guild.create_text_channel("gone")
    await home.env.settle()
    await home.watch(gone)
    await home.watch()
    await monitoring_of(home.bot).rules.set_rule(Rule(home.guild.id, TargetKind.ROLE, staff, Mode.EXEMPT))
    await monitoring_of(home.bot).rules.set_rule(Rule(home.guild.id, TargetKind.THREAD, thread.id, Mode.EXEMPT))
    guild = home.bot.get_guild(home.guild.id)
    guild._remove_thread(thread)  # as if it were archived, and so unknown
    guild._remove_channel(guild.get_channel(gone.id))
    home.env.backend.delete_channel(gone.id)  # of which the bot, knowing no such channel, is not told
    await home.env.settle()
    assert "✅ 2 rules were about deleted channels or roles; removed." in await home.monitor("doctor")
    await storage.write_buffer.flush()
    assert {rule.target_id for rule in await storage.guilds.rules()} == {home.general.id, thread.id}


@pytest.mark.parametrize(("status", "code"), [(404, 0), (403, 50001), (503, 0)])
async def test_the_doctor_forgets_nothing_of_what_discord_does_not_call_deleted(home, storage, status, code):
    rule = Rule(home.guild.id, TargetKind.CHANNEL, 4711, Mode.WATCH)
    await monitoring_of(home.bot).rules.set_rule(rule)
    home.env.inject_error("GET", "/channels/4711", status=status, code=code)
    assert "about what is deleted" not in await home.monitor("doctor")
    assert await storage.guilds.rules() == (rule,)


async def test_a_deleted_mod_channel_is_no_longer_chosen(home):
    mods = home.guild.create_text_channel("mods")
    await home.monitor("settings", mod_channel=mods)
    home.env.backend.delete_channel(mods.id)
    await home.env.settle()
    assert "not set, so no alerts will be posted" in await home.monitor("settings")


@pytest.fixture
async def unread(home, settings, classifier, storage):
    """The same server with a bot that Discord does not show what messages say."""
    await home.watch()
    home.bot = assemble(settings, classifier, storage, message_content=False)
    await home.env.restart_bot(home.bot)
    return home


@pytest.mark.parametrize("command", ["enable", "status", "doctor", "preview"])
async def test_without_the_message_content_intent_every_command_says_what_to_click(unread, command):
    said = await unread.monitor(command)
    for part in ("I can't read messages", PORTAL, "Message Content Intent", "Commands work without"):
        assert part in said, part


async def test_without_the_message_content_intent_nothing_is_read_not_even_what_mentions_the_bot(unread):
    await unread.alice.send(unread.general, f"<@{unread.guild.me.id}> {GOOD}")
    await unread.alice.edit(await unread.alice.send(unread.general, GOOD), BAD)
    assert await unread.messages() == []


async def test_without_the_message_content_intent_deletions_still_count(home, settings, classifier, storage):
    await home.watch()
    message = await home.alice.send(home.general, GOOD)
    assert await home.messages() == [message.id]
    await home.env.restart_bot(assemble(settings, classifier, storage, message_content=False))
    await home.alice.delete(message)
    assert await home.messages() == []


async def test_the_preview_says_what_would_have_been_tagged_and_keeps_nothing(home):
    bad = await home.alice.send(home.general, BAD)
    for text in (GOOD, PLAIN):
        await home.maya.send(home.general, text)
    said = await home.monitor("preview")
    assert "👍 [positive]" in said
    assert f"→ 🌟: {GOOD}" in said
    assert bad.jump_url in said
    assert "😐 [neutral]" in said
    assert PLAIN in said
    assert "I'd have tagged 2 of 3" in said
    assert said.index(BAD) < said.index(GOOD)
    assert await home.messages() == []
    assert await home.actions() == [(AdminAction.PREVIEW, TargetKind.CHANNEL, home.general.id)]
    assert not any("/reactions/" in entry.path for entry in home.env.http_requests)


async def test_the_preview_reads_twenty_messages_and_disarms_what_they_hold(home):
    for number in range(25):
        await home.alice.send(home.general, f"@everyone number {number} is [nice](http://evil.example) **today**")
    said = await home.monitor("preview")
    assert "number 4 " not in said
    assert "number 5 " in said
    assert "@everyone" not in said
    assert "[nice](" not in said.replace("\\[nice](", "")
    assert "of 20" in said


async def test_the_preview_leaves_out_who_is_never_read(home, storage):
    staff = home.guild.create_role("staff")
    await home.monitor("exempt role", role=staff)
    sam = home.guild.add_member(home.env.create_user("sam"), roles=[staff])
    await storage.opt_outs.add(home.maya.id)
    for somebody in (sam, home.maya, home.alice):
        await somebody.send(home.general, f"{GOOD} says {somebody.name}")
    said = await home.monitor("preview")
    assert "says alice" in said
    assert "says sam" not in said
    assert "says maya" not in said


async def test_the_preview_shows_nobody_a_channel_they_may_not_read(home):
    secret = home.guild.create_text_channel(
        "secret", overwrites={home.guild.default_role: discord.PermissionOverwrite(read_message_history=False)}
    )
    await home.env.settle()
    said = await home.monitor("preview", channel=secret)
    assert said.startswith("You can't read")
    assert await home.actions() == []


async def test_the_preview_needs_read_message_history(home):
    locked = await without(home, "read_message_history")
    assert "**Read Message History**" in await home.monitor("preview", channel=locked)


async def test_the_preview_of_what_holds_no_messages_is_one_line(home):
    category = home.guild.create_category("Chatter")
    assert await home.monitor("preview", channel=category) == "Pick a channel or thread with messages in it."


async def test_settings_are_shown_and_changed_together(home):
    assert "UTC" in await home.monitor("settings")
    mods = home.guild.create_text_channel("mods")
    said = await home.monitor(
        "settings",
        timezone="Europe/Berlin",
        mod_channel=mods,
        positive_emoji="🎉",
        negative_emoji="🫂",
        confidence=80,
        alert_messages=30,
        alert_authors=8,
        digest="weekly",
        digest_hour=7,
        digest_messages=50,
    )
    wanted = GuildSettings(home.guild.id, "Europe/Berlin", mods.id, "🎉", "🫂", 800, 30, 8, DigestKind.WEEKLY, 7, 50)
    assert await settings_of(home) == wanted
    for part in (
        "Saved",
        "Europe/Berlin",
        mods.mention,
        "🎉 / 🫂 when at least 80 % sure",
        "30 messages by 8 people",
        "weekly at 07:00",
    ):
        assert part in said, part
    assert await home.actions() == [(AdminAction.SETTINGS, None, None)]


async def test_what_is_not_given_stays(home):
    await home.monitor("settings", timezone="Europe/Berlin")
    await home.monitor("settings", confidence=70)
    settings = await settings_of(home)
    assert (settings.timezone, settings.reaction_floor) == ("Europe/Berlin", 700)


async def test_without_a_mod_channel_nothing_is_posted(home):
    mods = home.guild.create_text_channel("mods")
    await home.monitor("settings", mod_channel=mods)
    await home.monitor("settings", no_mod_channel=True)
    assert (await settings_of(home)).mod_channel_id is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timezone": "Europe/Nowhere"}, "There's no time zone 'Europe/Nowhere'"),
        ({"timezone": "../../etc/passwd"}, "There's no time zone"),
        ({"positive_emoji": "hello"}, "That's not an emoji"),
        ({"positive_emoji": "🎉🎉"}, "That's not an emoji"),
        ({"negative_emoji": "<:gone:123456789012345678>"}, "That emoji is from another server"),
        ({"negative_emoji": "🌟"}, "Both reactions would be the same emoji"),
        ({"digest": "daily"}, "A digest needs a channel"),
        ({"timezone": "Europe/Berlin", "digest": "daily"}, "A digest needs a channel"),
    ],
)
async def test_a_setting_that_cannot_be_is_one_line_and_changes_nothing(home, options, said):
    answer = await home.monitor("settings", **options)
    assert answer.startswith(said)
    assert "\n" not in answer
    assert await settings_of(home) == GuildSettings(home.guild.id)
    assert await home.actions() == []


async def test_an_emoji_of_this_server_can_be_used_and_one_kept_for_a_role_cannot(home):
    party = home.guild.create_emoji("party")
    secret = home.guild.create_emoji("secret")
    secret.role_ids.append(home.guild.create_role("vip").id)
    text = f"<:party:{party.id}>"
    assert text in await home.monitor("settings", positive_emoji=text)
    assert "I can't use :secret:" in await home.monitor("settings", positive_emoji=f"<:secret:{secret.id}>")
    assert (await settings_of(home)).positive_reaction == text


async def test_a_mod_channel_must_take_what_is_posted(home):
    locked = await without(home, "embed_links", "attach_files")
    said = await home.monitor("settings", mod_channel=locked)
    assert said.startswith("Nothing has changed")
    assert "**Embed Links**" in said
    assert "**Attach Files**" in said
    forum = home.guild.create_forum_channel("help")
    assert "a channel where I can post messages" in await home.monitor("settings", mod_channel=forum)
    assert await settings_of(home) == GuildSettings(home.guild.id)


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        (" new york ", "America/New_York"),
        ("utc", "UTC"),
        ("kolka", "Asia/Kolkata"),
    ],
)
async def test_a_time_zone_is_found_by_its_city_also_when_it_is_only_typed(home, typed, zone):
    await home.monitor("settings", timezone=typed)
    assert (await settings_of(home)).timezone == zone


async def test_a_time_zone_that_may_be_several_is_asked_back(home):
    said = await home.monitor("settings", timezone="indiana")
    assert said.startswith("Which one do you mean by “indiana”: America/Indiana/Indianapolis")
    assert "…" in said
    assert await settings_of(home) == GuildSettings(home.guild.id)


async def test_emoji_are_suggested_by_their_names_and_this_servers_first(home):
    party = home.guild.create_emoji("rainbow_party")
    await home.env.settle()
    home.bot.get_guild(home.guild.id).emojis = tuple(await home.bot.get_guild(home.guild.id).fetch_emojis())
    for option in ("positive_emoji", "negative_emoji"):
        found = await home.adam.autocomplete(home.general, "monitor settings", option, "rainbow")
        assert [choice["value"] for choice in found][:2] == [f"<:rainbow_party:{party.id}>", "🌈"]
        assert len(await home.adam.autocomplete(home.general, "monitor settings", option, "")) >= 10


async def test_time_zones_are_suggested_as_they_are_typed(home):
    found = await home.adam.autocomplete(home.general, "monitor settings", "timezone", "berl")
    assert [choice["name"] if isinstance(choice, dict) else choice.name for choice in found] == ["Europe/Berlin"]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("new york", "America/New_York"),
        ("europe/", "Europe/Amsterdam"),
        ("utc", "UTC"),
        ("\u0130stanbul", "Europe/Istanbul"),
        ("\u0131stanbul", "Europe/Istanbul"),
    ],
)
def test_a_city_is_found_by_its_name_however_it_is_written(typed, first):
    assert zones_like(typed)[0] == first
    assert len(zones_like("")) == 25
    assert zones_like("nowhere at all") == []


@pytest.mark.parametrize(
    ("typed", "meant"), [("istanbul", "Europe/Istanbul"), ("buenos aires", "America/Argentina/Buenos_Aires")]
)
def test_a_city_that_had_other_names_is_meant_by_its_present_one(typed, meant):
    assert zone_named(typed) == meant


# ---- preview


async def test_the_preview_pages_on_past_the_messages_of_bots(home, storage):
    """In a channel where a bot talks most, its last 20 messages are none of anybody's."""
    for number in range(3):
        await home.alice.send(home.general, f"{GOOD} number {number}")
    for number in range(120):
        home.env.backend.create_message(home.general.id, home.bot.user.id, f"tick {number}")
    said = await home.monitor("preview")
    assert said.count("number") == 3
    assert "of 3" in said
    assert len([one for one in home.env.http_requests if one.method == "GET" and one.path.endswith("/messages")]) <= 3


async def test_links_alone_are_named_and_not_counted_as_failed(home):
    await home.alice.send(home.general, "https://example.com/a")
    await home.alice.send(home.general, GOOD)
    said = await home.monitor("preview")
    assert "only links, mentions or pictures" in said
    assert "not read" not in said
    assert "of 1" in said
