import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.presentation.quoting import EXCERPT, cover, escape, excerpt, has_spoilers, shorten
from tests.bot.presentation.discord_markdown import hidden, kinds, visible

EMOJI = ("<:pepe_sad:123>", "<a:party__blob_:80351110224678912>", "<t:1700000000:R>", "<t:1700000000>")
MENTIONS = (
    "@everyone",
    "@here",
    "<@80351110224678912>",
    "<@!8>",
    "<@&80351110224678912>",
    "<#8035>",
    "</mood server:1>",
)
MARKUP = (
    *("||", "|", "|||", "\\", "`", "```", "*", "**", "_", "__", "~~", ">", "> ", "# ", "- ", "[", "]", "](", ")"),
    *("\n", " ", " ", "<", ":", "http://a.example/_", "https://b.example/x_y", "](https://evil.example)", "http://é"),
    *EMOJI,
    *MENTIONS,
)
WORD = re.compile(r"secret\d+")
TYPED = st.lists(
    st.one_of(st.sampled_from(MARKUP), st.just("||"), st.just("secret"), st.text(max_size=2)), max_size=24
).map(lambda atoms: "".join(f"secret{place}q" if atom == "secret" else atom for place, atom in enumerate(atoms)))


def words(text):
    return set(WORD.findall(text))


@given(TYPED)
@example("**a||b** c ||secret1q|| d||")
@example("`||` ||secret1q|| ||")
@example("\\||x||secret1q|| y||z||")
@example("https://x.example/|| y ||secret1q||w||v")
@example("http://é||secret1q|| ok")
@example("[x||](http://a.example) y ||secret1q|| w ||")
@example("> a||b\nc ||secret1q|| d||")
@example("|||secret1q||| || ||secret2q||")
def test_what_is_covered_when_typed_is_covered_when_quoted(typed):
    assert not words(hidden(typed)) & words(visible(excerpt(typed, 2000)))


@given(TYPED, st.integers(1, 60))
def test_a_spoiler_that_is_cut_stays_covered(typed, limit):
    assert not words(hidden(typed)) & words(visible(excerpt(typed, limit)))


@given(TYPED)
def test_what_stands_outside_all_bars_is_open(typed):
    first, _, rest = typed.partition("||")
    last = rest.rpartition("||")[2] if "||" in rest else rest
    assert words(visible(excerpt(typed, 2000))) >= words(first) | words(last)


@given(TYPED)
def test_nothing_of_a_quote_works_but_spoilers_emoji_times_and_plain_links(typed):
    assert kinds(excerpt(typed)) <= {"spoiler", "emoji", "time", "link"}


@given(TYPED, st.integers(1, 40))
def test_no_two_escaped_texts_make_markup_together(typed, place):
    assert kinds(escape(typed[:place]) + escape(typed[place:])) <= {"emoji", "time", "link"}


@given(TYPED)
def test_a_quote_of_three_hundred_characters_fits_an_embed(typed):
    assert len(excerpt(typed)) <= 4 * EXCERPT


@given(st.text(alphabet="|a ", max_size=40))
def test_bars_alone_are_never_confused(typed):
    quote = excerpt(typed)
    assert len(re.findall(r"(?<!\\)\|", quote)) % 4 == 0
    assert "".join(quote.split()).count("a") == typed.count("a")


@pytest.mark.parametrize(
    ("typed", "quoted"),
    [
        ("||X dies|| and i hated it", "||X dies|| and i hated it"),
        ("a ||b|| c ||d|| e", "a ||b|| c ||d|| e"),
        ("||one\n\ntwo||", "||one two||"),
        ("||**bold** `code`||", r"||\*\*bold\*\* \`code\`||"),
        ("a || b", r"a \|\| b"),
        ("a | b", r"a \| b"),
        ("||a|| b ||c", r"||a\|\| b ||c"),
        ("`||a||`", r"\`||a||\`"),
        (r"\||a||", r"\\||a||"),
        ("||||", r"\|\|\|\|"),
        ("|| ||", r"\|\| \|\|"),
        ("||https://a.example/x_y|| ||b||", r"||https://a.example/x_y|| ||b||"),
        ("https://a.example/||b||", r"https://a.example/ ||b||"),
        ("||<:pepe_sad:1>|| ||<:a_b_c:2>||", "||<:pepe_sad:1>|| ||<:a_b_c:2>||"),
    ],
)
def test_spoilers_are_kept(typed, quoted):
    assert excerpt(typed) == quoted


def test_a_spoiler_longer_than_the_quote_is_closed():
    assert excerpt("so ||he dies at the end of it|| sad", 12) == "so ||he dies…||"


@pytest.mark.parametrize("whole", EMOJI)
def test_custom_emoji_and_times_are_shown_whole(whole):
    assert excerpt(f"so {whole} sad_today") == rf"so {whole} sad\_today"


def test_an_emoji_is_never_cut_in_two():
    assert excerpt("oh no <:pepe_sad:123456789>", 20) == "oh no…"


@pytest.mark.parametrize("almost", ["<:pepe_sad:1", "<:pepe sad_:1>", "<:né_é:1>", "<a:_:x>", "<t:1_0>"])
def test_what_only_looks_like_an_emoji_is_escaped(almost):
    assert "_" not in excerpt(almost).replace(r"\_", "")


@pytest.mark.parametrize("mention", MENTIONS)
def test_a_mention_does_not_work(mention):
    for shown in (escape(mention), excerpt(f"||{mention}||"), shorten(mention, 60)):
        assert "mention" not in kinds(shown)


def test_the_second_of_two_masked_links_is_no_link_either():
    shown = excerpt("[a](https://a.example) [free nitro](https://evil.example) (b)")
    assert kinds(shown) == {"link"}


@pytest.mark.parametrize("block", ["# loud", "-# small", "- item", "+ item", "1. item", ">>> quote", "  ## loud"])
def test_a_line_is_no_heading_list_or_quote(block):
    assert "block" not in kinds(escape(block))


def test_links_stay_as_they_are():
    link = "https://a.example/some_page_here?x=1&y_=2"
    assert escape(f"see {link}, or <{link}>.") == f"see {link}, or <{link}>."


def test_a_cover_is_not_opened_by_a_bar_at_its_end():
    assert hidden(cover(escape("so it ends|"))).strip() == "so it ends|"


def test_only_bars_with_something_between_are_spoilers():
    assert [has_spoilers(text) for text in ("||a||", "a||b", "|| ||", "|a|", "||a|| b ||")] == [
        True,
        False,
        False,
        False,
        True,
    ]
