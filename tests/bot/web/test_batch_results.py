import csv
import html
import io

from bot.web import batch_results
from bot.web.batch_results import as_csv, progress_bar, table_rows, understood
from bot.web.bulk_scoring import Progress
from model import InferenceFailed, NothingToRead, Sentiment, Unreadable, Verdict
from model.tables import Table

GOOD = Verdict(Sentiment.POSITIVE, (0.01, 0.04, 0.95), 1, "v")
BAD = Verdict(Sentiment.NEGATIVE, (0.9, 0.05, 0.05), 2, "v")


def summary(answers, seconds):
    """What is read of it, rather than how a browser is told."""
    return html.unescape(batch_results.summary(answers, seconds))


def rows(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def test_the_download_keeps_every_column_and_guards_names_too():
    table = Table(("=id", "text"), (("1", "good"), ("2", "=bad")), 1)
    header, *found = rows(as_csv(table, [GOOD, BAD]))
    assert header == ["'=id", "text", "sentiment", "negative", "neutral", "positive", "score", "windows", "parts"]
    assert found[0] == ["1", "good", "positive", "0.010000", "0.040000", "0.950000", "0.940000", "1", "1"]
    assert found[1][:3] == ["2", "'=bad", "negative"]


def test_names_that_are_taken_are_not_doubled():
    header = rows(as_csv(Table(("text", "Score"), (("a", "1"),)), [GOOD]))[0]
    assert header[2:4] == ["vibecheck_sentiment", "vibecheck_negative"]


def test_lines_that_were_not_read_are_counted_and_have_their_place():
    table = Table(("text",), (("a",), ("http://x.y",), ("b",)))
    answers = [GOOD, NothingToRead(), InferenceFailed("broken")]
    said = summary(answers, 1.0)
    assert "3 lines read in 1.0 s; 1 had nothing to read; 1 couldn't be read." in said
    assert [row[1] for row in table_rows(table, answers)] == ["👍 positive", "nothing to read", "not read"]  # type: ignore[arg-type]
    assert [row[1] for row in rows(as_csv(table, answers))] == ["sentiment", "positive", "neutral", ""]  # type: ignore[arg-type]


def test_another_language_is_unreadable_and_counted():
    table = Table(("text",), (("hola",), ("привет",), ("fine",)))
    answers = [Unreadable("Spanish"), Unreadable(), GOOD]
    assert "3 lines read in 1.0 s; 2 weren't English." in summary(answers, 1.0)
    assert "1 line read in 1.0 s; 1 wasn't English." in summary(answers[:1], 1.0)
    assert table_rows(table, answers)[0][1:4] == ["unreadable", "", ""]  # type: ignore[arg-type]
    assert rows(as_csv(table, answers))[1] == ["hola", "unreadable", *[""] * 6]  # type: ignore[arg-type]


def test_somebody_in_danger_is_not_rated_in_the_list_the_shares_or_the_chart():
    danger = Verdict(Sentiment.NEGATIVE, (0.1, 0.1, 0.8), 1, "v", danger=True)
    table = Table(("text",), (("help me",), ("fine",)))
    said = summary([danger, GOOD], 1.0)
    assert "2 lines read in 1.0 s; 1 isn't rated, because someone may be in danger." in said
    assert "100 % · 1" in said
    assert "0 % · 0" in said
    assert "Distribution of 1 scores" in said
    alone = summary([danger, danger], 1.0)
    assert "2 aren't rated, because someone may be in danger." in alone
    assert "<svg" not in alone
    assert "Shares" not in alone
    assert table_rows(table, [danger, GOOD])[0][1:4] == ["not rated", "", ""]
    assert rows(as_csv(table, [danger, GOOD]))[1] == ["help me", "negative", *[""] * 6]


def test_a_text_that_was_not_read_whole_is_counted_and_says_its_parts():
    long = Verdict(Sentiment.POSITIVE, (0.01, 0.04, 0.95), 24, "v", skipped=16)
    assert "1 line read in 1.0 s; 1 was too long to be read whole." in summary([long], 1.0)
    assert rows(as_csv(Table(("text",), (("long",),)), [long]))[1][-2:] == ["24", "40"]


def test_nothing_readable_at_all_needs_no_chart():
    assert "<svg" not in summary([NothingToRead()], 0.1)


def test_how_a_file_is_understood_is_shown_without_its_markup():
    table = Table(("id", "<b>text</b>"), (("1", "good"),), 1)
    assert "2 columns named by the first line" in understood(table)
    assert "<b>" not in understood(table)


def test_how_far_it_is_says_what_is_left_until_nothing_is():
    assert "Reading: 1,500 of 5,000 lines · about 28 s left" in progress_bar(Progress(1500, 5000, 12.0))
    assert 'value="1500">30 %<' in progress_bar(Progress(1500, 5000, 12.0))
    assert "left" not in progress_bar(Progress(5000, 5000, 0.0))
