"""A tag goes when the text or the consent goes; which messages were tagged is known over restarts."""

import asyncio

import pytest
from simcord import ChannelHandle

from bot.app.assemble import assemble
from bot.domain.snowflake import hour_of
from bot.monitoring.tag_removal import ARCHIVED_SECONDS, PORTION
from bot.refusal_backoff import LATER
from bot.storage.errors import DatabaseUnavailable
from bot.storage.retention import purge
from tests.bot.parts import monitoring_of

GOOD, BAD, PLAIN, FOREIGN = "what a wonderful day", "this is terrible, I hate it", "the meeting is at five", "¿qué tal?"
STAR, CLOUD = "🌟", "\N{CLOUD WITH RAIN}"
REMOVAL = "/channels/*/messages/*/reactions/*/@me"


def hurry(home):
    monitoring_of(home.bot).reactions._pause = lambda _seconds: asyncio.sleep(0)
    monitoring_of(home.bot).tag_removal._pause = lambda _seconds: asyncio.sleep(0)
    monitoring_of(home.bot).tag_removal._clock = lambda: home.env.backend.clock.elapsed


@pytest.fixture
async def tagged(home):
    """General is watched and tagged, and no time passes between two reactions."""
    hurry(home)
    await home.watch(tagging=True)
    return home


async def removed(home):
    """What is to go has gone, as far as one run of the job gets."""
    await monitoring_of(home.bot).tag_removal.run(0.0)
    await home.env.settle()


def shown(home, message, channel=None):
    (found,) = (one for one in (channel or home.general).history() if one.id == message.id)
    return [str(reaction.emoji) for reaction in found.reactions]


async def noted(home):
    """Message, emoji and whether its author is known, of every tag in the store."""
    async with home.storage.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT message_id, emoji, author FROM tags ORDER BY message_id, emoji")
        return [(row.message_id, row.emoji, row.author is not None) for row in rows]


async def delete_data(home, who):
    answer = await who.slash(home.general, "privacy delete")
    await who.click(answer.response, label="Delete")


@pytest.mark.parametrize("wish", ["opt-out", "opt-out of this server", "delete"])
async def test_whoever_opts_out_or_deletes_their_data_has_their_tags_taken_back_and_nobody_else(tagged, wish):
    mine = [await tagged.alice.send(tagged.general, text) for text in (GOOD, BAD)]
    other = await tagged.maya.send(tagged.general, GOOD)
    assert [shown(tagged, message) for message in mine] == [[STAR], [CLOUD]]
    if wish == "delete":
        await delete_data(tagged, tagged.alice)
    else:
        here = {"this_server": True} if wish == "opt-out of this server" else {}
        await tagged.alice.slash(tagged.general, "privacy opt-out", **here)
    assert [shown(tagged, message) for message in mine] == [[], []]
    assert shown(tagged, other) == [STAR]
    assert await noted(tagged) == [(other.id, STAR, True)]


async def test_a_tag_that_is_to_go_goes_after_a_restart_too(tagged, settings, classifier, storage):
    message = await tagged.alice.send(tagged.general, GOOD)
    tagged.env.inject_error("DELETE", "/channels/*/messages/*/reactions/*/@me", status=503, times=1)
    await tagged.alice.slash(tagged.general, "privacy opt-out")
    assert shown(tagged, message) == [STAR]
    assert await noted(tagged) == [(message.id, STAR, False)]
    fresh = assemble(settings, classifier, storage)
    await tagged.env.restart_bot(fresh)
    tagged.bot = fresh
    await removed(tagged)
    assert shown(tagged, message) == []
    assert await noted(tagged) == []


async def test_a_job_does_it_by_itself_in_portions(tagged):
    messages = [await tagged.alice.send(tagged.general, f"{GOOD}, I love it {number}") for number in range(PORTION + 3)]
    assert len(await noted(tagged)) == len(messages)
    await tagged.alice.slash(tagged.general, "privacy opt-out")  # after which the first begin to go
    await tagged.env.settle()
    assert len(await noted(tagged)) == 3
    await tagged.bot.jobs.tick()
    await tagged.env.settle()
    assert await noted(tagged) == []


@pytest.mark.parametrize(
    ("text", "then"), [(BAD, [CLOUD]), (PLAIN, []), (FOREIGN, []), ("!play this", []), (GOOD, [STAR])]
)
async def test_an_edit_changes_the_tag_to_what_the_message_says_now(tagged, text, then):
    message = await tagged.alice.send(tagged.general, GOOD)
    await tagged.alice.edit(message, text)
    await removed(tagged)
    assert shown(tagged, message) == then
    assert [emoji for _, emoji, _ in await noted(tagged)] == then


async def test_an_edit_that_deserves_a_tag_gets_one_only_where_messages_are_tagged(tagged):
    message = await tagged.alice.send(tagged.general, PLAIN)
    await tagged.alice.edit(message, GOOD)
    assert shown(tagged, message) == [STAR]
    other = tagged.guild.create_text_channel("other")
    await tagged.watch(other)
    message = await tagged.alice.send(other, PLAIN)
    await tagged.alice.edit(message, GOOD)
    assert shown(tagged, message, other) == []


async def test_back_and_forth_leaves_the_tag_of_the_last_version(tagged):
    message = await tagged.alice.send(tagged.general, GOOD)
    for text in (BAD, GOOD, PLAIN, GOOD):
        await tagged.alice.edit(message, text)
    await removed(tagged)
    assert shown(tagged, message) == [STAR]
    assert await noted(tagged) == [(message.id, STAR, True)]


@pytest.mark.parametrize("stop", ["disable", "exempt channel"])
async def test_where_nobody_is_watched_any_more_a_tag_stays_until_what_it_says_is_gone(tagged, stop):
    message = await tagged.alice.send(tagged.general, GOOD)
    await tagged.monitor(stop, channel=tagged.general)
    await removed(tagged)
    assert shown(tagged, message) == [STAR]
    await tagged.alice.edit(message, PLAIN)
    await removed(tagged)
    assert shown(tagged, message) == []


async def test_what_the_model_could_not_read_keeps_no_tag_of_what_it_said_before(tagged, backend):
    message = await tagged.alice.send(tagged.general, GOOD)
    backend.error = RuntimeError("broken")
    await tagged.alice.edit(message, f"{BAD} indeed")
    backend.error = None
    await removed(tagged)
    assert shown(tagged, message) == []


async def test_what_other_bots_edit_all_day_asks_the_database_nothing(tagged, monkeypatch):
    bot = tagged.guild.add_member(tagged.env.create_user("other-bot", bot=True))
    message = await bot.send(tagged.general, GOOD)
    asked = []
    with monkeypatch.context() as counting:
        counting.setattr(tagged.storage.tags, "of", asked.append)
        await bot.edit(message, BAD)
    assert asked == []


async def test_in_a_thread_the_tag_is_taken_back_where_it_is(tagged):
    thread = ChannelHandle(
        tagged.env, tagged.guild, tagged.env.backend.create_thread(tagged.general.id, "plans", tagged.maya.id)
    )
    await tagged.env.settle()
    message = await tagged.alice.send(thread, GOOD)
    await tagged.alice.slash(tagged.general, "privacy opt-out")
    await removed(tagged)
    assert shown(tagged, message, thread) == []
    kept = await tagged.maya.send(thread, GOOD)
    assert [number for number, _, _ in await noted(tagged)] == [kept.id]
    tagged.env.backend.delete_channel(thread.id)
    await tagged.env.settle()
    await tagged.storage.write_buffer.flush()
    assert await noted(tagged) == []


async def test_a_message_that_is_deleted_takes_its_note_along(tagged):
    message = await tagged.alice.send(tagged.general, GOOD)
    await tagged.alice.delete(message)
    await tagged.storage.write_buffer.flush()
    assert await noted(tagged) == []


async def test_after_the_retention_time_nothing_is_known_of_a_tag(tagged):
    message = await tagged.alice.send(tagged.general, GOOD)
    await purge(tagged.storage.database, 7, (hour_of(message.id) + 8 * 24) * 3600)
    assert await noted(tagged) == []
    assert shown(tagged, message) == [STAR]


async def held_back(home, do):
    """Does something while a reaction is on its way to Discord."""
    entered, go_on = asyncio.Event(), asyncio.Event()
    add = type(home.bot.http).add_reaction

    async def slow(self, *arguments):
        entered.set()
        await go_on.wait()
        return await add(self, *arguments)

    type(home.bot.http).add_reaction = slow
    try:
        message = home.env.backend.create_message(home.general.id, home.alice.id, GOOD)
        async with asyncio.timeout(20):
            await entered.wait()
        await do(message)
    finally:
        type(home.bot.http).add_reaction = add
        go_on.set()
    await home.env.settle()
    return message


async def forget_alice(home):
    authors = home.storage.pseudonyms.authors(home.alice.id)
    erasers = [kept.erase for feature in home.bot.features for kept in feature.personal_data if kept.erase]
    await home.storage.write_buffer.forget(authors, 1 << 62, erasers)


async def test_a_tag_that_is_just_being_given_goes_too_when_its_author_wants_nothing_kept(tagged):
    message = await held_back(tagged, lambda _: forget_alice(tagged))
    await removed(tagged)
    assert shown(tagged, message) == []
    assert await noted(tagged) == []


async def test_a_tag_that_is_just_being_given_goes_too_when_the_text_goes(tagged):
    message = await held_back(tagged, lambda sent: monitoring_of(tagged.bot).reactions.text_gone(sent.id))
    await removed(tagged)
    assert shown(tagged, message) == []


@pytest.mark.parametrize("wish", ["opt-out", "opt-out of this server", "delete"])
async def test_whoever_wants_nothing_kept_gets_no_tag_that_still_waits(tagged, wish):
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def pause(_seconds):
        waiting.set()
        await go_on.wait()

    monitoring_of(tagged.bot).reactions._pause = pause
    tagged.env.backend.create_message(tagged.general.id, tagged.maya.id, GOOD)
    async with asyncio.timeout(20):
        await waiting.wait()
        late = tagged.env.backend.create_message(tagged.general.id, tagged.alice.id, GOOD)
        while not monitoring_of(tagged.bot).reactions._waiting():
            await asyncio.sleep(0)
    if wish == "opt-out":
        await tagged.storage.opt_outs.add(tagged.alice.id)
    elif wish == "opt-out of this server":
        await tagged.storage.opt_outs.add(tagged.alice.id, tagged.guild.id)
    else:
        await forget_alice(tagged)
    go_on.set()
    await tagged.env.settle()
    assert shown(tagged, late) == []
    assert late.id not in [message_id for message_id, _, _ in await noted(tagged)]


@pytest.mark.parametrize(("status", "code"), [(404, 10008), (404, 10003), (403, 50001), (400, 10014)])
async def test_a_tag_that_is_gone_or_out_of_reach_is_forgotten(tagged, status, code):
    await tagged.alice.send(tagged.general, GOOD)
    await tagged.alice.slash(tagged.general, "privacy opt-out")
    tagged.env.inject_error("DELETE", REMOVAL, status=status, code=code)
    await removed(tagged)
    assert await noted(tagged) == []


async def test_while_discord_is_away_a_tag_waits_and_nothing_hammers(tagged):
    message = await tagged.alice.send(tagged.general, GOOD)
    await tagged.alice.slash(tagged.general, "privacy opt-out")
    tagged.env.inject_error("DELETE", REMOVAL, status=503, times=2)
    for _ in range(5):
        await removed(tagged)
    tries = sum(entry.method == "DELETE" and "/reactions/" in entry.path for entry in tagged.env.http_requests)
    assert tries == 1
    for wait in LATER[:2]:
        await tagged.env.advance_time(wait)
        await removed(tagged)
    assert shown(tagged, message) == []
    assert await noted(tagged) == []


async def test_a_tag_in_an_archived_thread_waits_and_keeps_no_other_from_going(tagged):
    first, second = [await tagged.alice.send(tagged.general, GOOD) for _ in range(2)]
    tagged.env.inject_error("DELETE", f"/channels/*/messages/{second.id}/*", status=400, code=50083)
    await tagged.alice.slash(tagged.general, "privacy opt-out")
    await removed(tagged)
    assert (shown(tagged, first), shown(tagged, second)) == ([], [STAR])
    await tagged.env.advance_time(ARCHIVED_SECONDS)
    await removed(tagged)
    assert shown(tagged, second) == []


async def test_what_cannot_be_noted_is_not_tagged(tagged, monkeypatch):
    async def fail(_tag):
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(tagged.storage.tags, "add", fail)
        message = await tagged.alice.send(tagged.general, GOOD)
    assert shown(tagged, message) == []


async def test_an_edit_while_the_database_is_away_is_remembered(tagged, monkeypatch):
    async def fail(_message_id):
        raise DatabaseUnavailable("away")

    message = await tagged.alice.send(tagged.general, GOOD)
    with monkeypatch.context() as broken:
        broken.setattr(tagged.storage.tags, "of", fail)
        await tagged.alice.edit(message, PLAIN)
    await removed(tagged)
    assert shown(tagged, message) == []


async def test_whoever_asks_sees_which_messages_of_theirs_are_tagged_and_what_deleting_does(tagged):
    await tagged.alice.send(tagged.general, GOOD)
    seen = await tagged.alice.slash(tagged.general, "privacy see")
    assert "I reacted to: 1 reaction." in seen.response.content
    asked = await tagged.alice.slash(tagged.general, "privacy delete")
    assert "removes 1 reaction of mine from messages of yours" in asked.response.content
