"""`python -m model`: texts, lines and CSV files at the command line, over the bundled model."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

from model.__main__ import COLUMNS

ROOT = Path(__file__).parents[2]
HEADER = ["id", "text", *COLUMNS]
GOOD, BAD = "i love this, wonderful", "this is awful, i hate it"


def run(*arguments, stdin=None, code=0):
    """The command's standard output and standard error."""
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    command = [sys.executable, "-m", "model", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=100, **given)
    said = done.stderr.decode("utf-8")
    assert done.returncode == code, said
    assert "Traceback" not in said
    return done.stdout.decode("utf-8"), said


@pytest.fixture
def table(tmp_path):
    """Writes a CSV and returns its path."""

    def table(*rows, header=("id", "text"), encoding="utf-8"):
        path = tmp_path / "in.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows([header, *rows] if header else rows)
        return path

    return table


def scored(path, *arguments):
    out, said = run("--csv", path, *arguments)
    return list(csv.reader(io.StringIO(out))), said


def test_each_text_is_one_line_with_its_verdict():
    out, _ = run(GOOD, BAD)
    first, second = out.splitlines()
    assert first.startswith("positive ") and first.endswith(GOOD)
    assert second.startswith("negative ") and second.endswith(BAD)


def test_each_line_of_standard_input_is_one_line_of_output_nothing_to_read_included():
    out, _ = run(stdin=f"{GOOD}\n\nhttps://example.com\r\n{BAD}\n".encode())
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == ["positive", "-", "-", "negative"]
    assert "nothing to read" in lines[1] and "nothing to read" in lines[2]


def test_a_csv_comes_back_in_its_order_with_the_columns_added(table):
    texts = [GOOD if number % 3 else BAD for number in range(1100)]
    (header, *rows), said = scored(table(*enumerate(texts)))
    assert header == HEADER
    assert [row[:2] for row in rows] == [[str(number), text] for number, text in enumerate(texts)]
    assert [row[2] for row in rows] == ["positive" if text == GOOD else "negative" for text in texts]
    assert "1100/1100" in said


def test_probabilities_sum_to_one_and_the_score_is_their_difference(table):
    (_, row), _ = scored(table((1, GOOD)))
    negative, neutral, positive, score = map(float, row[3:7])
    assert negative + neutral + positive == pytest.approx(1, abs=1e-5)
    assert score == pytest.approx(positive - negative, abs=1e-5)
    assert row[7] == "1"


def test_a_row_with_nothing_to_read_is_neutral_with_no_windows(table):
    (_, *rows), _ = scored(table((1, ""), (2, "https://example.com"), (3,)))
    assert [row[2:] for row in rows] == [["neutral", "0.0", "1.0", "0.0", "0.0", "0"]] * 3


def test_a_very_long_cell_is_read_in_windows_not_cut(table):
    (_, row), _ = scored(table((1, "so good " * 2000)))
    assert int(row[7]) > 5


def test_another_column_and_cells_with_commas_quotes_and_line_breaks_survive(table):
    odd = 'he said "great",\nthen left'
    (header, row), _ = scored(table((odd, "x"), header=("body", "id")), "--column", "body")
    assert header == ["body", "id", *COLUMNS]
    assert row[:2] == [odd, "x"]


def test_the_mark_that_spreadsheets_put_in_front_is_no_part_of_a_name(table):
    (header, _), _ = scored(table((GOOD,), header=("text",), encoding="utf-8-sig"))
    assert header[0] == "text"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"header": ("id", "body")}, "has no column 'text'; its columns are id, body"),
        ({"header": ("text", "score")}, "already has a column 'score'"),
        ({"header": None}, "is empty"),
        ({"row": ("1", GOOD, "extra")}, "Row 2 of in.csv has more cells than the header has columns"),
        ({"encoding": "utf-16"}, "is not UTF-8 text"),
    ],
)
def test_a_csv_that_cannot_be_scored_is_one_sentence_and_writes_nothing(table, given, words):
    row = given.pop("row", ("a", "b"))
    path = table(*([] if given.get("header", 1) is None else [row]), **given)
    out, said = run("--csv", path, code=1)
    assert out == ""
    assert words in said


def test_a_model_that_is_not_there_is_one_sentence(tmp_path):
    out, said = run("--model", tmp_path / "nowhere", "hello", code=1)
    assert out == ""
    assert said.startswith('There is no model at "')
    assert said.count("\n") == 1
