"""`/monitor settings languages:`: what may be chosen, what is read then, and where it is shown."""

from dataclasses import replace
from typing import Any

import pytest

from bot.commands.monitor.errors import Refused
from bot.commands.monitor.wanted_languages import MOST, languages_in_words, languages_like, wanted_languages
from bot.domain.records import AdminAction, GuildSettings
from bot.i18n import speaking
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
    ],
)
def test_languages_are_chosen_by_name_or_code(typed, kept):
    assert wanted_languages(typed, MANY) == kept


def test_a_name_may_be_in_the_askers_own_language():
    with speaking("de"):
        assert wanted_languages("Spanisch, Französisch", MANY) == "es fr"
    with speaking("tr"):
        assert wanted_languages("İspanyolca, ingilizce", MANY) == "es en"


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
    assert said.startswith("“Dutch” has a language in it that I can't read.")
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
    assert monitoring_of(multilingual.bot).ingest.unread_languages.totals() == {"Spanish": 20, "Dutch": 20, "other": 0}
