"""Which messages are read, and how what happens to them corrects the hours."""

import asyncio
import logging
from datetime import datetime

import pytest
from simcord import ChannelHandle
from simcord.backend import serializers

from bot.app.assemble import assemble
from bot.domain.records import Mode, Rule, TargetKind
from bot.domain.snowflake import written_at
from bot.monitoring.admin_notifier import COLLECTING
from bot.monitoring.ingest import Ingest
from bot.monitoring.notice import AWAY_SECONDS
from bot.monitoring.notice_words import notice
from bot.storage.errors import DatabaseUnavailable
from tests.bot.parts import monitoring_of

GOOD, BAD, PLAIN = "what a wonderful day", "this is terrible, I hate it", "the meeting is at five"
CANARY = "xylophonic"


@pytest.fixture
async def watched(home):
    await home.watch()
    return home


async def thread_in(home, channel, name="a thread"):
    """A thread that Maya began."""
    thread = home.env.backend.create_thread(channel.id, name, home.maya.id)
    await home.env.settle()
    return ChannelHandle(home.env, home.guild, thread)


async def test_messages_of_a_watched_channel_are_counted_by_what_they_say(watched):
    for text in (GOOD, BAD, PLAIN, GOOD):
        await watched.alice.send(watched.general, text)
    assert await watched.hours() == [(1, 1, 2)]


async def test_what_is_not_watched_is_not_read(home):
    await home.alice.send(home.general, GOOD)
    await home.watch()
    await home.alice.send(home.guild.create_text_channel("other"), GOOD)
    await home.alice.user.send_dm(GOOD)
    assert await home.messages() == []


async def test_no_text_reaches_the_disk_or_the_log(watched, settings, caplog):
    caplog.set_level(logging.DEBUG)
    message = await watched.alice.send(watched.general, f"I love {CANARY}")
    await watched.alice.edit(message, f"I hate {CANARY}")
    assert await watched.messages() == [message.id]
    assert not any(CANARY.encode() in file.read_bytes() for file in settings.data_dir.rglob("*") if file.is_file())
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("bot")]
    assert not any(CANARY in line for line in ours)


async def test_bots_webhooks_system_messages_and_mere_pictures_are_not_read(watched):
    bot = watched.guild.add_member(watched.env.create_user("other-bot", bot=True))
    await bot.send(watched.general, GOOD)
    await watched.guild.create_webhook(watched.general).send(GOOD)
    await thread_in(watched, watched.general)  # Discord says so in the channel
    await watched.alice.send(watched.general, attachments=[("cat.png", b"cat")])
    assert await watched.messages() == []
    assert monitoring_of(watched.bot).ingest.counts[watched.guild.id].read == 0


async def test_a_reply_is_read_like_any_message(watched):
    first = await watched.alice.send(watched.general, GOOD)
    second = await watched.maya.send(watched.general, BAD, reply_to=first)
    assert await watched.messages() == [first.id, second.id]


async def test_nobody_with_an_exempt_role_is_read(watched):
    staff = watched.guild.create_role("staff")
    await watched.monitor("exempt role", role=staff)
    silent = watched.guild.add_member(watched.env.create_user("sam"), roles=[staff])
    message = await silent.send(watched.general, GOOD)
    await silent.edit(message, BAD)
    assert await watched.messages() == []


async def test_whoever_opted_out_does_not_even_reach_the_model(watched, backend, storage):
    await storage.opt_outs.add(watched.alice.id)
    await watched.env.settle()
    before = backend.batches
    message = await watched.alice.send(watched.general, f"{GOOD} {CANARY}")
    await watched.alice.edit(message, BAD)
    assert backend.batches == before
    assert await watched.messages() == []


@pytest.mark.parametrize("why", ["opted out", "not watched", "notice gone", "exempt"])
async def test_an_edit_that_is_not_to_be_read_takes_the_message_out(watched, storage, why):
    """What the score was for is gone, and what is there now nobody may read."""
    message = await watched.alice.send(watched.general, GOOD)
    assert await watched.hours() == [(0, 0, 1)]
    rules = monitoring_of(watched.bot).rules
    if why == "opted out":
        await storage.opt_outs.add(watched.alice.id)
    elif why == "exempt":
        await rules.set_rule(Rule(watched.guild.id, TargetKind.CHANNEL, watched.general.id, Mode.EXEMPT))
    elif why == "not watched":
        await rules.remove_rule(watched.guild.id, (TargetKind.CHANNEL, watched.general.id))
        assert rules.knows(watched.guild.id)
    else:
        await rules.untold(watched.guild.id, (watched.general.id,))
    await watched.alice.edit(message, BAD)
    assert (await watched.messages(), await watched.hours()) == ([], [])


async def test_a_message_of_4000_characters_is_read_whole(watched):
    backend = watched.env.backend
    message = backend.create_message(watched.general.id, watched.alice.id, GOOD, broadcast=False)
    message.content = (GOOD + " ") * 190  # more than the simulation lets anybody write, but Discord some
    assert 3900 < len(message.content) <= 4000
    backend.announce_message_create(message)
    await watched.env.settle()
    assert await watched.messages() == [message.id]


async def test_a_thousand_messages_at_once_are_all_read_or_counted(watched):
    for number in range(1000):
        author = (watched.alice, watched.maya)[number % 2]
        watched.env.backend.create_message(watched.general.id, author.id, f"{GOOD} {number}")
    await watched.env.settle(timeout=60)
    counts = monitoring_of(watched.bot).ingest.counts[watched.guild.id]
    assert counts.read + counts.shed == 1000
    assert len(await watched.messages()) == counts.read > 0


async def test_what_the_full_queue_does_not_take_is_counted_and_not_logged(watched, backend, classifier, caplog):
    limit = classifier._worker._ledger.queue.limit
    classifier._worker._ledger.queue.limit = 60
    backend.hold()
    try:
        for number in range(50):
            watched.env.backend.create_message(watched.general.id, watched.alice.id, f"{number} {GOOD} of {CANARY}")
        while not backend.entered.is_set():
            await asyncio.sleep(0)
        for _ in range(200):
            await asyncio.sleep(0)
    finally:
        classifier._worker._ledger.queue.limit = limit
        backend.go_on.set()
    await watched.env.settle(timeout=30)
    counts = monitoring_of(watched.bot).ingest.counts[watched.guild.id]
    assert counts.shed > 0
    assert counts.read + counts.shed == 50
    assert "Overloaded" not in caplog.text
    assert f"Skipped (too busy): about {counts.shed // 5 * 5}." in await watched.monitor("status")


async def test_what_the_model_fails_on_is_counted_and_harms_nothing(watched, backend, caplog):
    backend.error = RuntimeError(f"cannot read {CANARY}")
    for number in range(5):
        await watched.alice.send(watched.general, f"{GOOD} {CANARY} {number}")
    backend.error = None
    await watched.alice.send(watched.general, GOOD)
    assert await watched.hours() == [(0, 0, 1)]
    assert "The model failed on: about 5." in await watched.monitor("status")
    assert CANARY not in caplog.text


async def test_an_edit_corrects_the_hour(watched):
    message = await watched.alice.send(watched.general, GOOD)
    await watched.alice.edit(message, BAD)
    assert await watched.hours() == [(1, 0, 0)]
    assert await watched.messages() == [message.id]
    edited = watched.env.backend.get_message(watched.general.id, message.id).edited_timestamp
    async with watched.storage.database.read() as connection:
        kept = (await connection.exec_driver_sql("SELECT edited FROM message_scores")).scalar()
    assert kept == round(datetime.fromisoformat(edited).timestamp() * 1000)


async def test_an_edit_that_leaves_nothing_to_read_takes_the_message_out(watched):
    message = await watched.alice.send(watched.general, GOOD, attachments=[("cat.png", b"cat")])
    assert await watched.messages() == [message.id]
    await watched.alice.edit(message, "")
    assert await watched.messages() == []
    assert await watched.hours() == []


async def test_a_change_that_is_no_edit_reads_nothing(home):
    before_the_notice = await home.alice.send(home.general, GOOD)
    edited = await home.alice.send(home.general, PLAIN)
    await home.alice.edit(edited, GOOD)
    await home.env.advance_time(2 * 3600)
    await home.watch()
    (noted,) = monitoring_of(home.bot).rules.notices(home.guild.id)
    assert noted.posted == int(written_at(noted.message_id))  # though this machine's clock is two hours behind
    backend = home.env.backend
    for message in (before_the_notice, edited):  # they were pinned, say, which Discord reports like an edit
        stored = backend.get_message(home.general.id, message.id)
        payload = dict(serializers.message_payload(backend, stored)) | {"guild_id": str(home.guild.id)}
        backend.emit("MESSAGE_UPDATE", payload)
    await home.env.settle()
    assert await home.messages() == []


async def test_a_deleted_message_is_taken_out(watched):
    kept = await watched.alice.send(watched.general, GOOD)
    gone = await watched.alice.send(watched.general, BAD)
    assert len(await watched.messages()) == 2
    await watched.alice.delete(gone)
    assert await watched.messages() == [kept.id]
    assert await watched.hours() == [(0, 0, 1)]


async def test_many_deleted_at_once_are_all_taken_out(watched):
    messages = [await watched.alice.send(watched.general, GOOD) for _ in range(5)]
    await watched.messages()
    watched.env.backend.bulk_delete_messages(watched.general.id, [message.id for message in messages[:4]])
    await watched.env.settle()
    assert await watched.messages() == [messages[4].id]


async def test_a_deleted_channel_takes_its_messages_and_its_rule_along(watched):
    await watched.alice.send(watched.general, GOOD)
    other = watched.guild.create_text_channel("other")
    await watched.watch(other)
    kept = await watched.alice.send(other, GOOD)
    await watched.messages()
    watched.env.backend.delete_channel(watched.general.id)
    await watched.env.settle()
    assert await watched.messages() == [kept.id]
    assert [rule.target_id for rule in await watched.storage.guilds.rules()] == [other.id]
    assert "general" not in await watched.monitor("status", at=other)


async def test_a_thread_counts_towards_its_channel_and_goes_with_its_messages_alone(watched):
    thread = await thread_in(watched, watched.general)
    kept = await watched.alice.send(watched.general, GOOD)
    await watched.alice.send(thread, BAD)
    assert await watched.hours() == [(1, 0, 1)]
    watched.env.backend.delete_channel(thread.id)
    await watched.env.settle()
    assert await watched.messages() == [kept.id]
    assert await watched.hours() == [(0, 0, 1)]


async def test_an_outage_of_a_server_removes_nothing(watched):
    await watched.alice.send(watched.general, GOOD)
    await watched.messages()
    watched.env.backend.emit("GUILD_DELETE", {"id": str(watched.guild.id), "unavailable": True})
    await watched.env.settle()
    assert len(await watched.messages()) == 1


async def test_a_message_stays_counted_when_its_channel_is_no_longer_watched(watched):
    messages = [await watched.alice.send(watched.general, GOOD) for _ in range(2)]
    await watched.monitor("disable", channel=watched.general)
    assert await watched.hours() == [(0, 0, 2)]
    await watched.alice.delete(messages[0])
    assert await watched.hours() == [(0, 0, 1)]
    await watched.alice.edit(messages[1], BAD)
    assert await watched.hours() == []


async def test_under_a_wider_rule_the_notice_comes_before_the_first_message_that_is_read(home):
    said = await home.monitor("enable", whole_server=True)
    assert "Now watching the whole server" in said
    assert home.general.history() == []
    await home.alice.send(home.general, GOOD)
    assert home.general.last_message.content == notice(7)
    assert await home.messages() == []
    second = await home.alice.send(home.general, BAD)
    assert await home.messages() == [second.id]
    assert len(home.general.history()) == 3


async def test_for_a_thread_under_a_wider_rule_the_notice_stands_in_its_channel(home):
    thread = await thread_in(home, home.general)
    await home.monitor("enable", whole_server=True)
    await home.alice.send(thread, GOOD)
    assert home.general.last_message.content == notice(7)
    message = await home.alice.send(thread, GOOD)
    assert await home.messages() == [message.id]


async def test_a_notice_that_comes_into_doubt_while_the_model_reads_hides_nothing(watched, monkeypatch):
    verdict, notices = Ingest._verdict, monitoring_of(watched.bot).notices

    async def doubting(ingest, message, words):
        notices.doubt((watched.guild.id,))
        return await verdict(ingest, message, words)

    monkeypatch.setattr(Ingest, "_verdict", doubting)
    message = await watched.alice.send(watched.general, GOOD)
    assert await watched.hours() == [(0, 0, 1)]
    await watched.alice.edit(message, BAD)
    assert await watched.hours() == [(1, 0, 0)]


async def test_where_the_notice_cannot_be_posted_nobody_is_read_and_the_admins_are_told_once(home):
    mods = home.guild.create_text_channel("mods")
    await home.monitor("settings", mod_channel=mods)
    await home.monitor("enable", whole_server=True)
    home.env.inject_error("POST", f"/channels/{home.general.id}/messages", status=403, code=50013, times=99)
    for _ in range(10):
        message = await home.alice.send(home.general, GOOD)
    await home.alice.edit(message, BAD)
    assert await home.messages() == []
    path = f"/channels/{home.general.id}/messages"
    assert [entry.method for entry in home.env.http_requests if entry.path == path].count("POST") == 1
    await home.env.advance_time(COLLECTING[0])
    (told,) = [message.content for message in mods.history()]
    assert home.general.mention in told
    assert "/monitor doctor" in told


async def test_a_forum_under_a_wider_rule_gets_its_notice_as_a_post(home):
    forum = home.guild.create_forum_channel("help")
    await home.monitor("enable", channel=forum)
    (post,) = forum.threads
    assert post.history()[0].content == notice(7)
    thread = await thread_in(home, forum, "my question")
    message = await home.alice.send(thread, GOOD)
    assert await home.messages() == [message.id]
    assert await home.hours(forum) == [(0, 0, 1)]


async def test_a_notice_that_cannot_be_noted_is_taken_back(home, monkeypatch):
    async def fail(_notice):
        raise DatabaseUnavailable("away")

    await home.monitor("enable", whole_server=True)
    with monkeypatch.context() as broken:
        broken.setattr(home.storage.notices, "post", fail)
        await home.alice.send(home.general, GOOD)
        assert [message.content for message in home.general.history()] == [GOOD]
        before = len(home.env.http_requests)
        for _ in range(3):
            await home.alice.send(home.general, GOOD)
        assert len(home.env.http_requests) == before
    monitoring_of(home.bot).notices._not_before -= AWAY_SECONDS
    await home.alice.send(home.general, GOOD)
    assert home.general.last_message.content == notice(7)


async def test_rules_and_notices_are_known_after_a_restart(home, settings, classifier, storage):
    await home.watch()
    fresh = assemble(settings, classifier, storage)
    await home.env.restart_bot(fresh)
    message = await home.alice.send(home.general, GOOD)
    assert await home.messages() == [message.id]
    assert len(home.general.history()) == 2


async def test_an_error_of_ours_is_logged_without_what_it_says(watched, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError(f"somebody said {CANARY}")

    with monkeypatch.context() as broken:
        broken.setattr(monitoring_of(watched.bot).ingest, "_keep", fail)
        await watched.alice.send(watched.general, GOOD)
    assert [type(error) for error in watched.env.errors] == [RuntimeError]
    assert "on_message failed (RuntimeError)" in caplog.text
    assert CANARY not in caplog.text
