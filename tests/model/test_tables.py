"""The one reader and the one writer of tables: row for row what was there, or a sentence."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import InferenceFailed, NothingToRead, Sentiment, Unreadable, Verdict
from model.tables import COLUMNS, BadTable, Limits, described, harmless, header_line, look_at, read_table, row_line
from tests.model.table_files import READ, REFUSED, as_bytes

GOOD = Verdict(Sentiment.POSITIVE, (0.01, 0.04, 0.95), 1, "v")
LONG = Verdict(Sentiment.NEGATIVE, (0.9, 0.05, 0.05), 24, "v", skipped=16)
DANGER = Verdict(Sentiment.NEGATIVE, (0.1, 0.1, 0.8), 1, "v", danger=True)

SIGNS = "\",;\t|\r\n\x85\u2028\ufeff=+-@'\uff1d []{}ab1 "
CELLS = st.text(st.sampled_from(SIGNS) | st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NAMES = st.lists(st.text("abcxyz_", min_size=1, max_size=6), max_size=3)


def written(table, answers, end="\r\n"):
    return "".join(
        (
            header_line(table.header, end),
            *(row_line(row, one, end) for row, one in zip(table.rows, answers, strict=True)),
        )
    )


def parsed(text):
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_row_for_row(name):
    content, texts = READ[name]
    assert read_table(as_bytes(content), name).texts == texts


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_sentence_without_control_characters(name):
    content, said = REFUSED[name]
    with pytest.raises(BadTable) as refused:
        read_table(as_bytes(content), name)
    sentence = str(refused.value)
    assert said in sentence
    assert sentence.isprintable() and sentence.endswith((".", "?"))


@given(
    NAMES,
    st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from(
        [("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)]
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_cells_in_any_dialect_come_back_in_their_order(names, cells, delimiter, ending, encoding, end):
    header = [*names, "text"]
    rows = [tuple(row[: len(header)]) for row in cells]
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=ending[0], quoting=ending[1]).writerows([header, *rows])
    table = read_table(file.getvalue().encode(encoding), "any.csv", "text")
    assert table.header == tuple(header)
    assert list(table.rows) == rows
    assert table.texts == [row[-1] for row in rows]

    result = written(table, [GOOD] * len(rows), end)
    kept = [tuple(map(harmless, row)) for row in rows]
    assert [tuple(row[: len(header)]) for row in parsed(result)[1:]] == kept
    again = read_table(result.encode(), "again.csv")
    assert [row[: len(header)] for row in again.rows] == kept


def test_a_bare_carriage_return_does_not_make_a_row_of_its_own():
    table = read_table(b'text,n\n"one\rtwo",1\nthree,2\n', "x.csv")
    for end in ("\n", "\r\n"):
        assert [row[0] for row in parsed(written(table, [GOOD, GOOD], end))] == ["text", "one\rtwo", "three"]


def test_rows_can_be_gone_through_again():
    rows = read_table(b"text,n\na,1\nb,2\n", "x.csv").rows
    assert list(rows) == list(rows) == [("a", "1"), ("b", "2")]
    assert len(rows) == 2
    assert ("b", "2") in rows


@pytest.mark.parametrize("asked", ["Said", "said", "  SAID "])
def test_a_column_is_found_by_its_name_in_any_case(asked):
    assert read_table(b"text, Said \nno,yes\n", "x.csv", asked).texts == ["yes"]


def test_a_name_that_is_asked_for_makes_the_first_line_one_of_names():
    content = b"good,I liked it\nbad,I hated it\ngood,fine\n"
    assert read_table(content, "x.csv", "i liked it").texts == ["I hated it", "fine"]


def test_of_columns_with_one_name_the_one_spelled_as_asked_is_taken():
    assert read_table(b"Text,text\nno,yes\n", "x.csv", "text").texts == ["yes"]


def test_a_column_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(BadTable, match=r"x\.csv has no column 'said'\. Its columns are id, text\."):
        read_table(b"id,text\n1,a\n", "x.csv", "said")
    with pytest.raises(BadTable, match=r"has no column 'said'\. Its columns are column 1, column 2\."):
        read_table(b"1,I liked it\n2,me too\n", "x.csv", "said")


def test_names_and_columns_in_messages_have_no_control_characters_and_an_end():
    with pytest.raises(BadTable) as refused:
        read_table(b"\x1b[31mid,text" + b"x" * 500 + b"\n1,a\n", "\x1b]0;x.csv", "said\a")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "semicolons.csv",
            "2 columns named by the first line, with a semicolon between them; the texts are in 'text'.",
        ),
        ("tweets.csv", "6 columns without names, with a comma between them; the texts are in 'column 6'."),
        ("chat.txt", "One text on each line."),
        ("column of lines.csv", "The first line is the column's name, then one text on each line."),
    ],
)
def test_how_a_file_was_understood_is_one_sentence(name, said):
    assert described(read_table(as_bytes(READ[name][0]), name)) == said


@pytest.mark.parametrize("name", READ)
def test_the_beginning_of_a_file_is_understood_as_the_whole_is(name):
    content = as_bytes(READ[name][0])
    seen, table = look_at(content, name), read_table(content, name)
    assert (seen.header, seen.column, described(seen)) == (table.header, table.column, described(table))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("cut", range(250_001, 250_009))
def test_a_beginning_may_end_anywhere(encoding, cut):
    content = ("id;text\n" + '1;"not, bad 😂\nat all"\n' * 20_000).encode(encoding)
    seen = look_at(content[:cut], "x.csv")
    assert (seen.header, seen.column) == (("id", "text"), 1)
    assert set(seen.texts) == {"not, bad 😂\nat all"}


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(rows=2), r"x\.csv has 3 lines\. I read at most 2 at once"),
        (Limits(columns=1), r"x\.csv has 2 columns\. I take at most 1"),
        (Limits(bytes=5), "more than 0 MB"),
    ],
)
def test_limits_are_those_of_whoever_reads(limits, said):
    content = b"text,n\na,1\nb,2\nc,3\n"
    assert len(read_table(content, "x.csv").rows) == 3
    with pytest.raises(BadTable, match=said):
        read_table(content, "x.csv", None, limits)


@given(st.binary(max_size=80) | st.text(SIGNS, max_size=80).map(str.encode), st.sampled_from(["x.csv", "x.txt", "x"]))
def test_any_bytes_are_a_table_or_one_sentence(content, name):
    try:
        table = read_table(content, name)
    except BadTable as refused:
        assert str(refused).isprintable()
        return
    assert len(list(table.rows)) == len(table.rows) > 0
    assert {len(row) for row in table.rows} == {len(table.header)}


@pytest.mark.parametrize("content", [b"[" * 60_000, b"[" * 300_000, b"{" * 300_000, b'"' * 100_001, b"," * 100_000])
def test_nonsense_is_read_or_refused_but_never_raises(content):
    try:
        read_table(content, "x.csv")
    except BadTable as refused:
        assert str(refused)


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "-1-2", "-", "-1_000", "+inf", "-2%=1"],
)
def test_a_cell_that_a_spreadsheet_would_run_is_marked_as_text(cell):
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize(
    ("cell", "marked"),
    [
        ("x;=1+1", "x;'=1+1"),
        ("1; =cmd|' /C calc'!A0", "1;' =cmd|' /C calc'!A0"),
        ("a\t@SUM(A1)", "a\t'@SUM(A1)"),
        ("a|+cmd;-2+3;=1", "a|'+cmd;'-2+3;'=1"),
        ("a\n=1", "a\n'=1"),
        ("x;\uff1d1", "x;'\uff1d1"),
        ("=1;=2", "'=1;'=2"),
    ],
)
def test_a_part_that_another_spreadsheet_would_run_is_marked_too(cell, marked):
    """One that divides at semicolons takes what follows one for a cell of its own."""
    assert harmless(cell) == marked


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "hello",
        "fun; not -fun",
        "1;-5;+3",
        "shopping:\n- milk\n- eggs",
        "well, -ish",
        "a ;) =) b",
        "-5",
        "+1.5",
        "3",
        "a=b",
        "'=1",
        "-0.02",
        "+3",
        "-1e-7",
        "-1,234.56",
        "-1.234,56",
        "-0,5",
        " -5",
        "-5 %",
        "-.5",
        "-1,234,567",
    ],
)
def test_other_cells_and_numbers_stay_as_they_are(cell):
    assert harmless(cell) == cell


def test_names_are_guarded_as_well():
    assert header_line(("=id",)).startswith("'=id,sentiment,")


@pytest.mark.parametrize(
    ("answer", "cells"),
    [
        (GOOD, ["positive", "0.010000", "0.040000", "0.950000", "0.940000", "1", "1"]),
        (LONG, ["negative", "0.900000", "0.050000", "0.050000", "-0.850000", "24", "40"]),
        (DANGER, ["negative", "", "", "", "", "", ""]),
        (NothingToRead(), ["neutral", "0.0", "1.0", "0.0", "0.0", "0", "0"]),
        (Unreadable("Spanish"), ["unreadable", "", "", "", "", "", ""]),
        (InferenceFailed("broken"), [""] * 7),
    ],
    ids=["rated", "too long", "danger", "nothing", "unreadable", "failed"],
)
def test_what_was_found_stands_beside_its_row(answer, cells):
    assert parsed(row_line(("a",), answer)) == [["a", *cells]]
    assert len(cells) == len(COLUMNS)


def test_names_that_are_taken_are_not_doubled_however_often_a_result_is_read_again():
    content = b"text\nfine\n"
    for _ in range(4):
        table = read_table(content, "x.csv")
        content = written(table, [GOOD]).encode()
    header = parsed(content.decode())[0]
    assert header[:2] == ["text", "sentiment"]
    assert len(set(header)) == len(header) == 1 + 4 * len(COLUMNS)
    assert header_line(("text", " Score ")).startswith("text, Score ,vibecheck_sentiment,vibecheck_negative,")
