"""In which languages messages were that were not read: of whom it is told, and how much is kept for that."""

from bot.domain.records import FEWEST_AUTHORS
from bot.monitoring.unread_languages import FEWEST_MESSAGES, MOST_LANGUAGES, OTHER, UnreadLanguages
from bot.presentation.language_words import NAMES
from tests.bot.storage.scenes import author

HOME, AWAY = 1, 2


def wrote(languages, language, messages, people=FEWEST_AUTHORS, guild=HOME):
    for number in range(messages):
        languages.note(guild, language, author(number % people))


def test_a_language_is_told_of_from_twenty_messages_by_five_people_on():
    languages = UnreadLanguages()
    wrote(languages, "Spanish", FEWEST_MESSAGES - 1)
    wrote(languages, "French", 1000, people=FEWEST_AUTHORS - 1)
    assert languages.told_of(HOME) == {}
    wrote(languages, "Spanish", 1)
    assert languages.told_of(HOME) == {"Spanish": 20}
    languages.note(HOME, "French", author(99))
    assert languages.told_of(HOME) == {"French": 1000, "Spanish": 20}
    assert languages.told_of(AWAY) == {}


def test_the_most_come_first_in_steps_of_five_and_what_has_no_name_last():
    languages = UnreadLanguages()
    wrote(languages, "", 300)
    wrote(languages, "a made-up name", 20)
    wrote(languages, "Spanish", 24)
    wrote(languages, "French", 49)
    assert list(languages.told_of(HOME).items()) == [("French", 45), ("Spanish", 20), (OTHER, 320)]


def test_the_sums_name_a_language_only_where_a_server_may_be_told_of_it_and_never_become_less():
    languages = UnreadLanguages()
    wrote(languages, "French", 1000, people=FEWEST_AUTHORS - 1)
    wrote(languages, "Spanish", FEWEST_MESSAGES - 1)
    assert languages.totals() == {OTHER: 1000 + FEWEST_MESSAGES - 1}
    before = languages.totals()
    wrote(languages, "Spanish", 6)
    wrote(languages, "Spanish", 4, guild=AWAY)
    assert languages.totals() == {OTHER: 1000 + FEWEST_MESSAGES - 1 + 4, "Spanish": 6}
    assert all(languages.totals()[name] >= count for name, count in before.items())


def test_so_many_languages_are_kept_of_a_server_and_no_hash_of_anybody():
    languages = UnreadLanguages()
    for name in NAMES.values():
        wrote(languages, name, 40, people=10)
    kept = languages._of[HOME]
    assert len(kept) == MOST_LANGUAGES + 1
    assert kept[OTHER].messages == 40 * (len(NAMES) - MOST_LANGUAGES)
    assert all(len(one.marks) == FEWEST_AUTHORS and max(one.marks) < 2**16 for one in kept.values())
    assert len(languages.totals()) == MOST_LANGUAGES + 1


def test_a_server_that_was_left_is_forgotten_but_in_the_sums():
    languages = UnreadLanguages()
    wrote(languages, "Spanish", 30)
    languages.forget(HOME)
    languages.forget(AWAY)
    assert languages.told_of(HOME) == {}
    assert languages.totals() == {"Spanish": 11, OTHER: 19}
