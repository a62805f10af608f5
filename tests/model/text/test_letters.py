"""Letters in disguise read as plain ones; other scripts, names, codes and long words stay as they are."""

import unicodedata
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text.cleaning import clean

SENTENCES = [
    "this game is bad", "i hate this update", "you are the best team", "what a great day", "they lost again",
    "my dog is so happy", "the server is down", "we should play more", "that was a terrible match", "good morning all",
    "nobody likes this map", "thank you for the help", "this is the worst patch", "i love this song",
    "stop wasting my time", "such a beautiful place", "he is really annoying", "see you tomorrow then",
    "it never works for me", "best stream of the year",
]  # fmt: skip

SMALL_CAPITALS = str.maketrans(
    "abcdefghijklmnopqrstuvwyz",
    "\u1d00\u0299\u1d04\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b\u029f\u1d0d\u0274\u1d0f\u1d18\ua7af\u0280\ua731\u1d1b\u1d1c\u1d20\u1d21\u028f\u1d22",
)
CYRILLIC = str.maketrans("aeopcyxi", "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456")
GREEK = str.maketrans("aoivn", "\u03b1\u03bf\u03b9\u03bd\u03b7")


def shifted(first):
    """Letters as the signs from `first` on; other signs stay."""
    return lambda text: "".join(chr(first + ord(sign) - ord("a")) if sign.isalpha() else sign for sign in text)


def apart(letters, gap, sentence):
    return gap.join(letters.join(word) for word in sentence.split())


def long_words_apart(sign, sentence):
    """Three letters with dots between them are more often an abbreviation."""
    return " ".join(sign.join(word) if len(word) > 3 else word for word in sentence.split())


def half(table):
    """Each word keeps its first letter, so that it mixes two scripts, as people do to get past a filter."""
    return lambda text: " ".join(
        word[0] + word[1:].translate(table) if len(word) > 1 else word for word in text.split()
    )


DISGUISES = {
    "regional indicators": lambda text: apart("\u200b", "   ", shifted(0x1F1E6)(text)),
    "spaced regional indicators": lambda text: apart(" ", "   ", shifted(0x1F1E6)(text)),
    "squared": shifted(0x1F130),
    "dark squared": shifted(0x1F170),
    "dark circled": shifted(0x1F150),
    "circled": shifted(0x24D0),
    "small capitals": lambda text: text.translate(SMALL_CAPITALS),
    "fullwidth": shifted(0xFF41),
    "mathematical bold": shifted(0x1D41A),
    "mathematical script": shifted(0x1D4EA),
    "cyrillic": half(CYRILLIC),
    "greek": half(GREEK),
    "spaced": lambda text: apart(" ", "   ", text),
    **{f"with {sign}": partial(long_words_apart, sign) for sign in ".-_*|/~"},
    "zero width": lambda text: apart("\u200b", " ", text),
    "bold inside": lambda text: " ".join(
        f"{word[:1]}**{word[1:-1]}**{word[-1:]}" if len(word) > 2 else word for word in text.split()
    ),
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_a_disguised_sentence_reads_as_the_plain_one(disguise):
    hidden = map(disguise, SENTENCES)
    cleaned = [clean(text) for text in hidden]
    assert [text.lower() for text in cleaned] == SENTENCES
    assert [clean(text) for text in cleaned] == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h4te this", "hate this"), ("y0u are st00pid", "you are st00pid"), ("st1ll b0ring", "still boring"),
        ("gr8 g4me", "gr8 game"), ("n00b", "noob"), ("w0rst pl4ce", "worst place"), ("$tupid", "stupid"),
        ("this is \U0001f171\ufe0fad", "this is bad"), ("\U0001f171oi", "boi"),
        ("@wful", "awful"), ("h@te it", "hate it"), ("1diot", "idiot"), ("ki11er", "killer"), ("H4TE", "hate"),
        ("5hit", "shit"), ("hell0", "hello"),
    ],
)  # fmt: skip
def test_digits_for_letters_are_read_where_that_gives_a_known_word(text, expected):
    assert clean(text) == expected


@pytest.mark.parametrize("sentence", [one for one in SENTENCES if not one.startswith(("good", "thank"))])
def test_a_hashtag_falls_into_its_words(sentence):
    assert clean("#" + sentence.replace(" ", "")) == "#" + sentence


@pytest.mark.parametrize(
    "sentence",
    ["this game is bad", "i hate this update", "you are the best team", "it never works for me", "i love this song"],
)
def test_words_that_run_together_are_told_apart(sentence):
    assert clean(sentence.replace(" ", "")) == sentence


@pytest.mark.parametrize(
    "text",
    [
        "ps5", "mp3 file", "mp4", "h264", "b2b", "4k", "1080p", "3d model", "w8", "b4", "2nd", "1st", "10k", "x64",
        "na\u00efve caf\u00e9", "d\u00e9j\u00e0 vu", "jalape\u00f1o", "wasd", "U.S.A.", "e.g. this", "i.e. that",
        "a b c d", "x y z", "q w e r", "capitalists", "internationalisation", "inhabitants",
        "incomprehensibilities", "notwithstanding", "nevertheless", "counterproductive", "housekeeping", "heretofore",
        "straightforward", "thunderstorms", "johnsonville", "manchesterunited", "therapists", "afterthoughts",
        "I a m", "plan b is a go", "vitamin c", "team a v b", "J.R.R. Tolkien", "9 to 5", "c++", "h2o", "co2",
        "i5-8400", "f1",
        "a-z", "p2w", "f2p", "l33t5p34k5", "user_name_1", "SomeCamelCase", "GitHubActions", "3.14", "100", "v1.2.3",
        "room 101", "raid5", "cat5", "season5", "pop3", "ac3", "br0", "4Head", "5am", "5kills", "4way",
        "l10n", "a11y", "softwarecenter", "Win3.11",
        "b-b-but", "s-sorry", "a/b/c", "n/a", "24-7", "rock-n-roll", "x-ray", "t-shirt", "8-bit",
    ],
)  # fmt: skip
def test_codes_names_accents_and_long_words_stay(text):
    assert clean(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "\u043f\u0440\u0438\u0432\u0435\u0442 \u043a\u0430\u043a \u0434\u0435\u043b\u0430",
        "\u0441\u043f\u0430\u0441\u0438\u0431\u043e", "\u0445\u043e\u0440\u043e\u0448\u043e",
        "\u043e\u043d\u0430 \u0438 \u043e\u043d", "\u043d\u0435\u0442", "\u0442\u043e\u043c",
        "\u03ba\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1", "\u03bd\u03b1\u03b9", "\u03cc\u03c7\u03b9",
        "\u4f60\u597d", "\u3053\u3093\u306b\u3061\u306f", "\uc548\ub155", "\u0645\u0631\u062d\u0628\u0627",
        "\u0928\u092e\u0938\u094d\u0924\u0947", "\u05e9\u05dc\u05d5\u05dd", "t\u00fcrk\u00e7e g\u00fcn",
        "\u0142\u00f3d\u017a",
        "\u010desk\u00fd", "\u00f8l", "\u0130stanbul \u0131\u015f\u0131k", "\u03c0", "\u03b1 and \u03b2",
    ],
)  # fmt: skip
def test_words_of_other_scripts_stay(text):
    assert clean(text) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize("code", ["DE", "US", "FR", "GB", "JP", "BR", "UA", "IN"])
def test_flags_are_flags(code):
    flag = "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in code)
    assert clean(f"go {flag}") == clean(f"go {flag}{flag}{flag}")
    assert clean(f"go {flag}").startswith("go (")


@given(st.sampled_from(SENTENCES), st.lists(st.sampled_from(sorted(DISGUISES)), min_size=1, max_size=4))
def test_words_in_different_disguises_still_read_as_plain_ones(sentence, names):
    """But for those that say something else letter by letter: flags, and the blood group A."""
    plain = [name for name in names if not name.startswith(("spaced", "regional", "dark squared"))] or ["fullwidth"]
    words = [DISGUISES[plain[place % len(plain)]](word) for place, word in enumerate(sentence.split())]
    assert clean(" ".join(words)).lower() == sentence
