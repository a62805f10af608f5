"""Ratings as what they say, and numbers that rate nothing."""

import pytest

from model.text.cleaning import clean
from model.text.ratings import BAD, FAIR, GOOD


def word_of(share):
    return BAD if share < 0.5 else FAIR if share < 0.65 else GOOD


@pytest.mark.parametrize("most", [5, 10])
@pytest.mark.parametrize("form", ["{}/{}", "{} / {}", "{} of {}", "{} out of {}", "{} OUT OF {}", "**{}/{}**"])
def test_every_whole_number_of_5_and_of_10_rates(most, form):
    for given in range(most + 1):
        rated = form.format(given, most)
        for text in (rated, f"{rated} would play again", f"the map is {rated}", f"solid {rated}, really", f"({rated})"):
            cleaned = clean(text)
            assert word_of(given / most) in cleaned, text
            assert rated.strip("*") not in cleaned
            assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("11/10", 1.1), ("100/10", 10), ("-5/10", -0.5), ("7.5/10", 0.75), ("7,5/10", 0.75), ("3.5/5", 0.7),
        ("95/100", 0.95), ("20 out of 100", 0.2), ("6.5/10", 0.65), ("1000/10", None),
    ],
)  # fmt: skip
def test_halves_hundreds_and_more_than_all_rate_too(text, share):
    assert clean(f"a {text} from me") == (f"a {text} from me" if share is None else f"a {word_of(share)} from me")


@pytest.mark.parametrize("unit", ["star", "stars", "-star", "Stars"])
def test_stars_rate_in_digits_and_in_words(unit):
    numbers = ["zero", "one", "two", "three", "four", "five"]
    for number, name in enumerate(numbers):
        gap = "" if unit.startswith("-") else " "
        for said in (str(number), name, name.title()):
            assert clean(f"{said}{gap}{unit} from me") == f"{word_of(number / 5)} from me"
    assert clean("no stars from me") == f"{BAD} from me"
    assert clean("4.5 stars") == GOOD


@pytest.mark.parametrize("full", range(6))
@pytest.mark.parametrize("sign", ["\u2605", "\u2b50", "\u2b50\ufe0f"])
def test_a_row_of_drawn_stars_rates(full, sign):
    if full < 5:
        assert clean(sign * full + "\u2606" * (5 - full) + " for this") == f"{word_of(full / 5)} for this"
    if full >= 2 and sign == "\u2605":
        assert clean(sign * full) == word_of(max(full, 3) / 5)


def test_stars_without_number_are_decoration():
    assert clean("\u2b50") == "amazing"
    assert clean("\u2b50\u2b50 new video \u2b50\u2b50") == "very amazing new video very amazing"
    assert clean("\u2605 new \u2605") == "\u2605 new \u2605"
    assert clean("\u2605" * 9) == "\u2605" * 9


@pytest.mark.parametrize(
    "text",
    [
        "on 3/10/2026", "due 3/10", "since 5/10 already", "3/10/26", "10/10/2026", "2026/5/10", "until 4/5",
        "4/5 need one more healer", "lf1m 4/5", "we are 3/5, looking for tank", "3/5 players", "4/5 done",
        "5/10 people voted", "part 1/5", "page 3 of 10", "step 2 of 5", "day 4 of 10", "episode 3 of 10", "level 5/10",
        "one of 5 servers", "3 of 10 of them", "1/2 of it", "24/7", "9/11", "3/4 cup", "50/50", "1/100000", "16/9",
        "ratio 1:10", "$5/10", "\u20ac3/5", "v1.3/5", "a/5/10", "x3/10", "3/10%", "192.168.0.5/10", "3/10.5", "5/10:30",
        "star wars", "five star wars films", "2 star treks", "5 starters", "rock star", "12 stars in a row",
        "he is the star", "16 stars", "queue 4/5 online", "2/5 left",
        "won 3/5", "we won 3/5 games", "HP 10/100", "hp: 3/100", "my hp was 12/100", "[2/5] fix the build",
        "10 of 10 tests passed", "test 3/10 passed", "3 of 5 servers are up", "k/d 3/10", "a 1 star general",
        "see you 7/10 at noon", "the 4 of 5 tables are full",
    ],
)  # fmt: skip
def test_dates_counts_and_fractions_rate_nothing(text):
    assert "rated" not in clean(text)


@pytest.mark.parametrize(
    "text",
    [
        "and/or", "/home/me/5/10/x", "src/5/10.txt", "C:\\dir\\5", "http://a.b/5/10", "24/10/2025 10:00", "1080p/5",
        "either/or", "n/10",
    ],
)  # fmt: skip
def test_paths_and_links_rate_nothing(text):
    assert "rated" not in clean(text)


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("0/10", "negative"), ("10/10", "positive"), ("11/10", "positive"), ("9 out of 10", "positive"),
        ("1 star", "negative"), ("5 stars", "positive"), ("2/10 update", "negative"), ("6/10", "neutral"),
        ("\u2605\u2605\u2605\u2605\u2605", "positive"), ("\u2605\u2606\u2606\u2606\u2606", "negative"),
    ],
)  # fmt: skip
def test_the_model_reads_ratings_as_people_mean_them(text, sentiment, sentiment_of):
    assert sentiment_of(text) == sentiment
