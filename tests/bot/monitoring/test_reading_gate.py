"""The gate: each reason why a message is not read, for each purpose, and an answer for each kind of channel."""

import discord
import pytest
from simcord import ChannelHandle
from simcord.backend import serializers
from simcord.enums import ChannelType

from bot.channels import place_of
from bot.domain.records import Mode, Rule, TargetKind
from bot.monitoring.asked_message import UNREAD_PLACE
from bot.monitoring.member_roles import MemberRoles
from bot.monitoring.reading_gate import Barred, ReadingFor, ReadingGate, Written
from tests.bot.parts import monitoring_of
from tests.cards import headline

GOOD = "what a wonderful day"
WATCHED, PREVIEW, ASKED = ReadingFor.WATCHED, ReadingFor.PREVIEW, ReadingFor.ASKED


@pytest.fixture
def gate(home):
    return monitoring_of(home.bot).gate


@pytest.fixture
def rules(home):
    return monitoring_of(home.bot).rules


@pytest.fixture
def written(home):
    """A message of Alice's in general, just now, with some of its facts exchanged."""

    def write(**facts):
        known = {
            "message_id": home.env.backend.snowflake(),
            "author_id": home.alice.id,
            "guild_id": home.guild.id,
            "channel": home.bot.get_channel(home.general.id),
            "by_a_bot": False,
            "is_typed": True,
            "roles": (),
        }
        return Written(**known | facts)

    return write


def answers(gate, message, **options):
    """Why the message is not read, for each purpose in turn."""
    return tuple(gate.ruling(message, purpose, **options).barred for purpose in (WATCHED, PREVIEW, ASKED))


async def rule(home, kind, number, mode):
    await monitoring_of(home.bot).rules.set_rule(Rule(home.guild.id, kind, number, mode))


async def test_where_nothing_is_watched_only_those_are_read_who_are_asked_about_or_looked_at(gate, written):
    assert answers(gate, written()) == (Barred.NOT_WATCHED, None, None)


async def test_under_a_standing_notice_a_message_is_read(home, gate, written):
    await home.watch()
    ruling = gate.ruling(written(), WATCHED)
    assert ruling.barred is None
    assert ruling.place == place_of(home.bot.get_channel(home.general.id))
    assert ruling.decision.rule.target_id == home.general.id


async def test_before_a_notice_stands_nobody_is_watched(home, gate, written):
    await home.monitor("enable", whole_server=True)
    assert answers(gate, written()) == (Barred.NO_NOTICE, None, None)


async def test_what_was_written_before_the_notice_is_never_watched(home, gate, written):
    before = written()
    await home.env.advance_time(1)
    await home.watch()
    assert answers(gate, before) == (Barred.BEFORE_NOTICE, None, None)
    assert answers(gate, written()) == (None, None, None)


async def test_whoever_opted_out_is_read_for_nothing_but_what_they_ask_about_themselves(home, gate, written, storage):
    await home.watch()
    await storage.opt_outs.add(home.alice.id)
    assert answers(gate, written()) == (Barred.OPTED_OUT,) * 3
    assert answers(gate, written(guild_id=None, channel=None))[2] is Barred.OPTED_OUT
    assert answers(gate, written(), asker_id=home.alice.id)[2] is None


async def test_whoever_opted_out_of_this_server_is_read_in_others_alone(home, gate, written, storage):
    await home.watch()
    await storage.opt_outs.add(home.alice.id, home.guild.id)
    assert answers(gate, written()) == (Barred.OPTED_OUT,) * 3
    assert answers(gate, written(guild_id=None, channel=None))[2] is None
    assert answers(gate, written(), asker_id=home.alice.id)[2] is None
    await storage.opt_outs.remove(home.alice.id, guild_id=home.guild.id)
    await home.env.advance_time(2)  # only what is written from then on may be read again
    await storage.opt_outs.add(home.alice.id, home.guild.id + 1)
    assert Barred.OPTED_OUT not in answers(gate, written())


async def test_an_exempt_role_bars_everything_and_is_never_guessed(home, gate, written):
    await home.watch()
    staff = home.guild.create_role("staff")
    await home.monitor("exempt role", role=staff)
    assert answers(gate, written(roles=(staff.id,))) == (Barred.EXEMPT_ROLE,) * 3
    assert answers(gate, written(roles=None)) == (Barred.ROLES_UNKNOWN,) * 3
    assert answers(gate, written(roles=(4711,))) == (None, None, None)
    assert answers(gate, written(roles=(staff.id,)), asker_id=home.alice.id)[2] is None


@pytest.mark.parametrize("kind", [TargetKind.CHANNEL, TargetKind.CATEGORY, TargetKind.THREAD])
async def test_an_exempt_place_bars_everything_in_it(home, gate, written, kind):
    category = home.guild.create_category("Chatter")
    channel = home.guild.create_text_channel("inside", category=category)
    thread = home.env.backend.create_thread(channel.id, "t", home.maya.id)
    await home.env.settle()
    await home.monitor("enable", whole_server=True)
    number = {"category": category.id, "channel": channel.id, "thread": thread.id}[kind]
    await rule(home, kind, number, Mode.EXEMPT)
    inside = home.bot.get_guild(home.guild.id).get_thread(thread.id)
    assert answers(gate, written(channel=inside)) == (Barred.EXEMPT_PLACE,) * 3
    assert gate.bars_channel(inside) is Barred.EXEMPT_PLACE
    assert answers(gate, written()) == (Barred.NO_NOTICE, None, None)


async def test_bots_and_webhooks_are_read_where_somebody_asks_alone(home, gate, written):
    await home.watch()
    await home.monitor("exempt role", role=home.guild.create_role("staff"))
    bars = Barred.NOT_A_PERSON
    assert answers(gate, written(by_a_bot=True, roles=None)) == (bars, bars, None)


async def test_what_discord_quotes_of_somebody_is_theirs(home, gate, written, storage):
    bars = Barred.NOT_A_PERSON
    staff = home.guild.create_role("staff")
    await home.monitor("exempt role", role=staff)
    assert answers(gate, written(is_typed=False)) == (bars, bars, None)
    assert answers(gate, written(is_typed=False, roles=(staff.id,))) == (bars, bars, Barred.EXEMPT_ROLE)
    assert answers(gate, written(is_typed=False, roles=None)) == (bars, bars, Barred.ROLES_UNKNOWN)


async def test_without_contents_nothing_is_watched_or_shown_and_what_is_pointed_at_is_read(
    rules, storage, written, home
):
    await home.watch()
    blind = ReadingGate(rules, storage.opt_outs, content_seen=False)
    assert answers(blind, written()) == (Barred.NO_CONTENT, Barred.NO_CONTENT, None)
    assert blind.bars_channel(home.bot.get_channel(home.general.id)) is Barred.NO_CONTENT


async def test_of_an_unknown_channel_nothing_is_read_and_asked_about_only_where_no_place_is_exempt(home, gate, written):
    nowhere = home.bot.get_partial_messageable(4711, guild_id=home.guild.id)
    unknown = Barred.UNKNOWN_CHANNEL
    await home.watch()
    assert answers(gate, written(channel=nowhere)) == (unknown, unknown, None)
    await home.monitor("exempt channel", channel=home.guild.create_text_channel("quiet"))
    assert answers(gate, written(channel=nowhere)) == (unknown,) * 3
    await rule(home, TargetKind.CHANNEL, 4711, Mode.EXEMPT)
    assert answers(gate, written(channel=nowhere))[2] is Barred.EXEMPT_PLACE


OWN, PARENT, NEVER, HOLDS_NONE, NO_SERVER = "own", "parent", "never", "holds none", "no server"
KINDS = {
    discord.ChannelType.text: OWN,
    discord.ChannelType.news: OWN,
    discord.ChannelType.voice: OWN,
    discord.ChannelType.stage_voice: OWN,
    discord.ChannelType.public_thread: PARENT,
    discord.ChannelType.news_thread: PARENT,
    discord.ChannelType.private_thread: NEVER,
    discord.ChannelType.forum: HOLDS_NONE,
    discord.ChannelType.media: HOLDS_NONE,
    discord.ChannelType.category: HOLDS_NONE,
    discord.ChannelType.private: NO_SERVER,
    discord.ChannelType.group: NO_SERVER,
}


def test_every_kind_of_channel_that_the_library_knows_has_an_answer():
    assert set(KINDS) == set(discord.ChannelType)


def made(home, kind):
    """A channel of this kind, as the bot knows it."""
    backend, guild = home.env.backend, home.guild
    makers = {
        "news": guild.create_news_channel,
        "voice": guild.create_voice_channel,
        "stage_voice": guild.create_stage_channel,
        "forum": guild.create_forum_channel,
        "category": guild.create_category,
    }
    if kind.name in makers:
        return makers[kind.name]("made")
    if kind is discord.ChannelType.media:
        channel = guild.create_forum_channel("made")
        known = serializers.channel_payload(backend, backend.get_channel(channel.id))
        backend.emit(
            "CHANNEL_CREATE", dict(known) | {"type": kind.value}
        )  # the simulation has none: only the bot knows
        return channel
    return guild.create_text_channel("made")


@pytest.mark.parametrize("kind", [kind for kind, answer in KINDS.items() if answer == OWN])
async def test_channels_with_messages_count_for_themselves(home, kind):
    channel = made(home, kind)
    await home.env.settle()
    await home.monitor("enable", whole_server=True)
    await home.alice.send(channel, GOOD)
    message = await home.alice.send(channel, GOOD)
    assert home.bot.get_channel(channel.id).type is kind
    assert await home.messages() == [message.id]
    assert await home.hours(channel) == [(0, 0, 1)]


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (discord.ChannelType.public_thread, discord.ChannelType.text),
        (discord.ChannelType.news_thread, discord.ChannelType.news),
        (discord.ChannelType.public_thread, discord.ChannelType.forum),
        (discord.ChannelType.public_thread, discord.ChannelType.media),
        (discord.ChannelType.private_thread, discord.ChannelType.text),
    ],
    ids=["thread", "announcement thread", "post", "media post", "private thread"],
)
async def test_threads_count_for_their_channel_and_private_ones_not_at_all(home, kind, parent):
    backend = home.env.backend
    channel = made(home, parent)
    known_there = ChannelType.PRIVATE_THREAD if KINDS[kind] == NEVER else ChannelType.PUBLIC_THREAD
    thread = backend.create_thread(channel.id, "t", home.maya.id, type=known_there, broadcast=False)
    announced = dict(serializers.channel_payload(backend, thread)) | {"type": kind.value, "newly_created": True}
    backend.emit("THREAD_CREATE", announced)
    if KINDS[kind] == NEVER:
        backend.add_thread_member(thread.id, backend.bot_user.id)
    await home.env.settle()
    known = home.bot.get_guild(home.guild.id).get_thread(thread.id)
    assert known.type is kind
    await home.watch(channel)
    message = backend.create_message(thread.id, home.maya.id, GOOD)
    await home.env.settle()
    counted = KINDS[kind] == PARENT
    assert await home.messages() == [message.id] * counted
    assert await home.hours(channel) == [(0, 0, 1)] * counted


@pytest.mark.parametrize("kind", [kind for kind, answer in KINDS.items() if answer == HOLDS_NONE])
async def test_what_holds_no_messages_is_nowhere_to_read(home, gate, kind):
    channel = made(home, kind)
    await home.env.settle()
    known = home.bot.get_channel(channel.id)
    assert known.type is kind
    assert not isinstance(known, discord.abc.Messageable)


async def test_direct_messages_are_no_servers_to_watch(home, gate, written):
    await home.alice.user.send_dm(GOOD)
    unknown = Barred.UNKNOWN_CHANNEL
    for channel in home.bot.private_channels:
        assert answers(gate, written(guild_id=None, channel=channel)) == (unknown, unknown, None)


# ---- private threads


@pytest.fixture
async def secret(home):
    """A private thread of Adam's in general, which the bot was invited to."""
    backend = home.env.backend
    thread = backend.create_thread(home.general.id, "secret", home.adam.id, type=ChannelType.PRIVATE_THREAD)
    for user in (backend.bot_user.id, home.maya.id):
        backend.add_thread_member(thread.id, user)
    await home.env.settle()
    return ChannelHandle(home.env, home.guild, thread)


async def test_watching_a_private_thread_is_refused_in_one_sentence(home, secret, storage):
    said = await home.monitor("enable", at=secret)
    assert said.startswith("Nothing was enabled. That's a private thread")
    assert await storage.guilds.rules() == ()
    assert secret.history() == []


async def test_nobody_is_shown_what_a_private_thread_says(home, secret):
    await home.maya.send(secret, f"{GOOD} xylophonic")
    said = await home.monitor("preview", at=secret)
    assert said.startswith("That's a private thread")
    assert "xylophonic" not in said
    assert await home.actions() == []


async def test_a_rule_of_former_days_for_a_private_thread_has_nobody_read_and_can_be_removed(home, secret):
    await rule(home, TargetKind.THREAD, secret.id, Mode.WATCH)
    await monitoring_of(home.bot).rules.told(home.guild.id, secret.id, 0)
    await home.maya.send(secret, GOOD)
    assert await home.messages() == []
    assert "private thread" not in await home.monitor("status")  # of which its admin need not know
    boss = home.guild.create_role("boss", permissions=discord.Permissions(manage_guild=True, manage_threads=True))
    said = await home.monitor("status", by=home.guild.add_member(home.env.create_user("boss"), roles=[boss]))
    assert "I'm not watching anything yet" in said
    assert "never read, because it's a private thread" in said
    assert "not watching anything yet" in await home.monitor("doctor")
    assert "No longer watching" in await home.monitor("disable", at=secret)


async def test_a_private_thread_can_be_exempt_and_is_not_offered_to_be_watched_afterwards(home, secret):
    message = await home.maya.send(secret, GOOD)
    await home.monitor("exempt channel", channel=secret, at=secret)
    answer = await home.adam.context_menu(secret, "Check sentiment", message)
    assert answer.response.content == UNREAD_PLACE
    said = await home.monitor("include channel", channel=secret, at=secret)
    assert "is no longer exempt. That's a private thread" in said


async def test_a_message_in_a_private_thread_can_be_asked_about_by_who_sees_it(home, secret):
    message = await home.maya.send(secret, GOOD)
    answer = await home.adam.context_menu(secret, "Check sentiment", message)
    assert headline(answer.response) == "Positive"


# ---- roles that have to be asked for


async def test_roles_are_asked_for_once_per_person_and_for_few_people(home):
    staff = home.guild.create_role("staff")
    sam = home.guild.add_member(home.env.create_user("sam"), roles=[staff])
    members = MemberRoles(home.bot.get_guild(home.guild.id), most=2)
    for _ in range(3):
        assert staff.id in (await members.of_user(sam.id) or ())
    assert await members.of_user(4711) is None  # who has left
    assert await members.of_user(home.maya.id) is None  # one too many
    asked = [entry for entry in home.env.http_requests if "/members/" in entry.path and entry.method == "GET"]
    assert len(asked) == 2


async def test_after_a_failure_nobody_else_is_asked_for(home):
    home.env.inject_error("GET", "/guilds/*/members/*", status=500, code=0, times=1)
    members = MemberRoles(home.bot.get_guild(home.guild.id))
    assert await members.of_user(home.alice.id) is None
    assert await members.of_user(home.maya.id) is None
    assert len([entry for entry in home.env.http_requests if "/members/" in entry.path]) == 1


async def test_the_preview_leaves_out_who_opts_out_while_the_model_reads(home, monkeypatch):
    for author in (home.alice, home.maya):
        await author.send(home.general, f"{GOOD} says {author.name}")
    classifier = home.bot.services.classifier
    many = type(classifier).classify_many

    async def classify_many(self, *texts, **options):
        await home.storage.opt_outs.add(home.maya.id)
        return await many(self, *texts, **options)

    monkeypatch.setattr(type(classifier), "classify_many", classify_many)
    said = await home.monitor("preview")
    assert "says alice" in said
    assert "says maya" not in said
    assert "of 1" in said


async def test_the_preview_of_an_exempt_channel_says_how_that_is_undone(home):
    await home.alice.send(home.general, GOOD)
    await home.monitor("exempt channel", channel=home.general)
    said = await home.monitor("preview")
    assert said == "I don't read anyone there, because it's exempt. `/monitor include` undoes that."


async def test_the_preview_knows_the_notice_and_the_past_alike(home):
    stored = home.env.backend.create_message(home.general.id, home.alice.id, GOOD)
    await home.env.settle()
    await home.watch()
    assert serializers.message_payload(home.env.backend, stored)["content"] == GOOD
    assert GOOD in await home.monitor("preview")
