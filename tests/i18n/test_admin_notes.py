"""What a server's admins are told is in its language, whoever's message or command it comes of; the log is English."""

import asyncio
import logging
from functools import partial

import pytest

from bot.domain.discord_clock import DiscordClock
from bot.i18n import gettext, speaking
from bot.monitoring.admin_notifier import NAMED
from bot.monitoring.asked_message import UNREAD_PERSON, UNREAD_PLACE
from bot.monitoring.blind_spots import _hidden_in_words
from bot.monitoring.clock_watch import ClockWatch, clock_in_words
from bot.monitoring.message_words import _WITHOUT_WORDS, NOTHING
from bot.monitoring.notice_reports import deleted_twice, no_tag, refused
from bot.monitoring.reactions import _emoji_is_gone, _places_refuse, _role_lacks
from bot.permissions import HISTORY, REACT
from bot.storage.errors import DatabaseUnavailable
from tests.bot.parts import monitoring_of, overwrite
from tests.i18n.pseudo import LOCALE, PSEUDO, english_left, pseudo

pytestmark = pytest.mark.usefixtures("pseudo_language")

SENTENCES = {
    "no notice": refused,
    "no tag": no_tag,
    "a notice deleted": deleted_twice,
    "hidden": _hidden_in_words,
    "an emoji": partial(_emoji_is_gone, "🌟"),
    "a role": partial(_role_lacks, [REACT, HISTORY]),
    "refused": _places_refuse,
}


@pytest.fixture
async def polyglot(home):
    """A server that has the made-up language at Discord."""
    home.env.backend.edit_guild(home.guild.id, {"preferred_locale": LOCALE})
    await home.env.settle()
    return home


@pytest.fixture
async def mods(polyglot):
    channel = polyglot.guild.create_text_channel("mods")
    await polyglot.monitor("settings", mod_channel=channel)
    return channel


@pytest.fixture
def admins(home):
    async def pause(_):
        await asyncio.sleep(0)

    admins = monitoring_of(home.bot).admins
    admins._pause = pause
    return admins


def direct_messages(home):
    owner = home.env.backend.get_guild(home.guild.id).owner_id
    theirs = next(one.id for one in home.env.backend.channels.values() if owner in one.recipient_ids)
    sent = [entry for entry in home.env.http_requests if entry.path == f"/channels/{theirs}/messages"]
    return [entry.json["content"] for entry in sent]


@pytest.mark.parametrize("words", SENTENCES.values(), ids=SENTENCES)
def test_every_note_can_be_said_in_another_language(words):
    with speaking(PSEUDO):
        said = words("<#1>")
    names = [need.name for need in (REACT, HISTORY)]
    assert "<#1>" in said
    assert english_left(said, names) == []


async def test_a_note_is_in_the_language_of_the_server_and_names_no_more_than_it_may(polyglot, mods, admins):
    channels = [polyglot.guild.create_text_channel(f"room-{number}") for number in range(NAMED + 2)]
    hidden = polyglot.guild.create_text_channel("hidden")
    await overwrite(polyglot.env, hidden, polyglot.guild.default_role, view_channel=False)
    guild = polyglot.bot.get_guild(polyglot.guild.id)
    for channel in (*channels, hidden):
        admins.report(guild, "cause", channel.mention, refused)
    await polyglot.env.settle()
    (note,) = mods.history()
    assert english_left(note.content) == []
    assert pseudo("{count:,} more").replace("{count:,}", "2") in note.content
    assert pseudo("{count:,} channel not everyone here can read").replace("{count:,}", "1") in note.content
    assert hidden.mention not in note.content


async def test_what_somebody_brings_about_is_told_in_the_servers_language_not_in_theirs(home, admins):
    channel = home.guild.create_text_channel("mods")
    await home.monitor("settings", mod_channel=channel)
    with speaking(PSEUDO):
        admins.report(home.bot.get_guild(home.guild.id), "cause", home.general.mention, deleted_twice)
    await home.env.settle()
    (note,) = channel.history()
    assert note.content == deleted_twice(home.general.mention)


async def test_an_owner_is_written_to_in_the_servers_language(polyglot, admins):
    guild = polyglot.bot.get_guild(polyglot.guild.id)
    await admins.tell_of(guild, [polyglot.general.mention], deleted_twice)
    (text,) = direct_messages(polyglot)
    assert english_left(text, ["Home"]) == []


async def test_without_the_settings_it_is_the_language_that_the_server_has_at_discord(polyglot, admins, monkeypatch):
    async def fail(_):
        raise DatabaseUnavailable("away")

    guild = polyglot.bot.get_guild(polyglot.guild.id)
    with monkeypatch.context() as away:
        away.setattr(monitoring_of(polyglot.bot).rules, "settings", fail)
        assert await admins._language(guild) == PSEUDO


async def test_a_forum_that_asks_for_a_tag_is_not_named_to_those_who_cannot_read_it(polyglot, mods, admins):
    forum = polyglot.guild.create_forum_channel("secret")
    await overwrite(polyglot.env, forum, polyglot.guild.default_role, view_channel=False)
    admins.report(polyglot.bot.get_guild(polyglot.guild.id), "tag", forum.mention, no_tag)
    await polyglot.env.settle()
    (note,) = mods.history()
    assert forum.mention not in note.content


# ---- what isn't posted


@pytest.mark.parametrize("off", [600.0, -3600.0])
async def test_the_log_says_in_english_that_the_clock_is_off_and_the_doctor_in_the_admins(off, caplog):
    clock = DiscordClock(lambda: 1_800_000_000.0 + off, lambda: 0.0)
    clock.heard(1_800_000_000.0)
    caplog.set_level(logging.INFO)
    with speaking(PSEUDO):
        await ClockWatch(clock).look(0.0)
        assert english_left(clock_in_words(off)) == []
    assert "The clock of the machine I run on is" in caplog.text
    assert "⟦" not in caplog.text


def test_what_is_said_of_a_message_without_words_and_of_one_that_is_not_read():
    with speaking(PSEUDO):
        sentences = [NOTHING, UNREAD_PERSON, UNREAD_PLACE, *(one for both in _WITHOUT_WORDS.values() for one in both)]
        assert [words for words in sentences if english_left(gettext(words))] == []


async def test_a_message_without_words_is_described_in_the_askers_language(world, locales):
    locales[world.alice.id] = LOCALE
    answer = await world.check("", attachments=[("picture.png", b"x")])
    assert english_left(answer.response.content) == []
