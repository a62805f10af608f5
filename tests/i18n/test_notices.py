"""A notice is in its server's language, one message for as long as it's there; its button answers in the presser's."""

from dataclasses import replace

import pytest
from simcord import ChannelHandle

from bot.app.assemble import assemble
from bot.i18n import LANGUAGES, gettext, speaking
from bot.monitoring import notice_button
from bot.monitoring.notice_button import details_view
from bot.monitoring.notice_post import FORUM_TITLE, is_title
from bot.monitoring.notice_words import details, notice
from bot.presentation.lists import LONGEST_MESSAGE, in_messages
from bot.storage.errors import DatabaseUnavailable
from tests.bot.forums import change_post, teach_forums
from tests.bot.parts import monitoring_of
from tests.i18n.pseudo import LOCALE, PSEUDO, english_left, id_of, pseudo

pytestmark = pytest.mark.usefixtures("pseudo_language")

GOOD = "what a wonderful day"
CATCH_UP = 24


def in_pseudo(words, *given):
    with speaking(PSEUDO):
        return words(*given)


async def chosen(home, language):
    """The admins choose a language for what is posted."""
    rules = monitoring_of(home.bot).rules
    await rules.set_settings(replace(await rules.settings(home.guild.id), language=language))


async def at_discord(home, locale):
    """The server has another language at Discord."""
    home.env.backend.edit_guild(home.guild.id, {"preferred_locale": locale})
    await home.env.settle()


async def restart(home, settings, classifier, storage, meanwhile=lambda: None):
    """The bot stops, something happens, and it starts again."""
    backend = home.env.backend
    emit, backend.emit = backend.emit, lambda *_, **__: None
    meanwhile()
    backend.emit = emit
    home.bot = assemble(settings, classifier, storage)
    await home.env.restart_bot(home.bot)


async def is_read(home, channel=None):
    """Whether the next message there is read."""
    message = await home.alice.send(channel or home.general, GOOD)
    return message.id in await home.messages()


def posted(home):
    """What the bot has in general, oldest first."""
    return [message for message in home.general.history() if message.author.id == home.env.backend.bot_user.id]


@pytest.fixture
async def polyglot(home):
    """General is watched, by an admin whose Discord is in English."""
    await at_discord(home, LOCALE)
    await home.watch()
    return home


@pytest.fixture
async def told(home):
    """General is watched, in an English server."""
    await home.watch()
    return home


# ---- what it says


def test_all_that_people_are_told_can_be_said_in_other_languages():
    for days in (1, 7):
        for words in (in_pseudo(notice, days), in_pseudo(details, days, 1), in_pseudo(details, days, CATCH_UP)):
            assert english_left(words) == []
    assert in_pseudo(details, 7, 0).count("\n") == in_pseudo(details, 7).count("\n") - 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_languages_notice_is_one_that_discord_takes(language):
    with speaking(language):
        assert 1 <= len(gettext(FORUM_TITLE)) <= 100
        (button,) = details_view().children
        assert 1 <= len(button.item.label) <= 80  # type: ignore[attr-defined]
        for days in (1, 30):
            assert len(notice(days)) <= LONGEST_MESSAGE
            assert len(notice(days).splitlines()) == 2
            assert all(len(line) <= LONGEST_MESSAGE for line in details(days).splitlines())
            assert gettext("`/privacy opt-out`") in notice(days)


def test_a_text_that_is_longer_than_a_message_goes_on_in_the_next():
    assert in_messages("one\ntwo\nthree", 7) == ["one\ntwo", "three"]
    assert in_messages("one\ntwo\nthree", 13) == ["one\ntwo\nthree"]
    assert in_messages("one", 3) == ["one"]


# ---- who is spoken to in which language


async def test_the_notice_is_in_the_servers_language_and_the_button_answers_in_the_pressers(
    polyglot, settings, locales
):
    (there,) = posted(polyglot)
    assert there.content == in_pseudo(notice, settings.retention_days)
    answer = await polyglot.alice.click(there, label=pseudo("What do you keep?"))
    assert answer.response.content == details(settings.retention_days, settings.catch_up)
    locales[polyglot.maya.id] = LOCALE
    answer = await polyglot.maya.click(there, custom_id=id_of(polyglot.env, there, "notice:"))
    assert answer.response.content == in_pseudo(details, settings.retention_days, settings.catch_up)
    assert answer.response.ephemeral


async def test_an_admin_who_speaks_another_language_posts_an_english_notice_in_an_english_server(home, locales):
    locales[home.adam.id] = LOCALE
    await home.adam.slash(home.general, "monitor enable", channel=home.general)
    (there,) = posted(home)
    assert there.content == notice(7)


async def test_what_the_button_says_in_a_long_language_comes_in_two_messages(polyglot, locales, monkeypatch):
    monkeypatch.setattr(notice_button, "in_messages", lambda text: in_messages(text, 1000))
    (there,) = posted(polyglot)
    answer = await polyglot.alice.click(there, custom_id=id_of(polyglot.env, there, "notice:"))
    said = [answer.response, *answer.followups]
    assert "\n".join(message.content for message in said) == details(7, CATCH_UP)
    assert len(said) > 1
    assert all(message.ephemeral and len(message.content) <= 1000 for message in said)


# ---- another language


@pytest.mark.parametrize("where", ["here", "at Discord"])
async def test_where_a_server_changes_its_language_its_notice_is_edited_when_somebody_next_writes(told, where):
    (before,) = posted(told)
    for language, locale, words in (
        (PSEUDO, LOCALE, in_pseudo(notice, 7)),
        ("", "en-US", notice(7)),
    ):
        as_it_was = posted(told)[0].content
        await (chosen(told, language) if where == "here" else at_discord(told, locale))
        assert posted(told)[0].content == as_it_was
        assert await is_read(told), "people there were told in any case"
        (there,) = posted(told)
        assert (there.id, there.content) == (before.id, words)
    (noted,) = await told.storage.notices.all()
    assert (noted.message_id, noted.stands, noted.deletions) == (before.id, True, 0)


async def test_what_admins_have_chosen_goes_before_what_discord_says(told):
    await chosen(told, "en")
    await at_discord(told, LOCALE)
    assert await is_read(told)
    assert [message.content for message in posted(told)] == [notice(7)]


async def test_a_notice_in_another_language_is_known_after_a_restart(polyglot, settings, classifier, storage):
    (before,) = posted(polyglot)
    sent = len(polyglot.env.http_requests)
    await restart(polyglot, settings, classifier, storage)
    assert await is_read(polyglot)
    assert [message.id for message in posted(polyglot)] == [before.id]
    edits = [entry for entry in polyglot.env.http_requests[sent:] if entry.method == "PATCH"]
    assert edits == [], "it says what it is to say"


async def test_a_notice_in_a_language_that_is_gone_gets_words_of_today(polyglot, settings, classifier, storage):
    """As after an upgrade with a better translation: nothing of the old words is known any more."""
    (before,) = posted(polyglot)
    polyglot.env.backend.edit_message(polyglot.general.id, before.id, {"content": "Hej! Här mäts stämningen."})
    await restart(polyglot, settings, classifier, storage)
    assert await is_read(polyglot)
    (there,) = posted(polyglot)
    assert (there.id, there.content) == (before.id, in_pseudo(notice, 7))


@pytest.mark.parametrize("former", [notice(7), "**From now on I read the mood of what is written here**, by an admin."])
async def test_an_english_notice_without_the_button_is_known_by_how_it_begins(
    polyglot, settings, classifier, storage, former
):
    (before,) = posted(polyglot)
    polyglot.env.backend.edit_message(polyglot.general.id, before.id, {"content": former, "components": []})
    await restart(polyglot, settings, classifier, storage)
    assert await is_read(polyglot)
    (there,) = posted(polyglot)
    assert (there.id, there.content) == (before.id, in_pseudo(notice, 7))
    answer = await polyglot.alice.click(there, label=pseudo("What do you keep?"))
    assert answer.response.content.startswith("- I keep a score")


async def test_one_of_which_only_the_time_is_known_is_found_in_another_language_too(
    polyglot, settings, classifier, storage
):
    (before,) = posted(polyglot)
    async with storage.database.write() as connection:
        await connection.exec_driver_sql("UPDATE notices SET message_id = NULL")
    await restart(polyglot, settings, classifier, storage)
    assert await is_read(polyglot)
    assert [message.id for message in posted(polyglot)] == [before.id]
    (noted,) = await storage.notices.all()
    assert noted.message_id == before.id


async def test_one_that_was_deleted_is_not_taken_for_another_message_of_the_bots(
    polyglot, settings, classifier, storage
):
    (before,) = posted(polyglot)
    delete = polyglot.env.backend.delete_message
    await restart(polyglot, settings, classifier, storage, lambda: delete(polyglot.general.id, before.id))
    await chosen(polyglot, "en")
    assert not await is_read(polyglot)
    (there,) = posted(polyglot)
    assert there.content == notice(7)
    assert await is_read(polyglot)


async def test_without_the_settings_a_notice_stays_as_it_is(told, monkeypatch):
    await chosen(told, PSEUDO)

    async def fail(_):
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as away:
        away.setattr(monitoring_of(told.bot).rules, "settings", fail)
        await told.alice.send(told.general, GOOD)
        assert posted(told)[0].content == notice(7)
    await chosen(told, "")
    await chosen(told, PSEUDO)
    await told.alice.send(told.general, GOOD)
    assert [message.content for message in posted(told)] == [in_pseudo(notice, 7)]


# ---- forums


@pytest.fixture
async def forum(home):
    teach_forums(home.env.backend)
    channel = home.guild.create_forum_channel("help")
    await home.env.settle()
    await home.watch(channel)
    return channel


async def asks(home, forum):
    """Somebody writes in a post of the forum."""
    post = home.env.backend.create_thread(forum.id, "my question", home.maya.id)
    await home.env.settle()
    return await is_read(home, ChannelHandle(home.env, home.guild, post))


def bots_posts(home, forum):
    mine = home.env.backend.bot_user.id
    return [post for post in forum.threads if post.history() and post.history()[0].author.id == mine]


def name_of(home, post):
    return home.env.backend.get_channel(post.id).name


async def test_a_forums_notice_changes_its_title_with_its_words(home, forum):
    for language in (PSEUDO, ""):
        await chosen(home, language)
        assert await asks(home, forum)
        (post,) = bots_posts(home, forum)
        with speaking(language or "en"):
            assert (name_of(home, post), post.history()[0].content) == (gettext(FORUM_TITLE), notice(7))


async def test_a_title_that_somebody_has_given_it_stays(home, forum):
    (post,) = bots_posts(home, forum)
    await change_post(home.env, post)
    home.env.backend.get_channel(post.id).name = "Read me"
    await change_post(home.env, post, locked=False)
    await chosen(home, PSEUDO)
    assert await asks(home, forum)
    assert (name_of(home, post), post.history()[0].content) == ("Read me", in_pseudo(notice, 7))


def test_titles_of_all_languages_are_known():
    assert is_title(FORUM_TITLE)
    assert is_title(pseudo(FORUM_TITLE))
    assert not is_title("Read me")
