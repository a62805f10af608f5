import pytest

from bot.web.handed import handed_file
from bot.web.tables import MAX_FILE_BYTES, MAX_LINES, BadTable, pasted, read_csv


def test_pasted_lines_are_rows_without_blanks():
    assert pasted(" one \n\n  \r\ntwo\n").texts == ["one", "two"]


@pytest.mark.parametrize("text", ["", "  \n \n"])
def test_nothing_pasted_says_what_to_do(text):
    with pytest.raises(BadTable, match="paste some lines, or choose a CSV"):
        pasted(text)


def test_too_many_lines_are_refused_with_their_number():
    assert len(pasted("x\n" * MAX_LINES).rows) == MAX_LINES
    with pytest.raises(BadTable, match=r"10,001 lines; at most 10,000"):
        pasted("x\n" * (MAX_LINES + 1))


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (b"id,Message,day\n1,hello there,2\n", "Message"),
        (b"name,notes\nbo,a longer text than the name\n", "notes"),
        (b"count,word\n1234567890123,hi\n", "word"),
        (b"a;text\n1;hi\n", "text"),
        (b"a\ttext\n1\thi\n", "text"),
        ("\ufefftext,a\nhi,1\n".encode(), "text"),
        ("text,a\nhi,1\n".encode("utf-16"), "text"),
    ],
    ids=["usual name", "longest", "no numbers", "semicolons", "tabs", "byte order mark", "UTF-16"],
)
def test_the_column_of_texts_is_guessed(content, column):
    table = read_csv(content, "x.csv")
    assert table.header[table.column] == column


def test_a_column_that_is_chosen_is_read():
    assert read_csv(b"text,b\n1,2\n3,4\n", "x.csv", 1).texts == ["2", "4"]


@pytest.mark.parametrize("column", [-1, 2, 99])
def test_a_column_that_is_not_there_is_answered_with_those_that_are(column):
    with pytest.raises(BadTable, match=r"no such column; choose one of its own: text, b\."):
        read_csv(b"text,b\n1,2\n", "x.csv", column)


def test_one_column_without_a_usual_name_is_plain_lines():
    assert read_csv(b"love it\nhate it\n", "lines.txt").texts == ["love it", "hate it"]


def test_quoted_cells_hold_commas_and_line_breaks():
    assert read_csv(b'text,n\n"a, b\nc",1\n', "x.csv").texts == ["a, b\nc"]


def test_short_rows_are_filled_and_nameless_columns_numbered():
    table = read_csv(b"text,\nhi\n", "x.csv")
    assert (table.header, table.rows) == (("text", "column 2"), (("hi", ""),))


def test_a_file_over_the_limit_is_refused_whole():
    with pytest.raises(BadTable, match="more than 16 MB"):
        read_csv(b"x" * (MAX_FILE_BYTES + 1), "x.csv")


def test_an_open_quote_at_the_end_is_no_crash():
    assert read_csv(b'text,b\n"never closed,1\n', "x.csv").texts == ["never closed,1\n"]


@pytest.mark.parametrize(
    "payload", ["nonsense", "{}", "[]", "null", '{"name":"x","size":1,"data":"%"}', '{"name":"x","size":"y","data":""}']
)
def test_a_request_that_page_js_would_not_make_is_one_sentence(payload):
    with pytest.raises(BadTable, match="did not arrive whole"):
        handed_file(payload)


def test_half_a_file_is_looked_at_but_not_read():
    file = handed_file('{"name":"x.csv","size":99,"data":"YSx0ZXh0CjEsaGkKMixo"}')  # a,text / 1,hi / 2,h
    assert file.columns() == (("a", "text"), 1)
    with pytest.raises(BadTable, match="did not arrive whole"):
        file.table(1)


def test_blank_rows_in_between_take_no_place_and_drop_none():
    assert len(read_csv(b"text,n\r\r\n" + b"hi,1\r\r\n" * MAX_LINES, "x.csv").rows) == MAX_LINES
    with pytest.raises(BadTable, match=r"10,005 lines; at most 10,000"):
        read_csv(b"text,n\n\n" + b"hi,1\n,\n" * (MAX_LINES + 5), "x.csv")
