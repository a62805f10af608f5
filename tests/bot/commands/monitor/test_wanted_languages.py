"""`/monitor settings languages:`: what may be chosen, what is read then, and where it is shown."""

from dataclasses import replace
from typing import Any

import pytest

from bot.commands.help_screens import SCREENS
from bot.commands.monitor.errors import Refused
from bot.commands.monitor.wanted_languages import MOST, languages_in_words, languages_like, wanted_languages
from bot.domain.records import AdminAction, GuildSettings
from bot.i18n import LANGUAGES, gettext, speaking
from bot.monitoring.rule_cache import RuleCache
from bot.presentation.language_words import NAMES
from bot.storage.schema import HourRow
from model import Classifier, Sentiment, Unreadable, Verdict
from tests.bot.commands.monitor.test_looks import settings_of
from tests.bot.parts import monitoring_of
from tests.bot.storage.scenes import rows_of

GOOD = "what a wonderful day"
SPANISH, FRENCH = "me encanta este servidor", "vous savez ce que je pense"
DUTCH = "ik vind dit een leuke server"
READS = ("de", "en", "es", "fr", "pt")


class Info:
    """As much of a `ModelInfo` as is asked for here."""

    def __init__(self, *languages):
        self.languages, self.version = languages, "m"


MANY: Any = Info(*READS)
ONE: Any = Info()


@pytest.fixture
def multilingual(home, answers, monkeypatch):
    """The model reads five languages, and what it says of four texts is known."""
    info = Classifier.info.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(Classifier, "info", property(lambda self: replace(info(self), languages=READS)))
    for text, language in ((GOOD, "en"), (SPANISH, "es"), (FRENCH, "fr")):
        answers[text] = Verdict(Sentiment.POSITIVE, (0.02, 0.01, 0.97), 1, "m", language=language)
    answers[DUTCH] = Unreadable("Dutch")
    return home


async def unread(home):
    """Of the present hour: positive and unread."""
    await home.storage.write_buffer.flush()
    return [(row["positive"], row["unread"]) for row in await rows_of(home.storage.database, HourRow)]


async def say(home, *texts, who=None):
    for text in texts:
        await (who or home.alice).send(home.general, text)


# ---- what may be chosen


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("all", ""),
        ("everything I can read", ""),
        ("English only", "en"),
        ("en", "en"),
        ("es fr", "es fr"),
        ("Spanish, french", "es fr"),
        ("Spanish french, spanish", "es fr"),
        ("  PORTUGUESE ; German", "pt de"),
        ("Everything", ""),
        ("English and Spanish", "en es"),
        ("Spanish, French, and German", "es fr de"),
        ("español", "es"),
        ("español e inglés", "es en"),
        ("Deutsch, İngilizce", "de en"),
        ("Brazilian Portuguese", "pt"),
        ("スペイン語、英語", "es en"),
    ],
)
def test_languages_are_chosen_by_name_or_code(typed, kept):
    assert wanted_languages(typed, MANY) == kept


def test_a_name_may_be_in_the_askers_own_language():
    with speaking("de"):
        assert wanted_languages("Spanisch, Französisch", MANY) == "es fr"
    with speaking("tr"):
        assert wanted_languages("İspanyolca, ingilizce", MANY) == "es en"


def test_a_language_is_called_what_it_calls_itself():
    info: Any = Info("en", "it")
    assert wanted_languages("Italiano", info) == "it"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_shown_of_a_choice_may_be_typed(language):
    with speaking(language):
        assert wanted_languages(languages_in_words(GuildSettings(1, languages="es fr de"), MANY), MANY) == "es fr de"


@pytest.mark.parametrize(
    ("typed", "unknown"),
    [("Spanish, Dutch and German", "Dutch"), ("French Klingon", "Klingon"), ("es, Low Saxon", "Low Saxon"), (" ", "")],
)
def test_the_part_that_is_not_understood_is_named(typed, unknown):
    with pytest.raises(Refused, match=f"^“{unknown}” isn't a language I can read"):
        wanted_languages(typed, MANY)


@pytest.mark.parametrize("typed", ["Dutch", "Spanish, Dutch", ",", "klingon", "*"])
def test_what_the_model_does_not_read_is_one_sentence(typed):
    with pytest.raises(Refused, match="I read English, German, Spanish, French and Portuguese"):
        wanted_languages(typed, MANY)


def test_so_many_fit_in_the_store():
    info: Any = Info(*NAMES)
    longest = sorted(NAMES, key=len)[-MOST:]
    assert len(wanted_languages(" ".join(longest), info)) <= 64
    with pytest.raises(Refused, match="at most 16 languages"):
        wanted_languages(" ".join([*NAMES][: MOST + 1]), info)


def test_what_can_be_chosen_is_suggested_one_language_after_the_other():
    assert languages_like("", ONE) == [("everything I can read", "all"), ("English only", "en")]
    assert languages_like("", MANY)[2:] == [("German", "de"), ("Spanish", "es"), ("French", "fr"), ("Portuguese", "pt")]
    assert languages_like("eng", MANY) == [("English only", "en")]
    assert languages_like("Spanish, ger", MANY) == [("Spanish, German", "es de")]
    assert [value for _, value in languages_like("es, ", MANY)] == ["es en", "es de", "es fr", "es pt"]
    with speaking("de"):
        assert languages_like("franz", MANY) == [("Französisch", "fr")]
    every: Any = Info(*NAMES)
    assert len(languages_like("", every)) == 25
    assert all(len(name) <= 100 for name, _ in languages_like(",".join([*NAMES][:15]) + ",", every))


def test_what_was_chosen_is_shown_and_what_cannot_be_read_now():
    assert languages_in_words(GuildSettings(1), ONE) == "everything I can read (English)"
    assert languages_in_words(GuildSettings(1, languages="en"), MANY) == "English only"
    assert languages_in_words(GuildSettings(1, languages="es fr"), MANY) == "Spanish and French"
    assert languages_in_words(GuildSettings(1, languages="es en"), ONE) == (
        "Spanish and English, but the model that's running now can't read Spanish"
    )


async def test_it_is_kept_shown_written_down_and_taken_back(multilingual):
    everything = "Languages I read: everything I can read (English, German, Spanish, French and Portuguese)"
    assert everything in await multilingual.monitor("settings")
    said = await multilingual.monitor("settings", languages="Spanish, French")
    assert "Saved" in said
    assert "Languages I read: Spanish and French" in said
    assert (await settings_of(multilingual)).languages == "es fr"
    assert await multilingual.actions() == [(AdminAction.SETTINGS, None, None)]
    await multilingual.monitor("settings", confidence=70)
    assert (await settings_of(multilingual)).languages == "es fr"
    assert "Languages I read: Spanish and French" in await multilingual.monitor("status")
    assert everything in await multilingual.monitor("settings", languages="all")
    assert (await settings_of(multilingual)).languages == ""


async def test_a_language_that_cannot_be_read_changes_nothing(multilingual):
    said = await multilingual.monitor("settings", languages="Dutch", timezone="Europe/Berlin")
    assert said.startswith("“Dutch” isn't a language I can read.")
    assert await settings_of(multilingual) == GuildSettings(multilingual.guild.id)
    assert await multilingual.actions() == []


# ---- what is read then


async def test_without_a_choice_all_is_read_that_the_model_can(multilingual):
    await multilingual.watch()
    await say(multilingual, GOOD, SPANISH, FRENCH)
    assert await unread(multilingual) == [(3, 0)]


@pytest.mark.parametrize(("languages", "read"), [("en", 1), ("es", 1), ("es fr", 2)])
async def test_what_is_not_wanted_is_counted_as_what_cannot_be_read(multilingual, languages, read):
    await multilingual.watch(tagging=True)
    await multilingual.monitor("settings", languages=languages)
    await say(multilingual, GOOD, SPANISH, FRENCH)
    assert await unread(multilingual) == [(read, 3 - read)]
    counts = monitoring_of(multilingual.bot).ingest.counts[multilingual.guild.id]
    assert (counts.read, counts.unread) == (read, 3 - read)
    assert len([message for message in multilingual.general.history() if message.reactions]) == read


async def test_a_choice_counts_from_the_first_message_after_a_start(multilingual):
    await multilingual.monitor("settings", languages="en")
    storage, number = multilingual.storage, multilingual.guild.id
    rules = RuleCache(storage.guilds, storage.notices)
    assert rules.wants(number, "es")
    await rules.load()
    assert (rules.wants(number, "es"), rules.wants(number, "en"), rules.wants(number, "")) == (False, True, True)
    assert rules.wants(number + 1, "es")


async def test_a_choice_that_another_process_has_written_counts(multilingual):
    rules = monitoring_of(multilingual.bot).rules
    number = multilingual.guild.id
    await multilingual.storage.guilds.set_settings(GuildSettings(number, languages="en"))
    assert rules.wants(number, "es")
    await rules.reload(number)
    assert not rules.wants(number, "es")
    await multilingual.storage.guilds.set_settings(GuildSettings(number))
    await rules.reload(number)
    assert rules.wants(number, "es")


async def test_the_preview_and_the_word_about_a_channel_go_by_it_as_well(multilingual):
    await multilingual.monitor("settings", languages="es")
    await say(multilingual, *[GOOD] * 12, SPANISH)
    said = await multilingual.monitor("preview")
    assert f"(looks like English): {GOOD}" in said
    assert "can't read" not in next(line for line in said.splitlines() if SPANISH in line)
    said = await multilingual.monitor("enable")
    assert "Most recent messages here look like English; I don't read that in this server, so the mood" in said


# ---- by language


async def people(home, number):
    members = [home.guild.add_member(home.env.create_user(f"user{one}")) for one in range(number)]
    await home.env.settle()
    return members


async def test_the_status_says_in_which_languages_unread_messages_were_once_there_are_enough(multilingual):
    await multilingual.watch()
    await multilingual.monitor("settings", languages="en fr")
    members = await people(multilingual, 5)
    for number in range(4):
        for member in members:
            await say(multilingual, SPANISH, who=member)
        assert ("Language: " in await multilingual.monitor("status")) is (number == 3)
    for _ in range(20):
        await say(multilingual, DUTCH, GOOD)
    said = await multilingual.monitor("status")
    assert "Language: Since my last start I didn't read: Spanish about 33 %." in said
    assert "Dutch" not in said, "one person alone wrote it"
    assert monitoring_of(multilingual.bot).ingest.unread_languages.totals() == {"Spanish": 1, "other": 39}


# ---- what people are told of it


async def test_help_and_the_notices_button_say_what_is_read_here(multilingual):
    await multilingual.monitor("enable")
    (posted,) = multilingual.general.history()

    async def told():
        helped = await multilingual.alice.slash(multilingual.general, "help")
        pressed = await multilingual.alice.click(posted, label="What do you keep?")
        return helped.response.embeds[0].description, pressed.response.content

    every = "I read English, German, Spanish, French and Portuguese"
    helped, pressed = await told()
    assert helped.endswith(f"\n\n{every}, and I get sarcasm wrong a lot.")
    assert f"{every}: anything else" in pressed
    await multilingual.monitor("settings", languages="es fr")
    helped, pressed = await told()
    assert helped.endswith(
        f"{every}, and I get sarcasm wrong a lot. In this server's channels I only read Spanish and French."
    )
    assert "I read Spanish and French: anything else" in pressed
    await multilingual.monitor("settings", languages="en")
    assert "I only read English: anything else" in (await told())[1]


async def test_where_the_model_reads_nothing_that_was_chosen_the_button_promises_no_more(home):
    await home.storage.guilds.set_settings(GuildSettings(home.guild.id, languages="es"))
    await monitoring_of(home.bot).rules.reload(home.guild.id)
    await home.monitor("enable")
    (posted,) = home.general.history()
    pressed = await home.alice.click(posted, label="What do you keep?")
    assert "I read Spanish: anything else" in pressed.response.content


async def test_a_model_for_english_alone_helps_as_before(home):
    helped = await home.alice.slash(home.general, "help")
    assert helped.response.embeds[0].description == SCREENS[0][1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_screen_of_help_ends_with_what_is_read(language):
    with speaking(language):
        paragraphs = gettext(SCREENS[0][1]).split("\n\n")
    assert (len(paragraphs), len(paragraphs[1].splitlines())) == (2, 1)


async def test_privacy_says_of_unread_messages_that_they_were_in_a_language_not_read_there(multilingual):
    await multilingual.watch()
    await say(multilingual, DUTCH)
    seen = await multilingual.alice.slash(multilingual.general, "privacy see")
    assert "(1 without a score, in a language I didn't read there)" in seen.response.content
    await multilingual.monitor("settings", languages="en")
    seen = await multilingual.alice.slash(multilingual.general, "privacy see")
    assert "(1 without a score: I couldn't read what isn't in English)" in seen.response.content
