"""Nobody is read where the notice does not stand: whoever deletes it stops the reading, seen or unseen."""

import asyncio
from dataclasses import replace

import aiohttp
import discord
import pytest
from simcord import ChannelHandle
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType

from bot.app.assemble import assemble
from bot.domain.notice import AGAIN_SECONDS, Notice
from bot.domain.rules import Place
from bot.monitoring.admin_notifier import COLLECTING
from bot.monitoring.notice import ASK_AGAIN_SECONDS
from bot.monitoring.notice_post import FORUM_TITLE
from bot.monitoring.notice_words import details, notice
from bot.monitoring.rule_cache import RuleCache
from bot.refusal_backoff import LATER, PAUSES
from bot.storage.errors import DatabaseUnavailable
from tests.bot.forums import MEDIA, REQUIRE_TAG, change_forum, change_post, teach_forums
from tests.bot.parts import monitoring_of

GOOD, BAD, PLAIN = "what a wonderful day", "this is terrible, I hate it", "the meeting is at five"


class Clock:
    """The time of a process, in seconds since the Unix epoch."""

    def __init__(self, env):
        self.ahead, self._env = 0.0, env

    def __call__(self):
        return self._env.now().timestamp() + self.ahead


@pytest.fixture
def clock(home):
    clock = Clock(home.env)
    monitoring_of(home.bot).rules._clock = clock
    monitoring_of(home.bot).backoff._clock = clock
    return clock


@pytest.fixture
async def told(home, clock):
    """General is watched, and its notice stands."""
    await home.watch()
    return home


@pytest.fixture
async def mods(home):
    channel = home.guild.create_text_channel("mods")
    await home.monitor("settings", mod_channel=channel)
    return channel


def notices(channel):
    """The notices that stand in a channel."""
    return [message for message in channel.history() if message.content == notice(7)]


def delete(home, message, channel=None):
    home.env.backend.delete_message((channel or home.general).id, message.id)


def asked(home):
    """How often the bot asked for a single message."""
    return sum(
        entry.method == "GET" and "/messages/" in entry.path and not entry.path.endswith("messages")
        for entry in home.env.http_requests
    )


async def is_read(home, channel=None, text=GOOD):
    """Whether the next message there is read."""
    message = await home.alice.send(channel or home.general, text)
    return message.id in await home.messages()


async def restarted(home, settings, classifier, storage, *, meanwhile=lambda: None):
    """The bot stops, something happens, and it starts again."""
    backend = home.env.backend
    emit, backend.emit = backend.emit, lambda *_, **__: None
    meanwhile()
    backend.emit = emit
    fresh = assemble(settings, classifier, storage)
    await home.env.restart_bot(fresh)
    home.bot = fresh
    monitoring_of(fresh).rules._clock = Clock(home.env)
    return fresh


@pytest.fixture
def restart(settings, classifier, storage):
    def again(home, meanwhile=lambda: None):
        return restarted(home, settings, classifier, storage, meanwhile=meanwhile)

    return again


def one_by_one(home, message):
    delete(home, message)


def with_many(home, message):
    others = [home.env.backend.create_message(home.general.id, home.maya.id, PLAIN) for _ in range(3)]
    home.env.backend.bulk_delete_messages(home.general.id, [message.id, *(other.id for other in others)])


@pytest.mark.parametrize("remove", [one_by_one, with_many])
async def test_whoever_deletes_the_notice_stops_the_reading_until_a_new_one_stands(told, remove):
    before = await told.alice.send(told.general, GOOD)
    remove(told, notices(told.general)[0])
    await told.env.settle()
    assert notices(told.general) == []
    await told.alice.edit(before, BAD)
    assert await told.hours() == [], "an edit is not read, and what the score was for is gone"
    assert not await is_read(told)
    assert len(notices(told.general)) == 1
    assert await is_read(told)


async def test_other_deletions_change_nothing(told):
    delete(told, await told.alice.send(told.general, GOOD))
    await told.env.settle()
    assert await is_read(told)
    assert len(notices(told.general)) == 1


async def test_a_notice_that_is_deleted_twice_within_a_day_stops_the_bot_there_and_the_admins_hear_once(told, mods):
    for _ in range(2):
        delete(told, notices(told.general)[0])
        await told.env.settle()
        await told.alice.send(told.general, GOOD)
    for _ in range(3):
        assert not await is_read(told)
    assert notices(told.general) == []
    await told.env.advance_time(COLLECTING[0])
    (note,) = mods.history()
    assert told.general.mention in note.content
    assert "was deleted twice" in note.content
    assert "my notice was deleted there twice" in await told.monitor("status")
    assert await told.messages() == []


@pytest.fixture
async def stopped(told):
    """Where the notice was deleted twice."""
    for _ in range(2):
        delete(told, notices(told.general)[0])
        await told.env.settle()
        await told.alice.send(told.general, GOOD)
    assert notices(told.general) == []
    return told


async def test_a_restart_does_not_make_the_bot_forget_that_it_is_not_wanted(stopped, restart):
    await restart(stopped)
    assert not await is_read(stopped)
    assert notices(stopped.general) == []


@pytest.mark.parametrize("act", ["enable", "doctor", "enable everywhere"])
async def test_an_admin_who_acts_has_it_posted_again(stopped, act):
    if act == "enable everywhere":
        await stopped.monitor("enable", whole_server=True)
    else:
        await stopped.monitor(act)
    await stopped.alice.send(stopped.general, GOOD)
    assert len(notices(stopped.general)) == 1
    assert await is_read(stopped)
    delete(stopped, notices(stopped.general)[0])
    await stopped.env.settle()
    await stopped.alice.send(stopped.general, GOOD)
    assert len(notices(stopped.general)) == 1, "it is counted anew"


async def test_one_that_stood_for_a_day_is_posted_again_however_often(told, clock):
    for _ in range(4):
        clock.ahead += AGAIN_SECONDS
        delete(told, notices(told.general)[0])
        await told.env.settle()
        await told.alice.send(told.general, GOOD)
        assert len(notices(told.general)) == 1
    assert await is_read(told)


async def test_a_deletion_that_cannot_be_written_counts_at_once_and_is_written_later(told, monkeypatch):
    async def fail(*_):
        raise DatabaseUnavailable("away")

    message = notices(told.general)[0]
    with monkeypatch.context() as broken:
        broken.setattr(told.storage.notices, "deleted", fail)
        broken.setattr(told.storage.notices, "of", fail)
        delete(told, message)
        await told.env.settle()
        assert not await is_read(told)
    await told.bot.jobs.tick()
    (noted,) = await told.storage.notices.all()
    assert (noted.message_id, noted.posted, noted.deletions) == (None, None, 1)


async def test_a_deletion_that_is_not_written_yet_is_not_forgotten_when_discord_is_away_as_well(told, monkeypatch):
    async def fail(*_):
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(told.storage.notices, "deleted", fail)
        delete(told, notices(told.general)[0])
        await told.env.settle()
    told.env.inject_error("GET", "/channels/*/messages/*", status=503, times=None)
    for text in (GOOD, BAD):
        await told.alice.send(told.general, text)
    assert len(notices(told.general)) == 1
    assert len(await told.messages()) == 1, "the second, of which a new notice stands"


async def test_of_a_server_that_is_gone_no_deletion_is_written(told, monkeypatch):
    async def fail(*_):
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(told.storage.notices, "deleted", fail)
        delete(told, notices(told.general)[0])
        await told.env.settle()
    monitoring_of(told.bot).guild_gone(told.guild.id)
    await told.bot.jobs.tick()
    assert monitoring_of(told.bot).notices._unwritten == {}
    assert not monitoring_of(told.bot).rules.knows(told.guild.id)


async def test_a_notice_that_is_deleted_before_it_could_be_noted_does_not_count(home, monkeypatch):
    post = home.storage.notices.post

    async def slow(posted):
        home.env.backend.delete_message(home.general.id, posted.message_id)
        for _ in range(50):
            await asyncio.sleep(0)
        return await post(posted)

    await home.monitor("enable", whole_server=True)
    with monkeypatch.context() as slowed:
        slowed.setattr(home.storage.notices, "post", slow)
        await home.alice.send(home.general, GOOD)
    assert not await is_read(home)


async def test_where_another_bot_deletes_every_notice_at_once_two_are_posted_in_all(home, mods):
    backend, emit = home.env.backend, home.env.backend.emit

    def cleaning(event, payload, *rest, **more):
        emit(event, payload, *rest, **more)
        if event == "MESSAGE_CREATE" and payload.get("content") == notice(7):
            backend.delete_message(int(payload["channel_id"]), int(payload["id"]))

    await home.monitor("enable", whole_server=True)
    backend.emit = cleaning
    for _ in range(6):
        assert not await is_read(home)
    backend.emit = emit
    posts = [entry for entry in home.env.http_requests if entry.path == f"/channels/{home.general.id}/messages"]
    assert sum(entry.method == "POST" for entry in posts) == 2
    await home.env.advance_time(COLLECTING[0])
    assert len(mods.history()) == 1


async def test_of_many_who_write_at_once_where_the_notice_is_gone_nobody_is_read_and_one_is_posted(told, restart):
    await restart(told, lambda: delete(told, notices(told.general)[0]))
    for _ in range(20):
        told.env.backend.create_message(told.general.id, told.alice.id, GOOD)
    await told.env.settle()
    assert await told.messages() == []
    assert len(notices(told.general)) == 1
    assert asked(told) == 1


async def test_after_a_start_a_notice_is_asked_for_once_however_many_write(told, restart):
    await restart(told)
    for _ in range(5):
        told.env.backend.create_message(told.general.id, told.alice.id, GOOD)
    await told.env.settle()
    assert len(await told.messages()) == 5
    assert await is_read(told)
    assert asked(told) == 1
    assert len(notices(told.general)) == 1


async def test_one_that_was_deleted_while_the_bot_was_off_does_not_count(told, restart):
    await restart(told, lambda: delete(told, notices(told.general)[0]))
    assert not await is_read(told)
    assert len(notices(told.general)) == 1
    assert await is_read(told)


async def test_a_notice_that_stands_says_what_is_so_today(told, settings, classifier, storage):
    """The same message, so that it counts from when it was posted; once, and an edit that fails another time."""
    (before,) = notices(told.general)
    changed = settings.model_copy(update={"retention_days": 3})
    for tried, text in (("fails", notice(7)), ("works", notice(3)), ("needs nothing", notice(3))):
        if tried == "fails":
            told.env.inject_error("PATCH", "/channels/*/messages/*", status=403, code=50083, times=1)
        await restarted(told, changed, classifier, storage)
        assert await is_read(told)
        (there,) = [message for message in told.general.history() if message.content.startswith(notice(7)[:30])]
        assert (there.id, there.content) == (before.id, text), tried


async def test_a_notice_of_an_earlier_version_gets_todays_words_and_the_button(told, settings, classifier, storage):
    (before,) = notices(told.general)
    former = "**From now on I read the mood of what is written here**, because an admin has asked for it."
    told.env.backend.edit_message(told.general.id, before.id, {"content": former, "components": []})
    await restarted(told, settings, classifier, storage)
    assert await is_read(told)
    (there,) = notices(told.general)
    assert there.id == before.id
    answer = await told.alice.click(there, label="What do you keep?")
    assert answer.response.content == details(settings.retention_days, settings.catch_up)


async def test_an_edit_after_a_start_asks_first_too(told, restart):
    message = await told.alice.send(told.general, GOOD)
    await told.messages()
    await restart(told, lambda: delete(told, notices(told.general)[0]))
    await told.alice.edit(message, BAD)
    assert await told.hours() == []


async def test_what_was_deleted_between_two_sessions_is_asked_for(told):
    shard = told.bot.shards[0]
    await shard.disconnect()
    delete(told, notices(told.general)[0])
    await shard.reconnect()
    await told.env.settle()
    told.bot.dispatch("shard_connect", 0)
    await told.env.settle()
    assert not await is_read(told)
    assert len(notices(told.general)) == 1


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_while_discord_does_not_answer_the_notice_counts_as_it_did_and_is_asked_for_again(told, restart, status):
    await restart(told)
    clock = monitoring_of(told.bot).rules._clock
    told.env.inject_error("GET", "/channels/*/messages/*", status=status)
    for _ in range(3):
        assert await is_read(told)
    assert asked(told) == 1
    clock.ahead += ASK_AGAIN_SECONDS
    assert await is_read(told)
    assert await is_read(told)
    assert asked(told) == 2


async def test_an_answer_that_never_comes_does_not_hold_up_the_messages(told, restart, monkeypatch):
    await restart(told)

    async def hang(*_):
        await asyncio.sleep(10**6)

    with monkeypatch.context() as hanging:
        hanging.setattr(type(told.bot.http), "get_message", hang)
        sent = told.env.backend.create_message(told.general.id, told.alice.id, GOOD)
        await told.env.advance_time(60)
    assert await told.messages() == [sent.id]


async def test_where_the_bot_may_not_look_the_notice_counts_and_nothing_is_asked_again(told, restart):
    await restart(told)
    told.env.inject_error("GET", "/channels/*/messages/*", status=403, code=50001, times=None)
    monitoring_of(told.bot).rules._clock.ahead += ASK_AGAIN_SECONDS
    for _ in range(3):
        assert await is_read(told)
    assert asked(told) == 1


async def test_who_may_see_the_channel_has_changed_so_the_notice_is_asked_for(told):
    bot = told.env.backend.bot_user.id
    for allowed in (False, True):
        allow, deny = discord.PermissionOverwrite(view_channel=allowed).pair()
        told.env.backend.set_overwrite(told.general.id, Overwrite(bot, OverwriteType.MEMBER, allow.value, deny.value))
        if not allowed:
            emit, told.env.backend.emit = told.env.backend.emit, lambda *_, **__: None
            delete(told, notices(told.general)[0])
            told.env.backend.emit = emit
        await told.env.settle()
    assert not await is_read(told)
    assert len(notices(told.general)) == 1


async def forget_message(home):
    """As a notice is known that an earlier version has posted."""
    (noted,) = await home.storage.notices.all()
    await home.storage.notices.remove(noted.guild_id, (noted.channel_id,))
    await home.storage.notices.post(replace(noted, message_id=None))
    return noted


async def test_of_an_old_notice_the_message_is_found(told, restart):
    noted = await forget_message(told)
    await restart(told)
    assert await is_read(told)
    assert [one.message_id for one in await told.storage.notices.all()] == [noted.message_id]
    delete(told, notices(told.general)[0])
    await told.env.settle()
    assert not await is_read(told)


async def test_an_old_notice_that_is_not_there_does_not_count(told, restart):
    await forget_message(told)
    await restart(told, lambda: delete(told, notices(told.general)[0]))
    assert not await is_read(told)
    assert len(notices(told.general)) == 1
    assert await is_read(told)


async def test_an_old_notice_counts_where_the_bot_is_shown_no_earlier_messages(told, restart):
    await forget_message(told)
    allow, deny = discord.PermissionOverwrite(read_message_history=False).pair()
    bot = told.env.backend.bot_user.id
    told.env.backend.set_overwrite(told.general.id, Overwrite(bot, OverwriteType.MEMBER, allow.value, deny.value))
    await restart(told)
    assert await is_read(told)


async def test_a_notice_that_another_process_has_posted_is_known_before_a_second_is_posted(home, storage):
    await home.monitor("enable", whole_server=True)
    posted = home.env.backend.create_message(home.general.id, home.env.backend.bot_user.id, notice(7))
    other = RuleCache(storage.guilds, storage.notices)
    await other.told(home.guild.id, home.general.id, posted.id)
    await home.alice.send(home.general, GOOD)
    assert [message.id for message in notices(home.general)] == [posted.id]
    path = f"/channels/{home.general.id}/messages"
    assert not [entry for entry in home.env.http_requests if (entry.method, entry.path) == ("POST", path)]
    assert await is_read(home)


async def test_of_two_that_are_posted_at_the_same_time_one_stays(home, storage, monkeypatch):
    await home.monitor("enable", whole_server=True)
    other = RuleCache(storage.guilds, storage.notices)
    told = RuleCache.told

    async def slower(self, guild_id, channel_id, message_id):
        theirs = home.env.backend.create_message(channel_id, home.env.backend.bot_user.id, notice(7))
        await told(other, guild_id, channel_id, theirs.id)
        return await told(self, guild_id, channel_id, message_id)

    with monkeypatch.context() as slow:
        slow.setattr(RuleCache, "told", slower)
        await home.alice.send(home.general, GOOD)
    assert len(notices(home.general)) == 1
    assert await is_read(home)


async def test_two_processes_that_hear_of_one_deletion_count_it_once(told, storage):
    other = RuleCache(storage.guilds, storage.notices)
    await other.load()
    (known,) = other.notices(told.guild.id)
    delete(told, notices(told.general)[0])
    await told.env.settle()
    after = await other.notice_deleted(known)
    assert after.deletions == 1
    assert not other.is_told(Place(told.guild.id, told.general.id))
    assert [one.deletions for one in await storage.notices.all()] == [1]


async def test_when_people_were_told_is_known_by_discords_clock(told):
    place = Place(told.guild.id, told.general.id)
    rules = monitoring_of(told.bot).rules
    (posted,) = notices(told.general)
    since = rules.told_since(place)
    assert since is not None
    assert abs(since - discord.utils.snowflake_time(posted.id).timestamp()) < 0.002
    delete(told, posted)
    await told.env.settle()
    assert rules.told_since(place) is None


@pytest.mark.parametrize(
    ("notice_", "since"),
    [
        (Notice(1, 2, None, 1000), 1000),
        (Notice(1, 2, None, None), None),
        (Notice(1, 2, 7 << 22, 1_420_070_401), 1_420_070_400.007),
        (Notice(1, 2, 7 << 22, 1_420_070_350), 1_420_070_400.007),
        (Notice(1, 2, 7 << 22, 1_420_070_340), 1_420_070_340),
    ],
)
def test_since_when_a_notice_stands(notice_, since):
    assert notice_.since == since


def network_fails(error):
    async def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("status", [500, 502, 503, 429])
async def test_an_outage_at_the_notice_is_no_refusal_and_ends(home, mods, clock, status):
    await home.monitor("enable", whole_server=True)
    home.env.inject_error("POST", f"/channels/{home.general.id}/messages", status=status, times=5)
    for wait in LATER:
        assert not await is_read(home)
        assert not await is_read(home), "nor does it hammer"
        clock.ahead += wait
    assert "Discord didn't take my notice" in await home.monitor("status")
    await home.alice.send(home.general, GOOD)
    assert len(notices(home.general)) == 1
    assert await is_read(home)
    await home.env.advance_time(COLLECTING[0])
    assert mods.history() == []


@pytest.mark.parametrize(
    "error",
    [aiohttp.ServerDisconnectedError(), ConnectionResetError(), TimeoutError()],
    ids=lambda one: type(one).__name__,
)
async def test_a_broken_connection_at_the_notice_is_no_refusal(home, mods, clock, monkeypatch, error):
    await home.monitor("enable", whole_server=True)
    with monkeypatch.context() as broken:
        broken.setattr(type(home.bot.http), "send_message", network_fails(error))
        for wait in LATER[:3]:
            assert not await is_read(home)
            clock.ahead += wait
    await home.alice.send(home.general, GOOD)
    assert await is_read(home)
    assert mods.history() == []


async def test_a_refusal_that_ends_is_noticed_within_a_day_without_anybody_acting(home, mods, clock):
    await home.monitor("enable", whole_server=True)
    home.env.inject_error("POST", f"/channels/{home.general.id}/messages", status=403, code=50013, times=3)
    for pause in PAUSES:
        assert not await is_read(home)
        clock.ahead += pause
    await home.alice.send(home.general, GOOD)
    assert await is_read(home)
    await home.env.advance_time(COLLECTING[0])
    assert len(mods.history()) == 1


async def test_the_notice_refused_in_many_channels_is_one_note(home, mods):
    others = [home.guild.create_text_channel(f"channel-{number}") for number in range(13)]
    await home.monitor("enable", whole_server=True)
    for other in others:
        home.env.inject_error("POST", f"/channels/{other.id}/messages", status=403, code=50013, times=None)
        await home.alice.send(other, GOOD)
    await home.env.advance_time(COLLECTING[0])
    (note,) = mods.history()
    assert others[0].mention in note.content
    assert "and 3 more" in note.content


@pytest.mark.parametrize("error", [503, aiohttp.ServerDisconnectedError()], ids=str)
async def test_enabling_while_discord_is_away_enables_nothing_and_says_so(home, monkeypatch, error):
    if isinstance(error, int):
        home.env.inject_error("POST", f"/channels/{home.general.id}/messages", status=error)
        said = await home.monitor("enable")
    else:
        with monkeypatch.context() as broken:
            broken.setattr(type(home.bot.http), "send_message", network_fails(error))
            said = await home.monitor("enable")
    assert said.startswith("Nothing was enabled")
    assert "Discord isn't responding" in said
    assert await home.storage.guilds.rules() == ()


@pytest.mark.parametrize("kind", ["create_voice_channel", "create_stage_channel", "create_news_channel"])
async def test_voice_stage_and_announcement_channels_have_their_notice_among_their_messages(home, kind):
    channel = getattr(home.guild, kind)("x")
    await home.watch(channel)
    assert len(notices(channel)) == 1
    assert await is_read(home, channel)
    delete(home, notices(channel)[0], channel)
    await home.env.settle()
    assert not await is_read(home, channel)
    assert len(notices(channel)) == 1


@pytest.fixture
async def forum(home, clock):
    teach_forums(home.env.backend)
    channel = home.guild.create_forum_channel("help")
    await home.env.settle()
    return channel


async def question(home, forum):
    """A post of Maya's."""
    post = home.env.backend.create_thread(forum.id, "my question", home.maya.id)
    await home.env.settle()
    return ChannelHandle(home.env, home.guild, post)


def of_forum(forum):
    return [post for post in forum.threads if post.history() and post.history()[0].content == notice(7)]


@pytest.mark.parametrize("what", ["post", "first message"])
async def test_a_forums_notice_is_its_post_and_the_message_in_it(home, forum, what):
    await home.watch(forum)
    (post,) = of_forum(forum)
    asking = await question(home, forum)
    assert await is_read(home, asking)
    if what == "post":
        home.env.backend.delete_channel(post.id)
    else:
        delete(home, post.history()[0], post)
    await home.env.settle()
    assert not await is_read(home, asking)
    assert len(of_forum(forum)) == 1
    assert await is_read(home, asking)


async def test_a_forums_notice_that_is_archived_or_locked_can_be_read_and_so_stands(home, forum, restart):
    await home.watch(forum)
    (post,) = of_forum(forum)
    asking = await question(home, forum)
    await change_post(home.env, post, archived=True, locked=True)
    assert await is_read(home, asking)
    await restart(home)
    assert await is_read(home, asking)
    assert len(of_forum(forum)) == 1
    assert asked(home) == 1


async def test_a_forums_notice_that_was_deleted_while_the_bot_was_off_does_not_count(home, forum, restart):
    await home.watch(forum)
    asking = await question(home, forum)
    (post,) = of_forum(forum)
    await restart(home, lambda: home.env.backend.delete_channel(post.id))
    assert not await is_read(home, asking)
    assert len(of_forum(forum)) == 1


async def test_a_forum_that_asks_for_a_tag_gets_one_that_everybody_may_give(home, forum):
    await change_forum(home.env, forum, [("solved", True), ("question", False)], flags=REQUIRE_TAG)
    await home.watch(forum)
    (post,) = of_forum(forum)
    given = home.env.backend.get_channel(post.id).applied_tags
    named = {int(tag["id"]): tag["name"] for tag in home.env.backend.get_channel(forum.id).available_tags}
    assert [named[tag] for tag in given] == ["question"]


async def test_a_forum_without_a_rule_about_tags_gets_none(home, forum):
    await change_forum(home.env, forum, [("question", False)])
    await home.watch(forum)
    (post,) = of_forum(forum)
    assert home.env.backend.get_channel(post.id).applied_tags == []


async def test_where_only_moderators_may_give_the_tag_that_is_asked_for_nothing_is_enabled_and_it_is_said(
    home, forum, mods
):
    await change_forum(home.env, forum, [("solved", True)], flags=REQUIRE_TAG)
    allow, deny = discord.PermissionOverwrite(manage_threads=False).pair()
    bot = home.env.backend.bot_user.id
    home.env.backend.set_overwrite(forum.id, Overwrite(bot, OverwriteType.MEMBER, allow.value, deny.value))
    await change_forum(home.env, forum, [("solved", True)], flags=REQUIRE_TAG)
    said = await home.monitor("enable", channel=forum)
    assert said.startswith("Nothing was enabled: I can't post my notice")
    assert "add a tag everyone can use" in said
    await home.monitor("enable", whole_server=True)
    asking = await question(home, forum)
    assert not await is_read(home, asking)
    assert not await is_read(home, asking)
    await home.env.advance_time(COLLECTING[0])
    (note,) = mods.history()
    assert "add a tag everyone can use" in note.content


async def test_a_media_channel_gets_a_picture_with_its_notice(home, forum):
    await change_forum(home.env, forum, type=MEDIA)
    assert home.bot.get_channel(forum.id).is_media()
    await home.watch(forum)
    (post,) = of_forum(forum)
    (picture,) = post.history()[0].attachments
    assert picture.filename.endswith(".png")
    asking = await question(home, forum)
    assert await is_read(home, asking)


def test_a_posts_title_is_one_that_discord_takes():
    assert 1 <= len(FORUM_TITLE) <= 100


async def test_a_category_that_is_deleted_leaves_its_channels_unread(home):
    category = home.guild.create_category("Chatter")
    inside = home.guild.create_text_channel("inside", category=category)
    await home.monitor("enable", channel=category)
    await home.alice.send(inside, GOOD)
    assert await is_read(home, inside)
    home.env.backend.delete_channel(category.id)
    home.env.backend.get_channel(inside.id).parent_id = None
    home.env.backend.announce_channel_update(inside.id)
    await home.env.settle()
    assert not await is_read(home, inside)


async def test_a_hundred_and_twenty_channels_fit_into_what_an_admin_reads(home):
    for number in range(120):
        home.guild.create_text_channel(f"channel-with-a-rather-long-name-{number}")
    await home.monitor("enable", whole_server=True)
    for command in ("status", "doctor", "settings"):
        assert len(await home.monitor(command)) < 6000
