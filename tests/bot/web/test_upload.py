import asyncio
import base64
import json

import pytest
from click.testing import CliRunner

from bot.web.server import running_page
from bot.web.table_parser import MAX_FILE_BYTES, MAX_LINES, pasted, read_csv
from bot.web.upload import handed_file
from model import NothingToRead
from model import __main__ as command
from model.tables import BadTable, described
from tests.bot.web.by_http import press
from tests.model.table_files import READ, REFUSED, as_bytes


class Listening:
    """Stands where the command line has its model, and notes what it is to read."""

    def __init__(self):
        self.texts = []

    async def open(self, *_, **__):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    async def classify_many(self, texts):
        self.texts += texts
        return [NothingToRead() for _ in texts]


@pytest.fixture
def at_the_command_line(monkeypatch, tmp_path):
    """What `python -m model --csv` reads of a file, or what it says of it."""

    def at_the_command_line(content, name):
        heard = Listening()
        monkeypatch.setattr(command, "Classifier", heard)
        path = tmp_path / name
        path.write_bytes(content)
        done = CliRunner().invoke(command.main, ["--csv", str(path)])
        return str(done.exception) if done.exception else heard.texts

    return at_the_command_line


@pytest.mark.parametrize("name", READ)
def test_the_page_and_the_command_line_read_the_same_texts(name, at_the_command_line):
    content, texts = READ[name]
    assert read_csv(as_bytes(content), name).texts == at_the_command_line(as_bytes(content), name) == texts


@pytest.mark.parametrize("name", REFUSED)
def test_the_page_and_the_command_line_say_the_same_of_what_they_cannot_read(name, at_the_command_line):
    content = as_bytes(REFUSED[name][0])
    with pytest.raises(BadTable) as refused:
        read_csv(content, name)
    assert at_the_command_line(content, name) == str(refused.value)


def test_pasted_lines_are_rows_without_blanks():
    assert pasted(" one \n\n  \r\ntwo\n").texts == ["one", "two"]


@pytest.mark.parametrize("text", ["", "  \n \n"])
def test_nothing_pasted_says_what_to_do(text):
    with pytest.raises(BadTable, match="paste some lines, or choose a file"):
        pasted(text)


def test_too_many_lines_are_refused_with_their_number():
    assert len(pasted("x\n" * MAX_LINES).rows) == MAX_LINES
    with pytest.raises(BadTable, match=r"10,001 lines. I read at most 10,000"):
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
    with pytest.raises(BadTable, match=r"no such column\. Choose one of its own: text, b\."):
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


def test_a_quote_that_is_never_closed_is_named_with_its_line():
    with pytest.raises(BadTable, match=r"Line 2 of x\.csv opens a quote"):
        read_csv(b'text,b\n"never closed,1\n', "x.csv")


@pytest.mark.parametrize(
    "payload", ["nonsense", "{}", "[]", "null", '{"name":"x","size":1,"data":"%"}', '{"name":"x","size":"y","data":""}']
)
def test_a_request_that_page_js_would_not_make_is_one_sentence(payload):
    with pytest.raises(BadTable, match="didn't arrive whole"):
        handed_file(payload)


def test_half_a_file_is_looked_at_but_not_read():
    file = handed_file('{"name":"x.csv","size":99,"data":"YSx0ZXh0CjEsaGkKMixo"}')  # a,text / 1,hi / 2,h
    seen = file.seen()
    assert (seen.header, seen.column) == (("a", "text"), 1)
    assert described(seen).endswith("the texts are in 'text'.")
    with pytest.raises(BadTable, match="didn't arrive whole"):
        file.table(1)


def test_pasted_lines_end_where_lines_of_a_file_do():
    assert pasted("one\x85still\u2028one\rtwo").texts == ["one\x85still\u2028one", "two"]


def test_blank_lines_in_between_take_no_place_and_drop_none():
    assert len(read_csv(b"text,n\r\r\n" + b"hi,1\r\r\n" * MAX_LINES, "x.csv").rows) == MAX_LINES
    with pytest.raises(BadTable, match=r"10,005 lines. I read at most 10,000"):
        read_csv(b"text,n\n\n" + b"hi,1\n\n" * (MAX_LINES + 5), "x.csv")


async def test_a_file_is_understood_when_it_is_chosen_and_read_when_it_is_handed_in(classifier, settings):
    content = "id;Said\n1;i love it, really\n2;i hate it\n".encode("utf-16")
    given = {"name": "said.csv", "size": len(content), "data": base64.b64encode(content).decode()}
    async with running_page(classifier, settings, "127.0.0.1", 0) as address:
        seen = await asyncio.to_thread(press, address.url, "vc-handed", [json.dumps(given)], "change")
        read = await asyncio.to_thread(press, address.url, "vc-read-all", [json.dumps(given), None, ""])
    column, shown = seen["output"]["data"]
    assert (column["choices"], column["value"]) == ([["id", 0], ["Said", 1]], 1)
    assert "2 columns named by the first line, with a semicolon between them" in shown
    assert "2 lines read" in read["output"]["data"][0]
    assert read["output"]["data"][-1].startswith("id,Said,sentiment,negative,")
    assert '\r\n1,"i love it, really",positive,' in read["output"]["data"][-1]
