import csv
import io

import pytest

from bot.web.results import as_csv, harmless, summary, table_rows
from bot.web.tables import Table
from model import InferenceFailed, NothingToRead, Sentiment, Verdict

GOOD = Verdict(Sentiment.POSITIVE, (0.01, 0.04, 0.95), 1, "v")
BAD = Verdict(Sentiment.NEGATIVE, (0.9, 0.05, 0.05), 2, "v")


def rows(text):
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(cell):
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "hello", "-5", "+1.5", "3", "a=b", "'=1"])
def test_other_cells_stay_as_they_are(cell):
    assert harmless(cell) == cell


def test_the_download_keeps_every_column_and_guards_names_too():
    table = Table(("=id", "text"), (("1", "good"), ("2", "=bad")), 1)
    header, *found = rows(as_csv(table, [GOOD, BAD]))
    assert header == ["'=id", "text", "sentiment", "negative", "neutral", "positive", "score", "windows"]
    assert found[0] == ["1", "good", "positive", "0.010000", "0.040000", "0.950000", "0.940000", "1"]
    assert found[1][:3] == ["2", "'=bad", "negative"]


def test_names_that_are_taken_are_not_doubled():
    header = rows(as_csv(Table(("text", "Score"), (("a", "1"),)), [GOOD]))[0]
    assert header[2:4] == ["vibecheck_sentiment", "vibecheck_negative"]


def test_lines_that_were_not_read_are_counted_and_have_their_place():
    table = Table(("text",), (("a",), ("http://x.y",), ("b",)))
    answers = [GOOD, NothingToRead(), InferenceFailed("broken")]
    said = summary(answers, 1.0)
    assert "3 lines read in 1.0 s; 1 had nothing to read; 1 could not be read." in said
    assert [row[1] for row in table_rows(table, answers)] == ["👍 positive", "nothing to read", "not read"]
    assert [row[1] for row in rows(as_csv(table, answers))] == ["sentiment", "positive", "neutral", ""]


def test_nothing_readable_at_all_needs_no_chart():
    assert "<svg" not in summary([NothingToRead()], 0.1)
