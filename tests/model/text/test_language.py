"""What is not English is refused, with its likely language, and chat in English is read."""

import subprocess
import sys
import threading

import pytest

from model import Classifier, Unreadable, Verdict
from model.text import language as languages
from model.text.cleaning import clean
from model.text.language import check_language, is_plainly_readable
from tests.bench.reading import LATIN, by_language, lines, refused, share_refused
from tests.bench.texts import sentences

LANGUAGES = by_language()


@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() & LATIN))
def test_lines_of_other_languages_in_latin_script_are_caught(language):
    assert len(LANGUAGES[language]) >= 40
    assert share_refused(LANGUAGES[language]) >= 0.85


@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - LATIN))
def test_every_line_in_another_script_is_caught_and_its_language_named(language):
    assert len(LANGUAGES[language]) >= 40
    assert {refused(text) for text in LANGUAGES[language]} == {language}


@pytest.mark.parametrize("language", ["Spanish", "French", "German", "Italian", "Polish", "Turkish", "Dutch"])
def test_the_likely_language_is_mostly_the_right_one(language):
    named = [found for text in LANGUAGES[language] if (found := refused(text))]
    assert named.count(language) >= 0.9 * len(named)


def test_english_is_read():
    assert share_refused(sentences()) <= 0.005


def test_even_english_that_looks_odd_is_mostly_read():
    assert share_refused([row["text"] for row in lines("english")]) <= 0.05


@pytest.mark.parametrize(
    "text",
    [
        "gg ez",
        "ja",
        "sí señor",
        "KEKW OMEGALUL PepeLaugh monkaS",
        "hahahahaha JAJAJAJA",
        "danke bro you're the best",
        "c'est nul, i hate it",
        "naive cafe in München was great",
        "\U0001f602\U0001f602\U0001f62d \U0001f525",
        "(ﾉ◕ヮ◕)ﾉ*:･ﾟ✧ we did it",
        "<@123456789> <:pepe_sad:123456789012345678> https://example.com/es/hola",
        "git push --force origin main",
        "aaaaaaaaaaaaaaaa",
        "ttyl gtg brb imo smh",
        "I love Kubernetes",
    ],
)
def test_short_mixed_and_chat_of_its_own_is_read(text):
    assert refused(text) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Привет, как дела \U0001f602\U0001f602", "Russian"),
        ("ありがとう、最高だった lol", "Japanese"),
        ("**esto** es una ||mierda|| de servidor <@123>", "Spanish"),
        ("\U0001f62d\U0001f62d\U0001f62d te quiero mucho amigo", "Spanish"),
        ("das ist doch alles kaputt hier :(", "German"),
    ],
)
def test_signs_do_not_hide_a_language(text, language):
    assert refused(text) == language


def test_a_plain_text_never_loads_the_language_model(monkeypatch):
    monkeypatch.setattr("model.text.language._load", lambda: pytest.fail("loaded"))
    for text in ("this is the best update so far", "gg", "lol", "the boss spawns at eight"):
        cleaned = clean(text)
        assert is_plainly_readable(cleaned)
        check_language(cleaned)


async def test_an_unreadable_text_is_an_answer_of_its_own_and_harms_no_other():
    async with await Classifier.open() as classifier:
        with pytest.raises(Unreadable, match=r"looks like Spanish\. I only read English") as refusal:
            await classifier.classify("odio a todos ustedes de verdad")
        assert refusal.value.language == "Spanish"
        good, foreign, bad = await classifier.classify_many(
            ["i love this server", "это лучшая игра в мире", "i hate this map"]
        )
        assert isinstance(good, Verdict)
        assert good.sentiment == "positive"
        assert isinstance(foreign, Unreadable)
        assert foreign.language == "Russian"
        assert isinstance(bad, Verdict)
        assert bad.sentiment == "negative"
        with pytest.raises(Unreadable):
            await classifier.explain("odio a todos ustedes de verdad")
        assert classifier.stats().failed == 0


async def test_the_event_loop_tells_no_languages_apart(monkeypatch):
    """It takes a model that a second is needed to load."""
    asked = []
    monkeypatch.setattr(
        "model.text.preprocessing.check_language", lambda _: asked.append(threading.current_thread().name)
    )
    async with await Classifier.open() as classifier:
        await classifier.classify("odio a todos ustedes de verdad")
        await classifier.classify_many(["das ist doch alles kaputt hier", "ok"])
    assert asked == ["preparing", "preparing"]


def test_it_is_loaded_where_nothing_can_be_written():
    """On a full disk, and in a container that may write nowhere: it is loaded when a text asks for it, at any time."""
    code = """
import resource, signal
from model.errors import Unreadable
from model.text.language import check_language
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    check_language("to jest zdanie po polsku, napisane zupełnie spokojnie")
except Unreadable as refused:
    print(refused)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr[-500:]
    assert "Polish" in ran.stdout


def test_its_model_is_the_librarys_own():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    theirs, ours = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True), languages._identifier()
    for text in ("where is the library", "wo ist die bibliothek", "dónde está la biblioteca", "ano ba yan"):
        assert list(ours.rank(text)) == list(theirs.rank(text))
