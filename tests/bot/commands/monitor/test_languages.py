"""What admins are told of messages that cannot be read: `/monitor status`, `doctor`, `preview` and `enable`."""

import asyncio
import time

import discord
import pytest

from bot.app.assemble import assemble
from bot.commands.monitor import languages
from bot.commands.monitor.doctor import UNREAD_FROM
from bot.commands.monitor.languages import FEWEST, in_words
from bot.domain.records import Mode, Rule, TargetKind
from bot.storage.errors import DatabaseUnavailable
from model import Classifier, InferenceFailed, NothingToRead, Overloaded, Sentiment, Unreadable, Verdict
from tests.bot.parts import monitoring_of
from tests.bot.pasts import said, write
from tests.bot.storage.scenes import verdict

GOOD = "what a wonderful day"
SPANISH, FRENCH, SCRIPT = "me encanta este servidor", "vous savez ce que je pense", "ሰላም ለሁላችሁም እንዴት ናችሁ"
DANGER = "nobody would miss me if i was gone"
WARNING = "I only read English, so the mood will leave them out."


@pytest.fixture
async def foreign(home, answers):
    """The model reads neither Spanish nor French, knows no name for a script, and takes one text for a sign of danger.

    Of that it is told: everything else it finds itself.
    """
    answers[DANGER] = Verdict(Sentiment.NEGATIVE, (0.02, 0.01, 0.97), 1, "m", danger=True)
    return home


async def past(home, read, unread, *, channel=None, hours_ago=2):
    """Some hour in which so many people each wrote a message that was read, and so many others one that was not."""
    hour = int(time.time() // 3600) - hours_ago
    await write(home.storage, home.guild.id, (channel or home.general).id, [said(hour, read, 0.1, unread=unread)])


async def say(home, *texts, who=None):
    for text in texts:
        await (who or home.alice).send(home.general, text)


# ---- status


async def test_the_status_says_which_share_of_the_server_could_not_be_read(home):
    await home.watch()
    assert "English" not in await home.monitor("status")
    await past(home, 40, 60)
    expected = "60 % of the messages in this server aren't in English: the mood covers the rest."
    assert f"Language, last 7 days: {expected}" in await home.monitor("status")


async def test_the_status_tells_no_share_of_long_ago_or_of_few(home):
    await home.watch()
    await past(home, 10, 30, hours_ago=7 * 24 + 1)
    await past(home, 2, 2)
    await past(home, 5, 10, hours_ago=1)
    assert "English" not in await home.monitor("status")


# ---- doctor


async def test_the_doctor_finds_a_watched_channel_of_which_much_cannot_be_read(home):
    other = home.guild.create_text_channel("other")
    await home.watch()
    await home.watch(other)
    await past(home, 100 - UNREAD_FROM, UNREAD_FROM)
    await past(home, 105 - UNREAD_FROM, UNREAD_FROM - 5, channel=other)
    said = await home.monitor("doctor")
    assert said.splitlines()[1] == "Good to know"
    mention = home.general.mention
    assert (
        f"⚠️ 25 % of the messages in {mention} aren't in English: the mood covers the rest. That's over the last" in said
    )
    assert f"in {other.mention}" not in said
    assert "✅ 2 watched channels are fine." in said


async def test_the_doctor_says_nothing_of_a_channel_that_is_watched_no_longer(home):
    await home.watch()
    await past(home, 5, 95)
    await home.monitor("disable", channel=home.general)
    assert "English" not in await home.monitor("doctor")


async def test_the_doctor_names_the_channel_of_a_watched_thread_once(home):
    thread = home.env.backend.create_thread(home.general.id, "hilo", home.maya.id)
    await home.env.settle()
    await home.watch()
    rule = Rule(home.guild.id, TargetKind.THREAD, thread.id, Mode.WATCH)
    await monitoring_of(home.bot).rules.set_rule(rule)
    await past(home, 0, 40)
    said = await home.monitor("doctor")
    assert said.count("100 % of the messages") == 1
    assert f"in {home.general.mention} aren't in English, and I only read English." in said


@pytest.mark.parametrize("command", ["status", "doctor"])
async def test_without_the_store_the_share_is_left_out_and_the_rest_is_said(home, monkeypatch, command):
    async def fail(*_):
        raise DatabaseUnavailable("away")

    await home.watch()
    await home.monitor("settings")  # from now on they are known
    await past(home, 0, 40)
    monkeypatch.setattr(type(home.storage.moods), "unread", fail)
    said = await home.monitor(command)
    assert "English" not in said
    assert home.general.mention in said or "1 watched channel is fine" in said


# ---- preview


async def test_the_preview_lists_what_cannot_be_read_and_what_is_not_rated(foreign):
    await say(foreign, GOOD, SPANISH, SCRIPT, DANGER, "!play something")
    said = await foreign.monitor("preview")
    (spanish,) = (line for line in said.splitlines() if SPANISH in line)
    assert spanish.startswith("▫️ [can't read](")
    assert spanish.endswith(f") (looks like Spanish): {SPANISH}")
    (script,) = (line for line in said.splitlines() if SCRIPT in line)
    assert script.startswith("▫️ [can't read](")
    assert "looks like" not in script
    (danger,) = (line for line in said.splitlines() if DANGER in line)
    assert danger.startswith("▫️ [not rated](")
    assert not any(word in danger for word in ("negative", "%", "sure", "→"))
    assert "!play" not in said
    assert "I'd have tagged 1 of 4" in said


# ---- enable


async def test_enabling_a_channel_in_another_language_says_so_and_enables_all_the_same(foreign):
    await say(foreign, *[SPANISH] * 12, FRENCH, GOOD)
    said = await foreign.monitor("enable")
    assert said.startswith(f"Now watching {foreign.general.mention}")
    assert said.splitlines()[0].endswith(f"Most recent messages here look like Spanish; {WARNING}")
    await say(foreign, GOOD)
    assert len(await foreign.messages()) == 1


async def test_of_several_languages_or_unknown_ones_none_is_named(foreign):
    await say(foreign, *[SPANISH, FRENCH, SCRIPT] * 4)
    assert f"messages here don't look like English; {WARNING}\n" in await foreign.monitor("enable")


async def test_of_a_channel_in_english_nothing_is_said(foreign):
    await say(foreign, *[GOOD] * 6, *[SPANISH] * 5)
    assert "English" not in await foreign.monitor("enable")


async def test_of_an_empty_channel_a_category_and_the_server_nothing_is_said(foreign):
    category = foreign.guild.create_category("Chatter")
    for options in ({}, {"channel": category}, {"whole_server": True}):
        said = await foreign.monitor("enable", **options)
        assert "Now watching" in said
        assert "English" not in said


async def test_who_is_never_read_is_not_read_for_this_either(foreign, storage, monkeypatch):
    staff = foreign.guild.create_role("staff")
    await foreign.monitor("exempt role", role=staff)
    sam = foreign.guild.add_member(foreign.env.create_user("sam"), roles=[staff])
    bot = foreign.guild.add_member(foreign.env.create_user("other-bot", bot=True))
    await storage.opt_outs.add(foreign.maya.id)
    for who in (sam, bot, foreign.maya):
        await say(foreign, *[SPANISH] * 12, who=who)
    await say(foreign, "!play something", GOOD)
    read, classify_many = [], Classifier.classify_many

    async def note(self, texts, *rest, **options):
        read.extend(texts)
        return await classify_many(self, texts, *rest, **options)

    monkeypatch.setattr(Classifier, "classify_many", note)
    assert "English" not in await foreign.monitor("enable")
    assert read == [GOOD]


async def test_nothing_of_it_is_kept(foreign):
    await say(foreign, *[SPANISH] * 12)
    await foreign.monitor("enable")
    assert await foreign.messages() == []
    assert await foreign.hours() == []
    assert monitoring_of(foreign.bot).ingest.counts[foreign.guild.id].unread == 0


@pytest.mark.parametrize("blind", ["bot", "admin"])
async def test_where_the_past_may_not_be_read_nothing_is_said(foreign, blind):
    whose = foreign.guild.me if blind == "bot" else foreign.guild.default_role
    hidden = {whose: discord.PermissionOverwrite(read_message_history=False)}
    if blind == "admin":
        hidden[foreign.guild.me] = discord.PermissionOverwrite(read_message_history=True)
    foreign.general = foreign.guild.create_text_channel("secret", overwrites=hidden)
    await foreign.env.settle()
    await say(foreign, *[SPANISH] * 12)
    before = len(foreign.env.http_requests)
    said = await foreign.monitor("enable", channel=foreign.general)
    assert ("I'm missing **Read Message History**" if blind == "bot" else "Now watching") in said
    assert "English" not in said
    asked = foreign.env.http_requests[before:]
    assert not any(entry.method == "GET" and entry.path.endswith("/messages") for entry in asked)


async def test_a_look_that_takes_too_long_keeps_nobody_waiting(foreign, classifier, backend):
    """Had the model come to the others, the warning would be due: most of them are Spanish."""
    await say(foreign, *[SPANISH] * 13, *[GOOD] * 12)
    backend.hold()
    before = asyncio.create_task(classifier.classify(GOOD))
    assert await asyncio.to_thread(backend.entered.wait, 20)
    enabling = asyncio.create_task(foreign.monitor("enable"))
    async with asyncio.timeout(20):
        while classifier.stats().queued < 1 + 12:
            await asyncio.sleep(0)
    # `advance_time` would wait for the command, and the command for the time.
    foreign.env._move_clock(foreign.env._virtual_time + languages.MOST_SECONDS)
    said = await enabling
    first = f"Now watching {foreign.general.mention} (tagging off, sensitivity normal). I posted a notice there."
    assert said.splitlines()[0] == first
    assert classifier.stats().queued == 1, "what nobody waits for must leave the queue"
    assert not before.done()
    backend.go_on.set()
    await before


@pytest.mark.parametrize("error", [Overloaded(3), InferenceFailed("broken")])
async def test_a_model_that_refuses_fails_nothing(foreign, answers, error):
    answers[SPANISH] = error
    await say(foreign, *[SPANISH] * 12)
    assert "I posted a notice there.\nWatching 1 channel." in await foreign.monitor("enable")


async def test_a_history_that_discord_does_not_give_fails_nothing(foreign):
    await say(foreign, *[SPANISH] * 12)
    foreign.env.inject_error("GET", f"/channels/{foreign.general.id}/messages", status=403, code=50001)
    assert "I posted a notice there.\nWatching 1 channel." in await foreign.monitor("enable")


async def test_without_the_message_content_intent_nobodys_past_is_asked_for(foreign, settings, classifier, storage):
    foreign.bot = assemble(settings, classifier, storage, message_content=False)
    await foreign.env.restart_bot(foreign.bot)
    assert (await foreign.monitor("enable")).startswith("Nothing was enabled")


def test_what_says_nothing_or_failed_counts_for_no_language():
    spanish, others = [Unreadable("Spanish")] * FEWEST, [NothingToRead(), InferenceFailed("broken")] * 20
    assert in_words([*spanish, *others]) == f"Most recent messages here look like Spanish; {WARNING}"
    assert in_words([*spanish[1:], *others]) == ""
    assert in_words([*spanish, *[verdict(0.5)] * FEWEST]) == ""
